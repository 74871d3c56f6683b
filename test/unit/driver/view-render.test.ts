import { expect } from "chai";
import { render } from "../../../driver/view/render";
import type { Snapshot } from "../../../driver/view/snapshot";
import { tableLines, widthOf } from "../../../driver/view/table";
import { before, NOW, quiet, rolling } from "./snapshots";
import pc from "picocolors";

const text = (snapshot: Snapshot, width = 80): string => render(snapshot, { width }).join("\n");

describe("the view of a stack", () => {
  it("shows a stack that nobody works on in a few lines", () => {
    expect(text(quiet)).to.equal(`\
stack     prod, generation 3
stable    v1
canary    none
previous  none
shop      http://shop.example/

revision          is      ready  restarts
shop-v1-aaaaaaaa  stable  2/2    0

relies on
kubernetes  ✔ https://10.0.0.1:6443`);
  });

  it("shows a rollout with its split, stages, driver, pods and every gate's numbers", () => {
    expect(text(rolling)).to.equal(`\
stack     prod, generation 5
stable    v1
canary    v2, weight 25, served 24.8 % (2 s ago) █████░░░░░░░░░░░░░░░
previous  none
rollout   v1 → v2: observing, stage 2 of 4 for 12 s, began 90 s ago
stages    5 ✔  ▶ 25  50  100
driver    ci@host (canary deploy, pid 42), renewed 3 s ago
shop      http://shop.example/

revision          is      ready  restarts  trouble
shop-v1-aaaaaaaa  stable  2/2    0
shop-v2-bbbbbbbb  canary  1/2    3         container shop keeps crashing

gate        rule       answer          value   limit  ln E   decides at
errors      absolute   pass            0.4 %   5 %    -3.20  5.30
latency     threshold  undecided       220 ms  1 s
confidence  baseline   fail            0.7×    0.8×
errors      fail       not-applicable

relies on
kubernetes  ✔ https://10.0.0.1:6443`);
  });

  it("says what a rollout whose driver died needs, before anything else but the facts", () => {
    const dead: Snapshot = { ...rolling, lease: { holder: "ci@host (pid 42)", expired: true, renewedAt: before(45) }, seen: undefined, revisions: [] };
    expect(text(dead)).to.equal(`\
stack     prod, generation 5
stable    v1
canary    v2, weight 25
previous  none
rollout   v1 → v2: observing, stage 2 of 4 for 12 s, began 90 s ago
stages    5 ✔  ▶ 25  50  100
driver    ci@host (pid 42), gone: renewed 45 s ago
shop      http://shop.example/

✘  The rollout of v2 is unfinished (observing). Its driver, ci@host (pid 42),
   has said nothing for 45 s and its Lease has run out: go on with \`canary
   resume\`, or send all traffic home with \`canary rollback\`.

relies on
kubernetes  ✔ https://10.0.0.1:6443`);
  });

  it("shows what the counters say where no driver does, and does not take missing data for none", () => {
    const arm = { rate: 80, requests: 4000, errorShare: 0.001, p95: 0.02 };
    const traffic = [
      { service: "shop", seconds: 50, stable: arm, canary: { rate: 20, requests: 1000, errorShare: 0.2 }, served: 0.2 },
      { service: "cart", missing: "Prometheus has no series for requests." },
    ];
    const lines = text({ ...rolling, lease: { expired: true }, rollout: undefined, seen: undefined, revisions: [], traffic }).split("\n");
    expect(lines.slice(lines.indexOf("") + 1, -3)).to.deep.equal([
      "service  track   req/s  errors  P95    share",
      "shop     stable  80.0   0.1 %   20 ms  80 % of 5000 in 50 s",
      "shop     canary  20.0   20 %           20 % of 5000 in 50 s",
      "",
      "service  traffic",
      "cart     no data: Prometheus has no series for requests.",
    ]);
  });

  it("shows every dependency with its circuit as soon as one is not well", () => {
    const dependencies = [...quiet.dependencies, { name: "prometheus", address: "http://p:9090", healthy: false, circuit: "open" as const, failures: 5, lastError: "http://p:9090 cannot be reached: ECONNREFUSED." }];
    expect(text({ ...quiet, dependencies }, 100).split("\n").slice(-3)).to.deep.equal([
      "relies on   at                     circuit  health",
      "kubernetes  https://10.0.0.1:6443  closed   ✔",
      "prometheus  http://p:9090          open     ✘ http://p:9090 cannot be reached: ECONNREFUSED.",
    ]);
  });

  it("says that a previous revision can be gone back to, and for how long", () => {
    const undo = { version: "v0", until: new Date(Date.parse(NOW) + 59.5 * 60_000).toISOString() };
    expect(text({ ...quiet, undo })).to.include("previous  v0, `canary undo` goes back to it for another 59 min\n");
  });

  it("does not show a split that was seen before the weight was set", () => {
    expect(text({ ...rolling, rollout: { ...rolling.rollout!, phase: "raising", weight: 50, since: before(1) } })).to.include("canary    v2, weight 50\n");
  });

  it("does not pass the stack file off as what is deployed", () => {
    expect(text({ ...quiet, deployed: undefined }).split("\n")[0]).to.equal("stack     prod, generation 3 by the stack file: what is deployed cannot be read");
  });

  it("keeps every line within the width, at 80 and at 120 columns, and breaks words that are too long for it", () => {
    const long: Snapshot = { ...rolling, rollout: { ...rolling.rollout!, phase: "reverting", reason: `errors: ${"x".repeat(300)} failed` }, unknown: ["The cluster cannot be asked: ".repeat(9)] };
    for (const width of [80, 120]) for (const line of render(long, { width })) expect(widthOf(line), line).to.be.at.most(width);
  });

  it("has the same lines in colour", () => {
    const coloured = render(rolling, { colours: pc.createColors(true) }).join("\n");
    expect(coloured).to.include("\x1b[");
    expect(coloured.replace(/\x1b\[\d+m/g, "").split("\n").map((l) => l.trimEnd()).join("\n")).to.equal(text(rolling));
  });

  it("leaves out what does not fit below, and says so", () => {
    const lines = render(rolling, { rows: 10 });
    expect(lines).to.have.length(10);
    expect(lines.at(-1)).to.equal("… 12 more lines: make the window taller");
  });
});

describe("a table without a frame", () => {
  it("gives the last column the room that the others leave", () => {
    expect(tableLines([["a", "one two three"], ["bbb", "four"]], 16)).to.deep.equal(["a    one two", "     three", "bbb  four"]);
  });
});

describe("a table", () => {
  it("has a reason of many lines at once, as it was written, beside the first line of its row", () => {
    const reason = Array.from({ length: 2000 }, (_, i) => `word${i}`).join(" ");
    const lines = tableLines([["why", reason], ["who", "me"]], 80);
    expect(lines[0]).to.match(/^why {2}word0 word1 /);
    expect(lines.slice(0, -1).map((line) => line.slice(5)).join(" ")).to.equal(reason);
    expect(lines.slice(1, -1).every((line) => line.startsWith("     w"))).to.equal(true);
    expect(lines.at(-1)).to.equal("who  me");
  });
});
