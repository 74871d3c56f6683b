import { expect } from "chai";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "puppeteer-core";
import { renderBody, renderPage } from "../../driver/pages";
import { clipped, drawnCharts, openBrowser, overflow, overlaps, see } from "../browser";
import { rolledBack, storyOf, T0 } from "../unit/driver/stories";

const VIEW = storyOf(rolledBack()).snapshot([{ seq: 1, at: new Date(T0 * 1000).toISOString(), rollout: "v2-abc", by: "ci", kind: "intent", weight: 0, message: "v2 beside v1" }]);
const LONG = storyOf(rolledBack().map((event) => (event.version ? { ...event, version: `v2.0.0-${"feature-".repeat(12)}x`, from: "1.9.9-0123456789abcdef0123456789abcdef01234567" } : event)), { services: ["a-service-with-a-name-of-forty-letters-x1"] }).snapshot();

/** Letters as they stand in a PDF's pages are compressed; its number of pages is not. */
const pagesOf = (pdf: Uint8Array): number => Buffer.from(pdf).toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;

describe("a rollout's page in a browser", function () {
  this.timeout(120_000);
  let browser: Browser;
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-pages-"));
  const written = (name: string, html: string): string => {
    fs.writeFileSync(path.join(dir, name), html);
    return pathToFileURL(path.join(dir, name)).href;
  };

  before(async () => {
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    fs.rmSync(dir, { recursive: true, force: true });
  });

  for (const width of [1280, 768, 390, 320])
    for (const scheme of ["light", "dark"] as const)
      it(`fits a window of ${width} pixels, with no text on another, and draws every chart (${scheme})`, async () => {
        const { page, complaints, requests } = await see(browser, written("report.html", renderPage(VIEW, { live: false })), { width, scheme });
        expect(await overflow(page)).to.equal(0);
        expect(await overlaps(page)).to.deep.equal([]);
        expect(await clipped(page)).to.deep.equal([]);
        expect(await drawnCharts(page)).to.equal(await page.evaluate(() => document.querySelectorAll("figure").length));
        expect([complaints, requests]).to.deep.equal([[], []]);
        await page.close();
      });

  it("breaks versions and names that are too long for a phone", async () => {
    const { page } = await see(browser, written("long.html", renderPage(LONG, { live: false })), { width: 390 });
    expect([await overflow(page), await overlaps(page)]).to.deep.equal([0, []]);
    await page.close();
  });

  it("has letters in charts that can be read on a phone and on a desk", async () => {
    for (const width of [1280, 390]) {
      const { page } = await see(browser, written("report.html", renderPage(VIEW, { live: false })), { width });
      const heights = await page.evaluate(() => [...document.querySelectorAll(".chart text")].map((text) => (parseFloat(getComputedStyle(text).fontSize) * text.closest("svg")!.clientWidth) / 380));
      expect(Math.min(...heights)).to.be.above(8.5);
      await page.close();
    }
  });

  it("shows a chart's figures to who asks for them", async () => {
    const { page } = await see(browser, written("report.html", renderPage(VIEW, { live: false })), { width: 390 });
    await page.click("#figures-split summary");
    expect(await page.$$eval("#figures-split tbody tr", (rows) => rows.length)).to.be.within(3, 13);
    expect([await overflow(page), await overlaps(page)]).to.deep.equal([0, []]);
    await page.close();
  });

  it("prints on A4 with no chart cut in two", async () => {
    const { page } = await see(browser, written("report.html", renderPage(VIEW, { live: false })), { scheme: "dark" });
    const pdf = await page.pdf({ format: "A4", preferCSSPageSize: true });
    expect(pagesOf(pdf)).to.be.within(2, 8);
    await page.emulateMediaType("print");
    expect(await page.evaluate(() => [...document.querySelectorAll("figure, .gate")].map((e) => getComputedStyle(e).breakInside).filter((value) => value !== "avoid"))).to.deep.equal([]);
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).to.equal("rgb(255, 255, 255)");
    await page.close();
  });

  describe("live", () => {
    const streams = new Set<http.ServerResponse>();
    const server = http.createServer((request, response) => {
      if (request.url === "/") return void response.setHeader("Content-Type", "text/html; charset=utf-8").end(renderPage(storyOf([]).snapshot(), { live: true }));
      if (request.url !== "/events") return void response.writeHead(404).end();
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write("retry: 200\n\n");
      streams.add(response);
    });
    const send = (body: string, event?: string): void => streams.forEach((s) => s.write(`${event ? `event: ${event}\n` : ""}${body.split("\n").map((line) => `data: ${line}\n`).join("")}\n`));
    let url = "";

    before((done) => void server.listen(0, "127.0.0.1", () => {
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      done();
    }));
    after(() => {
      streams.forEach((s) => s.end());
      server.close();
    });

    it("shows what each message brings, keeps open what was opened, and says when it is lost and when it is over", async () => {
      const { page, complaints } = await see(browser, url);
      const state = (wanted: string): Promise<unknown> => page.waitForFunction((w) => document.getElementById("connection")!.dataset.state === w, {}, wanted);
      await state("live");
      send(renderBody(VIEW));
      await page.waitForFunction(() => document.querySelector("h1")!.textContent!.includes("v2 rolled back"));
      await page.click("#figures-split summary");
      send(renderBody(VIEW));
      await page.waitForFunction(() => document.querySelector<HTMLDetailsElement>("#figures-split")!.open);
      expect(await drawnCharts(page)).to.equal(5);
      expect(complaints).to.deep.equal([]);
      streams.forEach((s) => s.destroy());
      streams.clear();
      await state("lost");
      expect(await page.$eval("#connection", (e) => e.textContent)).to.match(/^Connection lost at .+ may be old\. Trying again …$/);
      await state("live");
      send("", "end");
      await state("ended");
      await page.close();
    });
  });
});
