import { expect } from "chai";
import type { RecordedRollout, RolloutRecord } from "../../../components/record/format";
import { inWords, leaseView, sameKeys, staleness, type StaleCheck } from "../../../components/record/stale";

const record: RolloutRecord = { format: 1, stack: "dev", generation: 7, keys: { stable: "v2", previous: "v1", weight: 0 } };
const rollout: RecordedRollout = { id: "v3-1", version: "v3", from: "v2", phase: "observing", stage: 1, stages: [5, 25, 100], weight: 25, startedAt: "2026-01-01T00:00:00Z", since: "2026-01-01T00:01:00Z" };
const during: RolloutRecord = { ...record, keys: { stable: "v2", canary: "v3", weight: 25 }, rollout };
const live = { holder: "ci@runner (pid 4)", expired: false };

/** A file of generation 3 that still says v1, against the record above. */
const check = (change: Partial<StaleCheck> = {}): string | undefined =>
  staleness({ stack: "org/canary/dev", config: { generation: 3, force: false }, keys: { stable: "v1", weight: 0 }, record, ...change });

describe("a stack file against the rollout record", () => {
  it("that is older and says something else is refused with the remedy", () => {
    expect(check()).to.equal(
      "Pulumi.dev.yaml is older than the rollout record (generation 3, the record has 7: v2 stable) and would undo what the driver did: " +
      "run `canary sync --stack org/canary/dev` to write the record into the file, or set canary:force: true to override once.");
  });

  it("that is refused for its age is told what the record has, canary and weight included", () => {
    expect(check({ record: { ...during, rollout: undefined } })).to.include("the record has 7: v2 stable, v3 at weight 25)");
    expect(inWords({ stable: "v2", canary: { version: "v3", withdrawn: true }, weight: 0 })).to.equal("v2 stable, v3 withdrawn");
    expect(inWords({ weight: 0 })).to.equal("nothing stable");
  });

  it("during somebody else's rollout is refused, as new as it may be, and told who, what and how far", () => {
    const said = "A rollout of v3 is under way at weight 25, driven by ci@runner (pid 4): wait for its end, stop it with `canary hold --stack org/canary/dev` or " +
      "`canary rollback --stack org/canary/dev`, or set canary:force: true to override once.";
    expect(check({ record: during, lease: live })).to.equal(said);
    for (const generation of [7, 8]) expect(check({ record: during, lease: live, config: { generation, force: false }, keys: during.keys }), String(generation)).to.equal(said);
  });

  it("that feeds a canary whose traffic the guard sent home is refused, and not when it sends nothing there", () => {
    const sentHome: RolloutRecord = { ...during, rollout: { ...rollout, sentHome: { by: "guard/dev", at: "2026-01-01T00:02:00Z" } } };
    const file = { record: sentHome, lease: { holder: "guard/dev", expired: false }, config: { generation: 7, force: false } };
    expect(check({ ...file, keys: during.keys })).to.equal(
      "Pulumi.dev.yaml sends 25 % of the traffic to v3, which guard/dev sent home at 2026-01-01T00:02:00Z: run `canary rollback --stack org/canary/dev` to record that, " +
      "or set canary:force: true to override once.");
    expect(check({ ...file, keys: { ...during.keys, weight: 0 } })).to.equal(undefined);
    expect(check({ ...file, keys: { ...during.keys, canary: "v4" } })).to.equal(undefined);
  });

  const passes: Record<string, Partial<StaleCheck>> = {
    "of the record's generation may be edited by hand": { config: { generation: 7, force: false }, keys: { stable: "v2", canary: "v9", weight: 10 } },
    "that is newer than the record passes": { config: { generation: 8, force: false } },
    "that is older but says the same passes: a rollback ended where it began": { keys: { stable: { version: "v2" }, previous: "v1", weight: 0 } },
    "with canary:force passes, however old": { config: { generation: 0, force: true } },
    "with canary:force passes during a rollout": { config: { generation: 7, force: true }, record: during, lease: live },
    "passes where there is no record": { record: undefined },
    "passes for the driver that holds the Lease": { record: during, lease: live, holder: live.holder },
    "of the same generation passes while the rollout is held, whoever watches it": { config: { generation: 7, force: false }, record: { ...during, rollout: { ...rollout, phase: "held" } }, lease: live },
    "of the same generation passes when the driver has died": { config: { generation: 7, force: false }, record: during, lease: { ...live, expired: true } },
    "of the same generation passes when the driver has let go": { config: { generation: 7, force: false }, record: during, lease: { expired: true } },
    "of the same generation passes where nobody ever held a Lease": { config: { generation: 7, force: false }, record: during },
  };
  for (const [what, change] of Object.entries(passes)) it(what, () => expect(check(change)).to.equal(undefined));

  it("is no driver's for another name than the Lease's", () => {
    expect(check({ record: during, lease: live, holder: "somebody" })).to.match(/^A rollout of v3 is under way/);
  });

  it("says the same whether a version is a text, a number or a map, in any order, its numbers and flags written out or not", () => {
    expect(sameKeys({ stable: 7 as unknown as string, weight: 0 }, { stable: "7", weight: 0 })).to.equal(true);
    expect(sameKeys(
      { stable: { version: "v2", replicas: 3, env: { A: "1", B: "on" } }, canary: { version: "v3", withdrawn: false }, weight: 5 },
      { canary: "v3", stable: { env: { B: "on", A: 1 as unknown as string }, replicas: 3, version: "v2" }, weight: 5 },
    )).to.equal(true);
  });

  it("says something else when a version, an override, the weight or an encrypted value differs", () => {
    const base = { stable: { version: "v2", env: { A: "1" } }, canary: "v3", previous: "v1", weight: 5 } as const;
    const others = [{ stable: "v2" }, { stable: { version: "v2", env: { A: "2" } } }, { canary: undefined }, { canary: { version: "v3", withdrawn: true } }, { previous: "v0" }, { weight: 6 },
      { stable: { version: "v2", env: { A: { secure: "v1:abc" } } } }];
    for (const other of others) expect(sameKeys(base, { ...base, ...other }), JSON.stringify(other)).to.equal(false);
  });
});

describe("a Lease", () => {
  const now = Date.parse("2026-01-01T00:01:00Z");
  const renewed = (ago: number): Date => new Date(now - ago * 1000);

  it("is live for its own duration and a second, in which clocks may differ", () => {
    const spec = (ago: number) => ({ holderIdentity: "ci", leaseDurationSeconds: 10, renewTime: renewed(ago) });
    expect(leaseView(spec(11), now)).to.deep.equal({ holder: "ci", expired: false });
    expect(leaseView(spec(11.1), now)).to.deep.equal({ holder: "ci", expired: true });
  });

  it("without a duration lasts as long as by default, without a time has run out, without a holder is free", () => {
    expect(leaseView({ holderIdentity: "ci", renewTime: renewed(31) }, now).expired).to.equal(false);
    expect(leaseView({ holderIdentity: "ci" }, now)).to.deep.equal({ holder: "ci", expired: true });
    expect(leaseView({ renewTime: renewed(1) }, now)).to.deep.equal({ expired: true });
  });
});
