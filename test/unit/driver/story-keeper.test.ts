import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { localFolder } from "../../../driver/stack/engine";
import type { RolloutEvent } from "../../../driver/report/events";
import { Audience } from "../../../driver/report/listeners";
import { StoryFolder } from "../../../driver/report/story-file";
import { keepStory } from "../../../driver/report/story-keeper";
import type { RecordedRollout } from "../../../components/record/format";
import { folder, scene } from "./fakes";
import { rolledBack, T0 } from "./stories";

const RUNNING: RecordedRollout = { id: "v2-abc", version: "v2", from: "v1", phase: "held", stages: [5, 100], weight: 5, startedAt: new Date(T0 * 1000).toISOString(), since: new Date(T0 * 1000).toISOString() };

interface Told {
  readonly notes: string[];
  /** Tells a verb's events, ends it, and lets its listeners finish. */
  verb(events: readonly RolloutEvent[], verb?: string): Promise<void>;
  readonly stories: StoryFolder;
  readonly dir: string;
  readonly ledger: ReturnType<typeof scene>["context"]["ledger"];
}

function project(dir = folder("report")): Told {
  const { context: { ledger, dependencies }, file } = scene("  canary:stable: v1");
  const notes: string[] = [];
  return {
    notes, dir, ledger, stories: new StoryFolder(localFolder(dir, "dev")),
    async verb(events, verb = "deploy v2") {
      const occasion = { project: "canary", stack: "dev", folder: dir, flags: { stack: "dev", cwd: dir }, verb, config: file.read(), ledger, dependencies, note: (said: string) => void notes.push(said) };
      const audience = await Audience.of([keepStory], occasion);
      for (const event of events) audience.tell(event);
      await audience.close();
    },
  };
}

describe("a rollout's report", function () {
  this.timeout(20_000);

  it("is written at its end, and its place is told before the end is", async () => {
    const { verb, notes, dir } = project();
    await verb(rolledBack());
    const file = path.join(localFolder(dir, "dev"), "v2-abc.html");
    expect(notes).to.deep.equal([`Report: ${file}`]);
    expect(fs.readFileSync(file, "utf8")).to.include("v2 rolled back");
    expect(fs.readdirSync(path.dirname(file)).filter((name) => name.endsWith(".new"))).to.deep.equal([]);
  });

  it("goes on where another driver has stopped", async () => {
    const { verb, stories, ledger } = project();
    await verb([...rolledBack().slice(0, 20), { t: T0 + 30, event: "end", outcome: "held", message: "held" }]);
    await ledger.begin(RUNNING, "v2 beside v1");
    await verb(rolledBack().slice(20), "resume");
    const view = stories.load("v2-abc")!.snapshot();
    expect(view.series.find(({ track }) => track === "canary")!.points.reduce((n, p) => n + p.requests, 0)).to.equal(5 * 60);
    expect([view.outcome, view.facts.verb, view.missing]).to.deep.equal(["rolled-back", "deploy v2", []]);
  });

  it("says what it lacks where the rollout was begun elsewhere", async () => {
    const { verb, stories, ledger } = project();
    await ledger.begin(RUNNING, "v2 beside v1");
    await verb(rolledBack().slice(20), "resume");
    expect(stories.load("v2-abc")!.snapshot().missing[0]).to.match(/^It was begun by a driver elsewhere/);
  });

  it("is left alone by a verb that was refused", async () => {
    const { verb, stories, ledger, notes } = project();
    await verb([...rolledBack().slice(0, 20), { t: T0 + 30, event: "end", outcome: "held", message: "held" }]);
    await ledger.begin(RUNNING, "v2 beside v1");
    const [before, said] = [JSON.stringify(stories.load("v2-abc")!.saved()), notes.length];
    await verb([{ t: T0 + 99, event: "end", outcome: "failed", message: "A rollout of v2 is held." }], "deploy v3");
    expect([JSON.stringify(stories.load("v2-abc")!.saved()), notes.length]).to.deep.equal([before, said]);
  });

  it("is written of both where a verb first ends one rollout and then begins another", async () => {
    const { verb, stories, ledger } = project();
    await ledger.begin(RUNNING, "v2 beside v1");
    await verb([...rolledBack().slice(60, -1), { t: T0 + 100, event: "start", id: "v3-abd", version: "v3", from: "v1", message: "rolling out v3" }, { t: T0 + 101, event: "end", outcome: "held", message: "v3 is held" }], "deploy v3");
    expect(stories.ids()).to.have.members(["v2-abc", "v3-abd"]);
    expect(fs.existsSync(stories.report("v2-abc")!)).to.equal(true);
    expect(stories.load("v3-abd")!.snapshot().timeline.map(({ event }) => event)).to.deep.equal(["start", "end"]);
  });

  it("is none of a verb without a rollout", async () => {
    const { verb, stories, notes } = project();
    await verb([{ t: T0, event: "start", message: "installing v1" }, { t: T0 + 1, event: "end", outcome: "promoted", message: "v1 is installed" }], "deploy v1");
    expect([stories.ids(), notes]).to.deep.equal([[], []]);
  });

  it("costs a note and nothing else where the folder cannot be written", async () => {
    const dir = folder("report");
    fs.writeFileSync(path.join(dir, ".canary"), "a file is in the way");
    const { verb, notes } = project(dir);
    await verb(rolledBack());
    expect(notes).to.have.length(2);
    expect(notes[1]).to.match(/^The report of this rollout could not be written \(.+\): `canary report` makes it from the record\.$/);
  });

  it("is never written outside its folder, whatever the record calls the rollout", async () => {
    const { verb, notes, dir } = project();
    await verb(rolledBack().map((event) => (event.id ? { ...event, id: "../../../escaped" } : event)));
    expect(fs.existsSync(path.join(dir, "..", "escaped.html"))).to.equal(false);
    expect(notes).to.have.length(1);
    expect(notes[0]).to.include('no file can be named after the rollout "../../../escaped"');
  });
});
