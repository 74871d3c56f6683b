import { expect } from "chai";
import { parseConfig, type StackConfig } from "../../../components/config";
import type { Planned } from "../../../driver/stack/preview";
import { renderStep } from "../../../driver/view/render-plan";
import { changesBetween, declaredBefore, declaredIn, plannedSteps } from "../../../driver/view/rollout-plan";

const config = (rollout: object = {}): StackConfig =>
  parseConfig({ namespace: "shop", services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } }, rollout: { stages: [{ weight: 5 }, { weight: 50 }, { weight: 100 }], ...rollout } });

const urn = (type: string, name: string): string => `urn:pulumi:prod::canary::canary:release:Release$${type}::${name}`;
const INGRESS = urn("kubernetes:networking.k8s.io/v1:Ingress", "shop-canary");
const DEPLOYMENT = urn("kubernetes:apps/v1:Deployment", "shop-v2-1");
const planned = (id: string, op: string, inputs?: Record<string, unknown>, before?: Record<string, unknown>): Planned => ({ urn: id, op, component: false, ...(inputs ? { inputs } : {}), ...(before ? { before } : {}) });
const ingress = (weight: string) => ({ metadata: { annotations: { "nginx.ingress.kubernetes.io/canary-weight": weight } } });

describe("the steps of a rollout, as a preview foresees them", () => {
  const names = (...args: Parameters<typeof plannedSteps>): string[] => plannedSteps(...args).map(({ name }) => name);

  it("are those that the driver takes, with their edits of the stack file", () => {
    expect(plannedSteps(config(), { stable: "v1", weight: 0 }, "v2")).to.deep.equal([
      { name: "start v2", edit: { canary: "v2", weight: 0 } },
      { name: "weight 5", edit: { weight: 5 } },
      { name: "weight 50", edit: { weight: 50 } },
      { name: "weight 100", edit: { weight: 100 } },
      { name: "stable Service to v2", edit: { stable: "v2", canary: "v2", weight: 100, previous: "v1" } },
      { name: "weight 0, rollout closed", edit: { canary: null, weight: 0 } },
      { name: "v1 removed, when its undo window is over", edit: { previous: null } },
    ]);
  });

  it("raise the weight to 100 for the promotion where the stages end before it", () => {
    expect(names(config({ stages: [{ weight: 10 }] }), { stable: "v1", weight: 0 }, "v2").slice(1, 4)).to.deep.equal(["weight 10", "weight 100, to promote", "stable Service to v2"]);
  });

  it("remove a previous revision at the start whose undo window is over, and the old one at once where there is none", () => {
    const steps = plannedSteps(config({ undoWindow: "0s" }), { stable: "v1", previous: "v0", weight: 0 }, "v2", true);
    expect(steps[0]!.edit).to.deep.equal({ canary: "v2", weight: 0, previous: null });
    expect(steps.at(-1)!.name).to.equal("v1 removed, at once");
  });

  it("are only those that are left of a rollout that has begun, with its overrides", () => {
    const canary = { version: "v2", env: { A: "b" } };
    const steps = plannedSteps(config(), { stable: "v1", canary, weight: 5 }, "v2");
    expect(steps.map(({ name }) => name).slice(0, 3)).to.deep.equal(["weight 50", "weight 100", "stable Service to v2"]);
    expect(steps[2]!.edit).to.deep.include({ stable: canary, previous: "v1" });
    expect(names(config(), { stable: "v2", canary: "v2", previous: "v1", weight: 100 }, "v2")).to.deep.equal(["weight 0, rollout closed", "v1 removed, when its undo window is over"]);
  });

  it("are a single one where nothing is installed yet", () => {
    expect(plannedSteps(config(), { weight: 0 }, "v1")).to.deep.equal([{ name: "install v1", edit: { stable: "v1", weight: 0 } }]);
  });
});

describe("what a step changes of what the step before declared", () => {
  it("is a property, and not again what the steps before it had changed", () => {
    const first = [planned(DEPLOYMENT, "create", { spec: {} }), planned(INGRESS, "update", ingress("5"), ingress("0"))];
    const second = [planned(DEPLOYMENT, "create", { spec: {} }), planned(INGRESS, "update", ingress("25"), ingress("0"))];
    expect(changesBetween(declaredBefore(first), first).map(({ op, resource }) => `${op} ${resource}`)).to.deep.equal(["create Deployment shop-v2-1", "update Ingress shop-canary"]);
    expect(changesBetween(declaredIn(first), second)).to.deep.equal([
      { op: "update", resource: "Ingress shop-canary", urn: INGRESS, properties: [{ path: "metadata.annotations.canary-weight", from: "5", to: "25" }] },
    ]);
  });

  it("is a deletion, once", () => {
    const before = [planned(DEPLOYMENT, "same", { spec: {} }, { spec: {} })];
    const gone = [planned(DEPLOYMENT, "delete", undefined, { spec: {} })];
    expect(changesBetween(declaredIn(before), gone).map(({ op, resource }) => [op, resource])).to.deep.equal([["delete", "Deployment shop-v2-1"]]);
    expect(changesBetween(declaredIn(gone), gone)).to.deep.equal([]);
  });

  it("is a replacement where Pulumi cannot change the object", () => {
    const change = [planned(DEPLOYMENT, "replace", { spec: { selector: "b" } }, { spec: { selector: "a" } })];
    expect(changesBetween(declaredBefore(change), change)).to.deep.include({ op: "replace", resource: "Deployment shop-v2-1", urn: DEPLOYMENT, properties: [{ path: "spec.selector", from: "a", to: "b" }] });
  });

  it("is nothing of components and providers", () => {
    const other = [{ ...planned(urn("canary:release:Release", "canary"), "create", {}), component: true }, planned("urn:pulumi:prod::canary::pulumi:providers:kubernetes::default", "create", { version: "4" })];
    expect(changesBetween(new Map(), other)).to.deep.equal([]);
  });

  it("is written in a line for each property", () => {
    const properties = [{ path: "metadata.annotations.canary-weight", from: "5", to: "25" }, { path: "spec.rules", from: [1] }, { path: "spec.tls", to: { a: 1 } }];
    expect(renderStep(2, 7, "weight 25", [{ op: "update", resource: "Ingress shop-canary", urn: INGRESS, properties }, { op: "delete", resource: "Deployment a", urn: DEPLOYMENT, properties: [] }])).to.deep.equal([
      "2 of 7  weight 25",
      "  ~  Ingress shop-canary  metadata.annotations.canary-weight: 5 → 25",
      "                          spec.rules: […] → nothing",
      "                          spec.tls: nothing → {…}",
      "  -  Deployment a",
      "",
    ]);
    expect(renderStep(1, 1, "weight 5", [])).to.deep.equal(["1 of 1  weight 5", "  nothing", ""]);
  });
});
