import { expect } from "chai";
import { parseConfig } from "../../../components";
import { declare, find, namesOf, stack, type Raw } from "./declare";

const specOf = async (networkPolicy: Raw, keys: Raw = {}) => find((await declare(stack({ networkPolicy, ...keys }))).resources, "NetworkPolicy", "shop").inputs.spec;
const from = (namespace: string) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } });
const tcp = (port: number) => ({ protocol: "TCP", port });
const problem = (networkPolicy: unknown): string => {
  try {
    parseConfig(stack({ networkPolicy }));
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("network policies", () => {
  it("are off by default", async () => {
    expect(namesOf((await declare(stack())).resources, "NetworkPolicy")).to.deep.equal([]);
  });

  it("let the ingress controller in and nobody else, not even Prometheus unless it is named", async () => {
    expect(await specOf({ ingressController: "ingress-nginx" })).to.deep.equal({
      podSelector: { matchLabels: { "app.kubernetes.io/name": "shop" } },
      policyTypes: ["Ingress"],
      ingress: [{ from: [from("ingress-nginx")], ports: [tcp(8080)] }],
    });
  });

  it("let Prometheus read metrics, on their own port where they have one", async () => {
    const policy = { ingressController: "ingress-nginx", prometheus: ["monitoring"] };
    expect((await specOf(policy)).ingress[1]).to.deep.equal({ from: [from("monitoring")], ports: [tcp(8080)] });
    expect((await specOf(policy, { monitoring: { operator: false, scrape: { port: 9100 } } })).ingress[1]).to.deep.equal({ from: [from("monitoring")], ports: [tcp(9100)] });
  });

  it("let others in who are named, of any namespace, to further ports too", async () => {
    const also = [{ podLabels: { app: "cron" } }, { namespace: "partner", podLabels: { app: "feed" } }, { namespace: "ops" }];
    const [rule] = (await specOf({ ingressController: ["a", "b"], also, ports: [9090, 8080] })).ingress;
    expect(rule).to.deep.equal({
      from: [
        from("a"), from("b"),
        { podSelector: { matchLabels: { app: "cron" } } },
        { ...from("partner"), podSelector: { matchLabels: { app: "feed" } } },
        { ...from("ops"), podSelector: { matchLabels: {} } },
      ],
      ports: [tcp(8080), tcp(9090)],
    });
  });

  it("never have an empty list of sources, which Kubernetes reads as everybody", () => {
    expect(problem({ ingressController: [] })).to.equal("canary:networkPolicy.ingressController is empty: it must name at least one namespace.");
    expect(problem({ ingressController: "a", prometheus: [] })).to.equal("canary:networkPolicy.prometheus is empty: it must name at least one namespace.");
    expect(problem({})).to.equal("canary:networkPolicy.ingressController is missing: it must be a namespace or a list of namespaces.");
    expect(problem({ ingressController: "Nginx" })).to.include("canary:networkPolicy.ingressController");
  });
});
