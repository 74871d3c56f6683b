import { expect } from "chai";
import { killAt } from "../../bench/faults/journal";
import { shopStack, type Shop } from "./harness";

/** Every point is in `npm run faults`; these are one on the way up and one on the way home. */
describe("a driver that is killed with SIGKILL", function () {
  this.timeout(240_000);
  let shop: Shop;

  before(async () => {
    shop = await shopStack("killed", { rollout: { stages: [{ weight: 50, dwell: "1s" }], warmUp: "0s", verifyTimeout: "30s", undoWindow: "1h", lease: "3s" } });
    expect((await shop.canary("deploy", "v1")).exitCode).to.equal(0);
  });

  it("while it raises the weight is gone on with by the next command: one version served, nothing drifted, no request failed", async () => {
    const row = await killAt({ cluster: shop.cluster, project: shop, version: "v2", at: 5, tree: false });
    expect(row, JSON.stringify(row)).to.include({ exitCode: 0, safe: true });
    expect(row?.point).to.match(/^raising/);
    expect(row?.served).to.deep.equal(["v2"]);
  });

  it("with its Pulumi, after its verdict on a bad version, is sent home by the next command", async () => {
    const row = await killAt({ cluster: shop.cluster, project: shop, version: "bad", at: 9, tree: true });
    expect(row, JSON.stringify(row)).to.include({ exitCode: 2, safe: true });
    expect(row?.point).to.match(/^reverting/);
    expect(row?.served).to.deep.equal(["v2"]);
  });
});
