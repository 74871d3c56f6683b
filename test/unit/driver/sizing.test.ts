import { expect } from "chai";
import { parseConfig, type StackConfig } from "../../../components/config";
import type { RolloutContext } from "../../../driver/rollout/context";
import { keepingPods, stableFloors } from "../../../driver/rollout/sizing";

const config = (workload: object, rest: object = {}): StackConfig =>
  parseConfig({ namespace: "shop", stable: "v1", services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"], workload } }, ...rest });

/** A cluster in which every Deployment has so many pods declared. */
function context(replicas: number): { context: RolloutContext; asked: string[] } {
  const asked: string[] = [];
  const apps = { readNamespacedDeployment: async ({ name }: { name: string }) => (asked.push(name), { spec: { replicas } }) };
  const updates = { outputs: async () => ({ services: { shop: { revisions: { stable: "shop-v1-abc" } } } }) };
  return { asked, context: { updates, cluster: async () => ({ apps }) } as unknown as RolloutContext };
}

describe("the sizes that a rollout keeps", () => {
  it("are, of an autoscaled stable revision, what it had before", async () => {
    const c = context(7);
    expect(await stableFloors(c.context, config({ autoscale: { min: 2, max: 10, cpu: "70%" }, resources: { requests: { cpu: "100m" } } }))).to.deep.equal({ shop: 7 });
    expect(c.asked).to.deep.equal(["shop-v1-abc"]);
  });

  it("are not looked at where nothing scales by itself", async () => {
    const c = context(7);
    expect(await stableFloors(c.context, config({ replicas: 3 }))).to.deep.equal({});
    expect(c.asked).to.deep.equal([]);
  });

  it("are, of a canary sized by its weight, those of the weight that it leaves", () => {
    const at50 = config({ replicas: 4, canarySize: "proportional" }, { canary: "v2", weight: 50 });
    expect(keepingPods(at50, "v2")).to.deep.equal({ version: "v2", services: { shop: { floor: 2 } } });
    expect(keepingPods(config({ replicas: 4 }, { canary: "v2", weight: 50 }), "v2")).to.equal("v2");
  });
});
