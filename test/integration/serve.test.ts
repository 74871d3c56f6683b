import { execFile, spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Browser, Page } from "puppeteer-core";
import { stringify } from "yaml";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import type { DriverRun } from "../../sandbox/demo/driver";
import { ensureToolchain } from "../../sandbox/toolchain";
import { drawnCharts, openBrowser, overflow, see, type Seen } from "../browser";
import { sharedCluster, shopStack, type Shop } from "./harness";
import { eventually } from "./requests";

const CANARY = path.resolve(__dirname, "../../../bin/canary.js");
const PATHS = ["/health", "/status/canary", "/status/failover", "/metrics", "/"];

interface Status {
  readonly stack: string;
  readonly rollout?: { readonly version: string; readonly phase: string; readonly weight: number };
  readonly last?: { readonly version: string; readonly outcome: string };
  readonly seen?: { readonly gates: readonly { readonly metric: string }[] };
  readonly traffic?: readonly { readonly stable?: { readonly requests: number }; readonly canary?: { readonly requests: number } }[];
  readonly unknown: readonly string[];
}

const text = async (url: string): Promise<string> => (await fetch(url)).text();
const statusAt = async (url: string): Promise<Status> => JSON.parse(await text(new URL("/status/canary", url).href)) as Status;
const urlIn = (message: string): string | undefined => /^Status at (http:\S+\/)/.exec(message)?.[1];

/** What a page said over time, each once: the weights that it showed, and whether it is live. */
async function follow({ page }: Seen, over: () => boolean): Promise<{ weights: Set<string>; charts: number[]; evidence: boolean }> {
  const seen = { weights: new Set<string>(), charts: [] as number[], evidence: false };
  while (!over()) {
    const main = await page.evaluate(() => document.querySelector("main")!.innerText);
    for (const [, weight] of main.matchAll(/weight (\d+)/g)) seen.weights.add(weight!);
    seen.evidence ||= /ln E/.test(main);
    seen.charts.push(await drawnCharts(page));
    await sleep(400);
  }
  return seen;
}

/** What reaches beyond the window. */
const widest = (page: Page): Promise<string> =>
  page.evaluate(() => [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth).map((e) => `${innerWidth} px, ${e.tagName} ${e.textContent!.slice(0, 60)}`).join("; "));

describe("the status server on the embedded cluster", function () {
  this.timeout(360_000);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "canary-serve-"));
  const children: ChildProcess[] = [];
  let shop: Shop;
  let browser: Browser;
  let record: string;

  /** `canary serve` beside it, which sees the same by the record. */
  async function serve(): Promise<string> {
    const child = spawn(process.execPath, [CANARY, "serve", "--stack", shop.stack, "--cwd", shop.dir, "--json", "--listen", "127.0.0.1:0"], { env: shop.env, stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    for await (const line of createInterface({ input: child.stdout! })) return urlIn((JSON.parse(line) as { message: string }).message)!;
    throw new Error("canary serve ended");
  }

  /** A Prometheus that scrapes it, as one beside it would. */
  async function scrape(target: string): Promise<string> {
    const file = path.join(folder, "prometheus.yml");
    fs.writeFileSync(file, stringify({ global: { scrape_interval: "1s" }, scrape_configs: [{ job_name: "canary", honor_labels: true, static_configs: [{ targets: [new URL(target).host] }] }] }));
    const log = path.join(folder, "prometheus.log");
    const child = spawn((await ensureToolchain()).path("prometheus"), [`--config.file=${file}`, `--storage.tsdb.path=${path.join(folder, "data")}`, "--web.listen-address=127.0.0.1:0"], { stdio: ["ignore", "ignore", fs.openSync(log, "w")] });
    children.push(child);
    for (;;) {
      const address = /address=(127\.0\.0\.1:[1-9]\d*)/.exec(fs.readFileSync(log, "utf8"))?.[1];
      if (address) return `http://${address}`;
      await sleep(50);
    }
  }

  const seriesOf = async (prometheus: string, metric: string): Promise<string[]> => {
    const parameters = new URLSearchParams({ query: metric, start: String(Date.now() / 1000 - 300), end: String(Date.now() / 1000), step: "1" });
    const { data } = JSON.parse(await text(`${prometheus}/api/v1/query_range?${parameters}`)) as { data: { result: { values: [number, string][] }[] } };
    return [...new Set(data.result.flatMap(({ values }) => values.map(([, value]) => value)))];
  };

  async function checkMetrics(metrics: string): Promise<void> {
    const promtool = (await ensureToolchain()).path("promtool");
    await new Promise<void>((resolve, reject) => {
      const child = execFile(promtool, ["check", "metrics", "--lint=all"], (error, stdout, stderr) => (error ? reject(new Error(stdout + stderr)) : resolve()));
      // Those of Node.js have the names that their library gives them.
      child.stdin!.end(metrics.split("\n").filter((line) => /^(# (HELP|TYPE) )?canary_/.test(line)).join("\n") + "\n");
    });
  }

  before(async () => {
    const { cluster } = await sharedCluster();
    const requests = (status = "") => `http_requests_total{namespace="served",version="{{version}}"${status}}`;
    const trend = { kind: "ratio", critical: false, numerator: requests(',status=~"5.."'), denominator: requests() };
    const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": "8080" };
    shop = await shopStack("served", {
      services: { shop: { image: SHOP_IMAGE, port: 8080, hosts: ["served.example"], workload: { drain: "1s", progressDeadline: "30s", annotations } } },
      rollout: { stages: [{ weight: 20, dwell: "6s" }, { weight: 50 }, { weight: 100, dwell: "2s" }], warmUp: "0s", verifyTimeout: "30s", undoWindow: "1h" },
      // A quick rule, and beside it, deciding nothing, a sequential gate, which has evidence to show.
      analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s", gates: { preset: "C", trend } },
    });
    const install = await shop.canary("deploy", "v1");
    expect(install.exitCode, install.stderr).to.equal(0);
    [browser, record] = await Promise.all([openBrowser(), serve()]);
  });
  after(async () => {
    children.forEach((child) => child.kill());
    await browser?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** Rolls out with `--listen`; what is done meanwhile gets the address, and is awaited. */
  async function rollOut(version: string, meanwhile: (url: string, over: () => boolean) => Promise<void>): Promise<DriverRun> {
    let over = false;
    let busy: Promise<void> | undefined;
    const run = await shop.canaryWatched(["deploy", version, "--yes", "--listen", "127.0.0.1:0"], ({ message }) => {
      const url = urlIn(message);
      if (url) busy = meanwhile(url, () => over);
    });
    over = true;
    await busy;
    return run;
  }

  it("shows a rollout live, from its first stage to its promotion, to a browser, to Prometheus and to scripts", async () => {
    const load = shop.background(150);
    const answers: Record<string, Set<number>> = Object.fromEntries(PATHS.map((name) => [name, new Set<number>()]));
    const statuses: Status[] = [];
    const complaints: string[] = [];
    let shown: Awaited<ReturnType<typeof follow>> | undefined;
    let last = "";
    let metrics = "";
    let prometheus = "";
    const run = await rollOut("v2", async (url, over) => {
      const live = await see(browser, url);
      const phone = await see(browser, url, { width: 390 });
      prometheus = await scrape(url);
      const following = follow(live, over);
      while (!over()) {
        for (const name of PATHS) {
          const answer = await fetch(new URL(name, url)).catch(() => undefined);
          if (answer) answers[name]!.add(answer.status);
          const body = await answer?.text().catch(() => "");
          if (name === "/metrics" && body) metrics = body;
          if (name === "/status/canary" && body && answer?.ok) statuses.push(JSON.parse(body) as Status);
        }
        for (const { page } of [live, phone]) if ((await overflow(page)) > 0) complaints.push(`too wide: ${await widest(page)}`);
        await sleep(500);
      }
      shown = await following;
      last = await live.page.evaluate(() => `${document.getElementById("connection")!.textContent} ${document.querySelector("main")!.innerText}`);
      complaints.push(...live.complaints, ...phone.complaints, ...[...live.requests, ...phone.requests].filter((asked) => !asked.startsWith(url)));
    });
    await load.stop();
    expect(run.exitCode, run.stderr).to.equal(0);
    for (const name of PATHS) expect([...answers[name]!], name).to.deep.equal([200]);
    expect([...shown!.weights]).to.include.members(["20", "50", "100"]);
    expect(shown!.evidence).to.equal(true);
    expect(shown!.charts.at(-1)).to.be.greaterThan(shown!.charts[0]!);
    expect(last).to.match(/^The rollout has ended/).and.to.match(/v2 is stable/);
    expect(complaints).to.deep.equal([]);
    expect(statuses.map(({ rollout }) => rollout?.weight)).to.include.members([20, 50, 100]);
    expect(statuses.some(({ seen, traffic }) => seen?.gates.length && traffic?.[0]?.canary?.requests && traffic[0].stable?.requests)).to.equal(true);
    await checkMetrics(metrics);
    expect(await seriesOf(prometheus, 'canary_weight{stack="served",service="shop",version="v2"}')).to.include.members(["20", "50", "100"]);
    expect(await seriesOf(prometheus, "canary_rollback_total")).to.deep.equal(["0"]);
    expect(await seriesOf(prometheus, 'canary_gate_log_evidence{metric="trend"}')).to.not.deep.equal([]);
  });

  it("has nothing left open when the rollout is over", async () => {
    const load = shop.background(150);
    let address = "";
    const run = await rollOut("bad", async (url, over) => {
      address = url;
      const { page } = await see(browser, url);
      while (!over()) await sleep(200);
      const main = await page.evaluate(() => document.querySelector("main")!.innerText);
      expect(main).to.match(/bad is rolled back/).and.to.match(/v1 gets all traffic|v2 gets all traffic/);
    });
    await load.stop();
    expect(run.exitCode, run.stderr).to.equal(2);
    expect(address, "the address that was told").to.match(/^http:/);
    expect(await fetch(address).then(() => "answered", () => "gone")).to.equal("gone");
  });

  it("by the record tells both rollouts too, in one process, and the same figures", async () => {
    const load = shop.background(150);
    // The server looks once a second, and a look takes as long as the slowest that it asks.
    await eventually(async () => {
      const status = await statusAt(record);
      expect(status).to.deep.include({ stack: "served", unknown: [] });
      expect(status.last).to.include({ version: "bad", outcome: "rolled-back" });
    });
    const metrics = await text(new URL("/metrics", record).href);
    await checkMetrics(metrics);
    expect(metrics).to.match(/canary_rollback_total\{.*service="shop",reason="verdict"\} 1/).and.to.match(/canary_validation_success\{.*version="bad"\} 0/);
    expect(metrics).to.match(/canary_rollout_duration_seconds_count\{.*version="v2",outcome="promoted"\} 1/);
    const live = await see(browser, record);
    expect(await live.page.evaluate(() => document.querySelector("main")!.innerText)).to.match(/bad/);
    // Another one begins: the page that is open already shows it.
    const run = shop.canary("deploy", "slow", "--yes");
    await live.page.waitForFunction(() => /slow under way/.test(document.querySelector("main")!.innerText), { timeout: 120_000 });
    expect((await statusAt(record)).rollout?.version).to.equal("slow");
    expect((await run).exitCode).to.equal(2);
    await live.page.waitForFunction(() => /slow/.test(document.querySelector("main")!.innerText) && !/under way/.test(document.querySelector("main")!.innerText), { timeout: 30_000 });
    expect(live.complaints).to.deep.equal([]);
    await load.stop();
  });

  it("refuses an address that is in use before anything moves, and frees the stack", async () => {
    const { host } = new URL(record);
    const run = await shop.canary("deploy", "v2", "--retry", "--yes", "--listen", host);
    expect(run.exitCode).to.equal(64);
    expect(run.stderr.trim()).to.equal(`canary: The address ${host} cannot be listened on: another process listens there: choose another port, or end that process.`);
    const wrong = await shop.canary("deploy", "v2", "--yes", "--listen", "nonsense");
    expect(wrong.exitCode).to.equal(64);
    expect((await statusAt(record)).rollout).to.equal(undefined);
  });

  it("ends at once when it is interrupted", async () => {
    const [server] = children.filter(({ spawnargs }) => spawnargs.includes("serve"));
    const ended = new Promise<number | null>((resolve) => server!.once("exit", resolve));
    await see(browser, record);
    server!.kill("SIGINT");
    expect(await ended).to.equal(0);
  });
});
