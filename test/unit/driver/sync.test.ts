import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { parseConfig, type StackConfig } from "../../../components";
import { planService } from "../../../components/plan";
import type { RecordedKeys, RecordedRollout, RolloutRecord } from "../../../components/record/format";
import { UsageError } from "../../../driver/errors";
import { adopt, changes, reconcile, syncPlan, unknownOverrides, type Truth } from "../../../driver/verbs/sync";
import type { Written } from "../../../driver/stack/file";
import { stackFile } from "./fakes";

const v1: RecordedKeys = { stable: "v1", weight: 0 };
const half: RecordedKeys = { stable: "v1", canary: "v2", weight: 50 };
const quarter: RecordedKeys = { ...half, weight: 25 };
const v2: RecordedKeys = { stable: "v2", previous: "v1", weight: 0 };
const rich: RecordedKeys = { stable: { version: "v2", replicas: 3 }, previous: "v1", weight: 0 };

const file = (generation: number, keys: RecordedKeys): Written => ({ generation, keys });
const record = (generation: number, keys: RecordedKeys, more: Partial<RolloutRecord> = {}): RolloutRecord => ({ format: 1, stack: "dev", generation, keys, ...more });
const outputs = (generation: number, { canary, weight, ...keys }: RecordedKeys) => ({ ...keys, ...(typeof canary === "object" ? { canary: canary.version, withdrawn: true } : canary ? { canary } : {}), weight, generation, services: {} });
const rollout = (more: Partial<RecordedRollout>): RecordedRollout => ({ id: "v2-1", version: "v2", from: "v1", phase: "observing", stages: [25, 50], weight: 50, startedAt: "", since: "", ...more });

interface Row {
  readonly record?: RolloutRecord;
  readonly outputs?: Record<string, unknown>;
  readonly file: Written;
  readonly truth: Truth;
}

describe("of stack file, rollout record and state", () => {
  const rows: Record<string, Row> = {
    "a stack that was never deployed has only its file": { file: file(0, v1), truth: { ...file(0, v1), from: "file" } },
    "a record counts that is newer than the file, where nothing is deployed": { record: record(7, v2), file: file(3, v1), truth: { ...file(7, v2), from: "record" } },
    "a record without keys, of a rollout that only began, says nothing": { record: record(0, { weight: 0 }), outputs: outputs(0, v1), file: file(0, v1), truth: { ...file(0, v1), from: "file" } },
    "all agree": { record: record(7, v2), outputs: outputs(7, v2), file: file(7, v2), truth: { ...file(7, v2), from: "file" } },
    "the record says what is deployed and the file is older: the record, with its overrides": { record: record(7, rich), outputs: outputs(7, v2), file: file(3, v1), truth: { ...file(7, rich), from: "record" } },
    "a file of the same age that says otherwise was written by hand and counts": {
      record: record(7, v1), outputs: outputs(7, v1), file: file(7, quarter),
      truth: { ...file(7, quarter), from: "file", note: "The stack file asks for canary none → v2, weight 0 → 25, which is not deployed yet: the next update does it." },
    },
    "a file of the same age with other overrides was written by hand too": { record: record(7, v2), outputs: outputs(7, v2), file: file(7, rich), truth: { ...file(7, rich), from: "file" } },
    "a file written by hand and deployed since the driver's last write counts": {
      record: record(7, v1), outputs: outputs(7, quarter), file: file(7, quarter),
      truth: { ...file(7, quarter), from: "state", note: "Deployed is v1 stable, v2 at weight 25 (generation 7) where the rollout record says v1 stable (generation 7): what is deployed counts." },
    },
    "an old file that somebody forced counts, at a generation that nothing older passes": {
      record: record(7, v2), outputs: outputs(3, v1), file: file(3, v1),
      truth: { ...file(7, v1), from: "state", note: "Deployed is v1 stable (generation 3) where the rollout record says v2 stable (generation 7): what is deployed counts." },
    },
    "what was forced counts in everybody else's checkout": {
      record: record(7, v2), outputs: outputs(3, v1), file: file(5, quarter),
      truth: { ...file(7, v1), from: "state", note: "Deployed is v1 stable (generation 3) where the rollout record says v2 stable (generation 7): what is deployed counts." },
    },
    "a state that is newer than the record counts, with the overrides that the record or the file know": {
      record: record(7, { ...rich, canary: "v3", weight: 5 }), outputs: outputs(9, { ...v2, canary: "v4", weight: 5 }), file: file(6, { stable: "v1", canary: { version: "v4", env: { A: "1" } }, weight: 1 }),
      truth: {
        ...file(9, { ...rich, canary: { version: "v4", env: { A: "1" } }, weight: 5 }), from: "state",
        note: "Deployed is v2 stable, v4 at weight 5 (generation 9) where the rollout record says v2 stable, v3 at weight 5 (generation 7): what is deployed counts.",
      },
    },
    "a step that a dead driver announced and did not make is not made by this": {
      record: record(8, half, { rollout: rollout({ phase: "raising" }) }), outputs: outputs(7, quarter), file: file(8, half),
      truth: { ...file(8, quarter), from: "state", note: "Deployed is v1 stable, v2 at weight 25 (generation 7) where the rollout record says v1 stable, v2 at weight 50 (generation 8): what is deployed counts." },
    },
    "traffic that a dead driver was sending home does not come back": {
      record: record(8, { ...half, canary: { version: "v2", withdrawn: true }, weight: 0 }, { rollout: rollout({ phase: "reverting" }) }), outputs: outputs(7, half), file: file(3, v1),
      truth: { ...file(8, { ...half, canary: { version: "v2", withdrawn: true }, weight: 0 }), from: "record" },
    },
    "a way home that only the file knows is kept: the record could not be written": {
      record: record(7, half, { rollout: rollout({ phase: "reverting" }) }), outputs: outputs(7, half), file: file(8, v1),
      truth: { ...file(8, v1), from: "file" },
    },
    "without a record a file that is as new as the state counts": {
      outputs: outputs(0, v1), file: file(0, quarter),
      truth: { ...file(0, quarter), from: "file", note: "The stack file asks for canary none → v2, weight 0 → 25, which is not deployed yet: the next update does it." },
    },
    "without a record what is deployed counts over an older file": {
      outputs: outputs(7, { ...v2, canary: { version: "v3", withdrawn: true } }), file: file(3, { stable: { version: "v1", replicas: 2 }, weight: 0 }),
      truth: {
        ...file(7, { stable: "v2", canary: { version: "v3", withdrawn: true }, previous: { version: "v1", replicas: 2 }, weight: 0 }), from: "state",
        note: "Deployed is v2 stable, v3 withdrawn (generation 7): what is deployed counts.",
      },
    },
    "versions that YAML takes for numbers are versions": {
      record: record(7, { stable: 7 as unknown as string, weight: 0 }), outputs: outputs(7, { stable: "7", weight: 0 }), file: file(6, { stable: 6 as unknown as string, weight: 0 }),
      truth: { ...file(7, { stable: 7 as unknown as string, weight: 0 }), from: "record" },
    },
  };
  for (const [what, row] of Object.entries(rows))
    it(what, () => expect(reconcile({ ...(row.record ? { record: row.record } : {}) }, row.outputs ?? {}, row.file)).to.deep.equal(row.truth));
});

describe("canary sync", () => {
  it("names the keys that differ, overrides included", () => {
    expect(changes(quarter, { ...rich, canary: { version: "v2", withdrawn: true } })).to.deep.equal(["stable v1 → v2", "canary v2 → v2 (withdrawn)", "previous none → v1", "weight 25 → 0"]);
    expect(changes(v2, rich)).to.deep.equal(["stable v2 with other overrides"]);
    expect(changes(v2, { ...v2, stable: { version: "v2" } })).to.deep.equal([]);
  });

  it("refuses to write over what was edited by hand and never deployed, newer or not", () => {
    expect(() => syncPlan("Pulumi.dev.yaml", record(7, v2), outputs(7, v2), file(9, quarter))).to.throw(UsageError,
      "Pulumi.dev.yaml is newer than the rollout record (generation 9, 7) and differs from it (stable v2 → v1, canary none → v2, previous v1 → none, weight 0 → 25): " +
      "deploy it with `pulumi up`, or take the edit back; nothing is written.");
    expect(() => syncPlan("Pulumi.dev.yaml", record(7, v2), outputs(7, v2), file(7, rich))).to.not.throw();
    expect(() => syncPlan("Pulumi.dev.yaml", record(7, v1), outputs(7, v1), file(7, quarter))).to.throw(UsageError, "as new as the rollout record (generation 7, 7)");
    expect(() => syncPlan("Pulumi.dev.yaml", undefined, outputs(0, v1), file(0, quarter))).to.throw(UsageError, "as new as what is deployed (generation 0, 0)");
  });

  it("has nothing to write where nothing is known", () => {
    expect(() => syncPlan("Pulumi.dev.yaml", undefined, {}, file(0, v1))).to.throw(UsageError, "There is nothing to write into Pulumi.dev.yaml: the stack has no rollout record and nothing is deployed.");
  });

  it("does not guess: a version that only the outputs name has overrides if other pods run than without", () => {
    const config = (keys: object): StackConfig => parseConfig({ namespace: "shop", services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } }, ...keys });
    const revision = (stable: unknown): string => planService("shop", config({ stable }).services.shop!, config({ stable }), "canary").stable;
    const truth: Truth = { ...file(7, { stable: "v2", weight: 0 }), from: "state" };
    const runs = (stable: unknown) => ({ services: { shop: { revisions: { stable: revision(stable) } } } });
    expect(unknownOverrides(truth, runs("v2"), [v1], config(truth.keys), "canary")).to.deep.equal([]);
    expect(unknownOverrides(truth, runs({ version: "v2", env: { A: "1" } }), [v1], config(truth.keys), "canary")).to.deep.equal(["v2"]);
    expect(unknownOverrides(truth, runs({ version: "v2", env: { A: "1" } }), [v1, v2], config(truth.keys), "canary")).to.deep.equal([]);
  });

  it("writes keys and generation, removes canary:force, keeps comments, and says what changed", () => {
    const stack = stackFile("  # what runs\n  canary:stable: v1 # the old one\n  canary:canary: v2\n  canary:weight: 25\n  canary:generation: 3\n  canary:force: true");
    expect(adopt(stack, file(7, rich))).to.deep.equal(["canary:stable v1 → v2", "canary:canary v2 → none", "canary:previous none → v1", "canary:weight 25 → 0", "canary:generation 3 → 7", "canary:force removed"]);
    expect(fs.readFileSync(stack.path, "utf8").split("\n").slice(0, 8)).to.deep.equal([
      "config:", "  canary:namespace: shop", "  # what runs", "  canary:stable: {version: v2, replicas: 3} # the old one", "  canary:weight: 0", "  canary:previous: v1", "  canary:generation: 7",
      "  canary:services:",
    ]);
  });

  it("writes nothing where nothing changes", () => {
    const stack = stackFile("  canary:stable: v1\n  canary:generation: 3");
    const before = fs.statSync(stack.path).ino;
    expect(adopt(stack, file(3, v1))).to.deep.equal([]);
    expect(fs.statSync(stack.path).ino).to.equal(before);
    expect(fs.readdirSync(path.dirname(stack.path))).to.deep.equal(["Pulumi.dev.yaml"]);
  });
});
