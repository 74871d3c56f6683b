import { parentPort } from "node:worker_threads";
import { renderBody, renderPage } from "../pages";
import type { Drawn, Order } from "./drawing";

parentPort!.on("message", ({ id, kind, view }: Order) => {
  let drawn: Drawn;
  try {
    drawn = { id, html: kind === "page" ? renderPage(view, { live: true }) : renderBody(view) };
  } catch (error) {
    drawn = { id, error: (error as Error).message };
  }
  parentPort!.postMessage(drawn);
});
