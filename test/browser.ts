import chromium from "@sparticuz/chromium";
import { launch, type Browser, type Page } from "puppeteer-core";

/** A page as a person sees it, and what went wrong in it. */
export interface Seen {
  readonly page: Page;
  /** Errors and warnings of the console, uncaught exceptions, and breaches of the page's policy. */
  readonly complaints: readonly string[];
  /** Addresses that were asked for, the page's own aside. */
  readonly requests: readonly string[];
}

export interface Look {
  /** CSS pixels. Default 1280 × 900. */
  readonly width?: number;
  readonly height?: number;
  /** Default light. */
  readonly scheme?: "light" | "dark";
}

/** A headless browser; its binary comes with its package. */
export async function openBrowser(): Promise<Browser> {
  return launch({ args: chromium.args, executablePath: await chromium.executablePath(), headless: "shell" });
}

/** Opens an address (http: or file:) in a page of its own. */
export async function see(browser: Browser, url: string, { width = 1280, height = 900, scheme = "light" }: Look = {}): Promise<Seen> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => request.url() !== url && requests.push(request.url()));
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setViewport({ width, height });
  // A live page never stops loading: its events go on.
  await page.goto(url, { waitUntil: "load" });
  return { page, complaints, requests };
}

/** Pixels by which the page is wider than its window. */
export const overflow = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Pairs of texts that lie on top of each other, in HTML and in charts; texts inside one another do not count. */
export const overlaps = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const boxes: { text: string; box: DOMRect }[] = [];
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const text = (node.textContent ?? "").trim();
      // What is folded away has boxes all the same.
      if (text === "" || !node.parentElement!.checkVisibility()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) if (box.width > 0 && box.height > 0) boxes.push({ text, box });
    }
    const found: string[] = [];
    // Lines are set a little tighter than their letters' boxes are high.
    const slack = 4;
    for (const [i, a] of boxes.entries())
      for (const b of boxes.slice(i + 1))
        if (a.box.left + 1 < b.box.right && b.box.left + 1 < a.box.right && a.box.top + slack < b.box.bottom && b.box.top + slack < a.box.bottom) found.push(`"${a.text}" and "${b.text}"`);
    return found;
  });

/** Texts that reach beyond a box that hides what does. */
export const clipped = (page: Page): Promise<string[]> =>
  page.evaluate(() => [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible").map((e) => `${e.tagName} ${(e.textContent ?? "").slice(0, 60)}`));

/** Charts whose lines cover some width: those that were drawn. */
export const drawnCharts = (page: Page): Promise<number> =>
  page.evaluate(() => [...document.querySelectorAll(".chart svg")].filter((svg) => [...svg.querySelectorAll("path")].some((path) => {
    const box = path.getBBox();
    return path.getAttribute("stroke-width") === "2" && box.width > 10;
  })).length);
