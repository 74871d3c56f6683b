import { expect } from "chai";
import * as fc from "fast-check";
import { canarySizes, parseConfig, sizesOf, withFloors, type Sizes } from "../../../components";
import { stack, type Raw } from "./declare";

const sized = (workload: Raw, keys: Raw = {}): Sizes => {
  const config = parseConfig(stack({ services: { shop: { image: "shop", port: 8080, hosts: ["a.example"], workload } }, ...keys }));
  return sizesOf("shop", config.services["shop"]!, config);
};
const floor = (version: string, pods: number): Raw => ({ version, services: { shop: { floor: pods } } });
const autoscale = { autoscale: { min: 2, max: 10 }, resources: { requests: { cpu: "1" } } };

describe("the size of a revision", () => {
  it("is the workload's number, or the version's own", () => {
    expect(sized({ replicas: 4 }, { canary: { version: "v2", replicas: 6 }, previous: "v0" })).to.deep.equal({ stable: 4, canary: 6, previous: 4 });
    expect(sized({ replicas: 0 }, { canary: "v2" })).to.deep.equal({ stable: 0, canary: 0 });
  });

  it("is at least its floor, which may lift an autoscaler's least pods up to its most", () => {
    expect(sized({ replicas: 4 }, { stable: floor("v1", 7), previous: floor("v0", 3) })).to.deep.equal({ stable: 7, previous: 4 });
    expect(sized(autoscale, { stable: floor("v1", 7) }).stable).to.equal(7);
    expect(sized(autoscale, { stable: floor("v1", 70) }).stable).to.equal(10);
  });

  it("of a full canary of an autoscaled service is what stable had when the rollout began", () => {
    expect(sized(autoscale, { stable: floor("v1", 7), canary: "v2" })).to.deep.equal({ stable: 7, canary: 7 });
    expect(sized(autoscale, { canary: "v2" })).to.deep.equal({ stable: 2, canary: 2 });
  });

  it("of a proportional canary is its weight's share, rounded up and at least one pod", () => {
    const at = (weight: number): number => sized({ replicas: 8, canarySize: "proportional" }, { canary: "v2", weight }).canary!;
    expect([0, 5, 12, 13, 25, 50, 99, 100].map(at)).to.deep.equal([1, 1, 1, 2, 2, 4, 8, 8]);
    expect(sized({ replicas: 0, canarySize: "proportional" }, { canary: "v2", weight: 50 }).canary).to.equal(0);
    expect(sized({ ...autoscale, canarySize: "proportional" }, { stable: floor("v1", 7), canary: "v2", weight: 50 }).canary).to.equal(4);
  });

  it("of a proportional canary never falls while its weight rises, and at 100 is its size as stable", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(100), fc.nat(100), (replicas, a, b) => {
      const at = (weight: number): number => sized({ replicas, canarySize: "proportional" }, { canary: "v2", weight }).canary!;
      expect(at(Math.min(a, b))).to.be.at.most(at(Math.max(a, b)));
      expect(at(100)).to.equal(replicas);
      expect(at(a)).to.be.at.least((replicas * a) / 100);
    }), { numRuns: 50 });
  });

  it("of a canary whose weight falls is kept by the floor that the driver records, until the next update", () => {
    const config = parseConfig(stack({ services: { shop: { image: "shop", port: 1, hosts: ["a.example"], workload: { replicas: 8, canarySize: "proportional" } } }, canary: "v2", weight: 50 }));
    expect(canarySizes(config)).to.deep.equal({ shop: 4 });
    expect(canarySizes(config, 100)).to.deep.equal({ shop: 8 });
    const lowered = parseConfig({ ...stack(), services: { shop: { image: "shop", port: 1, hosts: ["a.example"], workload: { replicas: 8, canarySize: "proportional" } } },
      canary: withFloors("v2", canarySizes(config)), weight: 5 });
    expect(canarySizes(lowered)).to.deep.equal({ shop: 4 });
    expect(canarySizes({ ...lowered, canary: undefined })).to.deep.equal({});
  });
});

describe("floors in a stack file", () => {
  it("are added to a version and taken from it, with all else kept", () => {
    expect(withFloors("v1", { shop: 3 })).to.deep.equal({ version: "v1", services: { shop: { floor: 3 } } });
    expect(withFloors({ version: "v1", services: { shop: { floor: 3 } } }, {})).to.equal("v1");
    expect(withFloors({ version: "v1", withdrawn: true, services: { shop: { floor: 3, env: { A: "1" } }, api: { floor: 2 } } }, { api: 4 })).to.deep.equal(
      { version: "v1", withdrawn: true, services: { shop: { env: { A: "1" } }, api: { floor: 4 } } });
  });
});
