import { expect } from "chai";
import { inject, type FaultRow } from "../../bench/faults/case";
import { CASES } from "../../bench/faults/matrix";
import { ensureToolchain } from "../../sandbox/toolchain";
import { sharedCluster } from "./harness";

/** The quick ones of `npm run faults` that no other suite injects and that disturb nobody else. */
const QUICK = ["somebody deletes the canary Ingress", "the state file is cut in half", "somebody edits the weight in the stack file"];

describe("a rollout into which a fault is injected", function () {
  this.timeout(300_000);
  const rows = new Map<string, Promise<FaultRow>>();

  /** All at once: each mostly waits. */
  before(async () => {
    const [{ cluster }, tools] = await Promise.all([sharedCluster(), ensureToolchain()]);
    for (const [i, name] of QUICK.entries()) rows.set(name, inject(CASES.find((test) => test.name === name)!, cluster, tools, `fault${i}`));
    await Promise.allSettled(rows.values());
  });

  for (const name of QUICK)
    it(`is safe afterwards: ${name}`, async () => {
      const { unsafe } = await rows.get(name)!;
      expect(unsafe).to.deep.equal([]);
    });
});
