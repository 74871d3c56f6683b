import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import type { StoryView } from "../../driver/report/story-view";
import { shopStack, type Shop } from "./harness";

const failed = ({ gates }: StoryView): StoryView["gates"][number] | undefined => gates.find(({ answer }) => answer === "fail");
const evidence = ({ verdict, gates }: StoryView): string => `no gate that failed where the verdict is "${verdict}": ${JSON.stringify(gates.map(({ points, ...facts }) => ({ ...facts, points: points.length })))}`;

describe("the report of a rollback on the embedded cluster", function () {
  this.timeout(400_000);
  let shop: Shop;
  let id: string;
  let folder: string;

  const told = async (...args: string[]): Promise<StoryView> => {
    const { exitCode, events, stderr } = await shop.canary("report", ...args);
    expect(exitCode, stderr).to.equal(0);
    return (events[0] as unknown as { report: StoryView }).report;
  };

  before(async () => {
    shop = await shopStack("report");
    expect((await shop.canary("deploy", "v1")).exitCode).to.equal(0);
    const load = shop.background(200);
    const run = await shop.canary("deploy", "bad", "--yes");
    await load.stop();
    expect(run.exitCode, run.stderr).to.equal(2);
    const file = run.events.map(({ message }) => /^Report: (.*)\.html$/.exec(message)?.[1]).find((found) => found !== undefined)!;
    [folder, id] = [path.dirname(file), path.basename(file)];
  });

  it("lies in the project's folder, is small, and tells the outcome", () => {
    const html = fs.readFileSync(path.join(folder, `${id}.html`), "utf8");
    expect(html).to.include("bad rolled back").and.include("v1 gets all traffic");
    expect(html.length).to.be.within(20_000, 300_000);
  });

  it("has the curves of both tracks, the gate that failed and the journal", async () => {
    const view = await told();
    expect(view.facts.id).to.equal(id);
    const canary = view.series.find(({ track }) => track === "canary")!;
    expect(canary.points.reduce((n, p) => n + p.errors, 0)).to.be.above(0);
    expect(failed(view), evidence(view)).to.not.equal(undefined);
    expect(failed(view)!.points).to.not.be.empty;
    expect(view.stages[0]).to.include({ weight: 5, verdict: "rollback" });
    expect(view.journal.at(-1)!.kind).to.equal("end");
    expect(view.missing).to.deep.equal([]);
  });

  it("is made again from the record and Prometheus where this folder has nothing, and says so", async () => {
    const before = await told(id);
    fs.rmSync(folder, { recursive: true });
    const view = await told(id);
    expect(view).to.include({ outcome: "rolled-back" });
    const requests = ({ series }: StoryView): number => series.filter(({ track }) => track === "canary").flatMap(({ points }) => points).reduce((n, p) => n + p.requests, 0);
    expect(requests(view)).to.be.within(0.5 * requests(before), 2 * requests(before));
    expect(failed(view), evidence(view)).to.not.equal(undefined);
    expect(view.missing.join(" ")).to.include("told from the rollout record").and.include("computed anew from Prometheus' history");
    const out = path.join(path.dirname(folder), "elsewhere.html");
    expect((await shop.canary("report", "--out", out)).exitCode).to.equal(0);
    expect(fs.readFileSync(out, "utf8")).to.include("What is missing");
  });

  it("of a rollout that nobody knows is refused, with those that are known", async () => {
    const run = await shop.canary("report", "v9-nothing");
    expect([run.exitCode, run.stderr.trim()]).to.deep.equal([64, `canary: No rollout of "report" is called "v9-nothing": there is ${id}.`]);
  });
});
