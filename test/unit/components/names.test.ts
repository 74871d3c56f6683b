import { expect } from "chai";
import * as fc from "fast-check";
import { revisionName, versionLabel, versionTag } from "../../../components/names";

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$/;
const versions = fc.stringMatching(TAG);
const services = fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/);

describe("the name of a revision", () => {
  it("is made of the service, the version in lower case and a hash", () => {
    expect(revisionName("shop", "v1.2.0", {})).to.match(/^shop-v1-2-0-[0-9a-f]{8}$/);
    expect(revisionName("shop", "latest", {})).to.match(/^shop-latest-[0-9a-f]{8}$/);
    expect(revisionName("shop", "RC_1+Build.7", {})).to.match(/^shop-rc-1-build-7-[0-9a-f]{8}$/);
    expect(revisionName("shop", "_", {})).to.match(/^shop-[0-9a-f]{8}$/);
  });

  it("is a DNS label of at most 63 characters for every service and version", () => {
    fc.assert(fc.property(services, versions, (service, version) => {
      expect(revisionName(service, version, { version })).to.match(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
    }));
  });

  it("depends on the content and not on the order of its keys", () => {
    expect(revisionName("shop", "v1", { a: 1, b: { c: 2, d: 3 } })).to.equal(revisionName("shop", "v1", { b: { d: 3, c: 2 }, a: 1 }));
    expect(revisionName("shop", "v1", { a: 1 })).to.not.equal(revisionName("shop", "v1", { a: 2 }));
    expect(revisionName("shop", "v1", [1, 2])).to.not.equal(revisionName("shop", "v1", [2, 1]));
  });
});

describe("a version", () => {
  it("becomes a legal label value", () => {
    expect(versionLabel("v1.2.0+build")).to.equal("v1.2.0_build");
    fc.assert(fc.property(versions, (version) => {
      expect(versionLabel(version)).to.match(/^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/);
    }));
  });

  it("becomes a legal image tag", () => {
    fc.assert(fc.property(versions, (version) => {
      expect(versionTag(version)).to.match(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/);
    }));
  });
});
