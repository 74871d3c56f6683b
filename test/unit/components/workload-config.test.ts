import { expect } from "chai";
import { serviceConfig } from "../../../components/config";
import { problemsOf as configProblems, stack, type Raw } from "./declare";
import { EVERY_OPTION } from "./every-option";

const problemsOf = (workload: Raw, keys: Raw = {}): readonly string[] =>
  configProblems(stack({ services: { shop: { image: "shop", port: 8080, hosts: ["a.example"], workload } }, ...keys })).map((problem) => problem.replace("canary:services.shop.workload.", "…"));

const NAME_RULE = 'it must be a name of lower-case letters, digits and "-", at most 63 characters.';
const requests = { resources: { requests: { cpu: "1" } } };
const sidecar = { name: "proxy", image: "proxy:1", sidecar: true };

describe("the config of a workload", () => {
  const refused: readonly (readonly [string, Raw, ...string[]])[] = [
    ["a number beside an autoscaler", { autoscale: { min: 1, max: 2 }, replicas: 2, ...requests }, "…replicas is 2: it must be left out where autoscale is set."],
    ["an autoscaler with more least than most pods", { autoscale: { min: 3, max: 2 }, ...requests }, "…autoscale.max is 2: it must be at least min."],
    ["an autoscaler of nothing", { autoscale: { min: 0, max: 2 }, ...requests }, "…autoscale.min is 0: it must be a whole number from 1 to 10000."],
    ["a fraction for a percentage", { autoscale: { min: 1, max: 2, cpu: 0.7 }, ...requests }, "…autoscale.cpu is 0.7: it must be a percentage such as 70%."],
    ["an autoscaler by CPU that nobody requests", { autoscale: { min: 1, max: 2 } },
      "…resources.requests.cpu is missing: it must be set where autoscale counts cpu, which it does in percent of it."],
    ["an autoscaler by memory that a sidecar does not request", { autoscale: { min: 1, max: 2, memory: "80%" }, resources: { limits: { memory: "1Gi" } }, initContainers: [sidecar] },
      "…initContainers[0].resources.requests.memory is missing: it must be set where autoscale counts memory, which it does in percent of it."],
    ["a metric that is no map", { autoscale: { min: 1, max: 2, metrics: [3] } }, "…autoscale.metrics[0] is 3: it must be a map, a MetricSpec of the Kubernetes API."],
    ["a canary size that is none", { canarySize: "half" }, '…canarySize is "half": it must be one of full, proportional.'],
    ["a budget of nothing", { maxUnavailable: "0%" }, '…maxUnavailable is "0%": it must be a number of pods, or a percentage such as 25%.'],
    ["a variable from a map that is not there", { env: { A: { config: "app", key: "x" } } }, '…env.A.config is "app": it must be a name in config, which is empty.'],
    ["a variable from a key that is not there", { config: { app: { X: "1" } }, env: { A: { config: "app", key: "x" } } }, '…env.A.key is "x": it must be a name in config.app: X.'],
    ["a variable from a map without a key", { config: { app: {} }, env: { A: { config: "app" } } }, '…env.A.key is missing: it must be a key of letters, digits, "-", "_" and ".".'],
    ["variables from a Secret that is not there", { config: { app: {} }, envFrom: [{ config: "app" }, { secret: "app" }] },
      '…envFrom[1].secret is "app": it must be a name in secrets, which is empty.'],
    ["a volume of two kinds", { volumes: { a: { emptyDir: {}, config: "x" } } }, "…volumes.a.emptyDir is set: it must be absent beside config."],
    ["a volume of no kind", { volumes: { a: "cache" } }, '…volumes.a is "cache": it must be a map such as {config: NAME}, {secret: NAME} or {emptyDir: {}}.'],
    ["a volume of files that are not there", { config: { app: { X: "1" } }, volumes: { a: { config: "app", items: { Y: "y" } } } }, "…volumes.a.items.Y is not known: config.app has X."],
    ["permissions that are no octal text", { config: { app: {} }, volumes: { a: { config: "app", mode: 440 } } }, '…volumes.a.mode is 440: it must be four octal digits in quotes, such as "0440".'],
    ["a volume with a name of ours", { volumes: { "canary-tmp": { emptyDir: {} } } }, "…volumes.canary-tmp has a bad name: it must not begin with canary-tmp, which the pods' own /tmp does."],
    ["a mount of a volume that is not there", { volumes: { cache: { emptyDir: {} } }, mounts: [{ volume: "cach", path: "/c" }] },
      '…mounts[0].volume is "cach": it must be a name in volumes: cache.'],
    ["a mount of what every map is said to have", { volumes: { cache: { emptyDir: {} } }, mounts: [{ volume: "constructor", path: "/c" }] },
      '…mounts[0].volume is "constructor": it must be a name in volumes: cache.'],
    ["two mounts in one place", { volumes: { a: { emptyDir: {} } }, mounts: [{ volume: "a", path: "/a" }, { volume: "a", path: "/a/" }] }, '…mounts[1].path is "/a/": it must not be there twice.'],
    ["a map with a name that is none", { config: { App: {} } }, `…config.App has a bad name: ${NAME_RULE}`],
    ["a Secret's value that is no text, without showing it", { secrets: { db: { password: ["hush"] } } }, "…secrets.db.password is a list: it must be a text."],
    ["a probe with two handlers", { probes: { startup: { tcp: {}, exec: ["x"] } } }, "…probes.startup is a map: it must have one of http, tcp, grpc and exec."],
    ["a probe that is none", { probes: { liveness: true } }, "…probes.liveness is true: it must be a probe such as {http: {path: /ready}}, or false for none."],
    ["a probe of a fraction of a second", { probes: { liveness: { period: "500ms" } } }, '…probes.liveness.period is "500ms": it must be a duration of whole seconds, such as 90s or 15m.'],
    ["a sidecar's probe without a handler", { initContainers: [{ ...sidecar, probes: { readiness: {} } }] }, "…initContainers[0].probes.readiness is empty: it must have one of http, tcp, grpc and exec."],
    ["a sidecar's probe without a port", { initContainers: [{ ...sidecar, probes: { readiness: { tcp: {} } } }] }, "…initContainers[0].probes.readiness.tcp.port is missing: it must be a whole number from 1 to 65535."],
    ["a probe of a container that ends", { initContainers: [{ ...sidecar, sidecar: false, probes: { startup: { tcp: { port: 1 } } } }] },
      "…initContainers[0].probes.startup is set: it must be absent where sidecar is false, because nobody asks a container that ends."],
    ["a container named like the service", { initContainers: [{ ...sidecar, name: "shop" }] }, '…initContainers[0].name is "shop": it must be another name than that of every container before it.'],
    ["root where root is refused", { security: { runAsUser: 0 } }, "…security.runAsUser is 0: it must be above 0 where the pods' runAsNonRoot is true."],
    ["a sidecar of root where root is refused", { initContainers: [{ ...sidecar, security: { runAsUser: 0 } }] },
      "…initContainers[0].security.runAsUser is 0: it must be above 0 where the pods' runAsNonRoot is true."],
    ["annotations of an account that is not ours", { serviceAccount: { annotations: { a: "b" } } },
      "…serviceAccount.annotations is set: it must be absent where create is false, because the account is not ours then."],
    ["an account that every namespace has", { serviceAccount: { create: true, name: "default" } },
      '…serviceAccount.name is "default": it must be another name where create is true, because every namespace has that one already.'],
    ["a label of ours", { labels: { "canary.dev/revision": "x" } }, "…labels.canary.dev/revision has a bad name: it must not be one of the labels that this program writes."],
    ["a value beside Exists", { tolerations: [{ operator: "Exists", value: "x" }] }, '…tolerations[0].value is "x": it must be left out where operator is Exists.'],
    ["a rule of spread twice", { spread: [{ topologyKey: "a" }, { topologyKey: "a" }] }, '…spread[1].topologyKey is "a": it must not be there twice.'],
    ["a port named as the service's own", { ports: { http: 1 } }, "…ports.http is set: it must have another name, because http is the service's own port."],
    ["a deadline of nothing", { progressDeadline: "0s" }, '…progressDeadline is "0s": it must be at least 1s.'],
  ];
  for (const [what, workload, ...sentences] of refused) {
    it(`refuses ${what} with one exact sentence`, () => expect(problemsOf(workload)).to.deep.equal(sentences));
  }

  it("refuses changes of a version that its autoscaler decides, or of maps that the service has not", () => {
    const autoscaled = { autoscale: { min: 1, max: 2 }, ...requests };
    expect(problemsOf(autoscaled, { canary: { version: "v2", replicas: 3 } })).to.deep.equal(["canary:canary.replicas is 3: it must be absent, because shop is autoscaled."]);
    expect(problemsOf(autoscaled, { canary: { version: "v2", services: { shop: { resources: {} } } } })).to.deep.equal(
      ["canary:canary.services.shop.resources.requests.cpu is missing: it must be set where autoscale counts cpu, which it does in percent of it."]);
    expect(problemsOf({}, { canary: { version: "v2", config: { app: { A: "1" } } } })).to.deep.equal(["canary:canary.config.app is not known: config of the services is empty."]);
    expect(problemsOf({ secrets: { db: {} } }, { previous: { version: "v0", services: { shop: { secrets: { bd: {} } } } } })).to.deep.equal(
      ["canary:previous.services.shop.secrets.bd is not known: secrets of shop has db."]);
  });

  it("lets encrypted contents of Secrets through unread", () => {
    const { workload } = serviceConfig("shop", { image: "shop", port: 1, hosts: ["a.example"], workload: { secrets: { db: { password: { secure: "v1:abc" } } } } });
    expect(workload.secrets).to.deep.equal({ db: { password: { secure: "v1:abc" } } });
  });

  it("takes durations, shares and permissions into the units of code", () => {
    const { workload } = serviceConfig("shop", {
      image: "shop", port: 1, hosts: ["a.example"],
      workload: { ...EVERY_OPTION, replicas: undefined, autoscale: { min: 3, max: 9, cpu: "60%" } },
    });
    expect(workload).to.deep.include({ replicas: 3, progressDeadlineSeconds: 90, drainSeconds: 7, terminationGraceSeconds: 40 });
    expect(workload.autoscale).to.deep.equal({ min: 3, max: 9, metrics: [], cpuUtilization: 0.6 });
    expect(workload.tolerations[1]).to.deep.equal({ key: "spot", operator: "Exists", effect: "NoExecute", forSeconds: 30 });
    expect(workload.volumes["settings"]).to.deep.include({ mode: 0o440 });
  });
});
