import { expect } from "chai";
import { readFileSync } from "node:fs";
import { ConfigError, parseConfig, parseDuration, parseStackFile, stackConfigSchema } from "../../../components/config";
import { problemsOf as configProblems, stack, type Raw } from "./declare";

const problemsOf = (keys: Raw): readonly string[] => configProblems(stack(keys));

/** The stack's one service with the given keys on top. */
const service = (keys: Raw): Raw => ({ services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"], ...keys } } });
const two = {
  a: { image: "a", port: 1, hosts: ["x.example"] },
  b: { image: "b", port: 2, hosts: ["y.example", "x.example"] },
};
const VERSION_RULE =
  'it must be an image tag: letters, digits, "_", ".", "-" and "+", at most 128 characters, in quotes where YAML would read a number.';
const DURATION_RULE = "it must be a duration such as 500ms, 90s, 15m or 1h.";

describe("the stack config", () => {
  const refused: readonly (readonly [string, Raw, string])[] = [
    ["a weight above 100", { weight: 101 }, "canary:weight is 101: it must be a whole number from 0 to 100."],
    ["a weight above 100 as the engine passes it", { weight: "101" }, "canary:weight is 101: it must be a whole number from 0 to 100."],
    ["a negative weight", { weight: -1 }, "canary:weight is -1: it must be a whole number from 0 to 100."],
    ["a broken weight", { weight: "12.5" }, "canary:weight is 12.5: it must be a whole number from 0 to 100."],
    ["a weight in words", { weight: "half" }, 'canary:weight is "half": it must be a whole number from 0 to 100.'],
    ["a misspelt key", { weigth: 5 }, "canary:weigth is not a known key: did you mean canary:weight?"],
    ["a key like no other", { zzz: 5 }, `canary:zzz is not a known key: the known keys are ${Object.keys(stackConfigSchema.shape).join(", ")}.`],
    ["a misspelt key inside", service({ prot: 1 }), "canary:services.shop.prot is not a known key: did you mean canary:services.shop.port?"],
    ["a misspelt key of a version", { canary: { version: "v2", envv: {} } }, "canary:canary.envv is not a known key: did you mean canary:canary.env?"],
    ["an empty canary", { canary: "" }, "canary:canary has no version: it must be a version, or a map with the key version."],
    ["a canary of overrides only", { canary: { replicas: 2 } }, "canary:canary has no version: it must be a version, or a map with the key version."],
    ["a weight without a canary", { weight: 5 }, "canary:weight is 5: it must be 0 while canary:canary has no version."],
    ["a weight for a withdrawn canary", { weight: 5, canary: { version: "v2", withdrawn: true } },
      "canary:weight is 5: it must be 0 while canary:canary.withdrawn is true."],
    ["a canary before anything is stable", { stable: undefined, canary: "v2" }, 'canary:canary is "v2": it must not be set before canary:stable has a version.'],
    ["a withdrawn stable version", { stable: { version: "v1", withdrawn: true } }, "canary:stable.withdrawn is not a known key: the known keys are version, image, env, replicas, resources, command, args, config, secrets, services."],
    ["a version that YAML read as a number", { stable: 1.1 }, `canary:stable is 1.1: ${VERSION_RULE}`],
    ["a version that is no tag", { previous: "feature/x" }, `canary:previous is "feature/x": ${VERSION_RULE}`],
    ["an override for a service that is not there", { canary: { version: "v2", services: { shp: {} } } },
      "canary:canary.services.shp is not a known service: did you mean canary:canary.services.shop?"],
    ["one image for several services", { services: { a: two.a, b: { ...two.b, hosts: ["y.example"] } }, canary: { version: "v2", image: "z" } },
      'canary:canary.image is "z": it must be under canary:canary.services.<name> in a stack of several services.'],
    ["a missing namespace", { namespace: undefined }, 'canary:namespace is missing: it must be a Kubernetes namespace: lower-case letters, digits and "-", at most 63 characters.'],
    ["no services", { services: {} }, "canary:services is empty: it must have at least one service."],
    ["a service name that is no DNS label", { services: { Shop: two.a } },
      'canary:services.Shop has a bad name: it must be a name of lower-case letters, digits and "-" that starts with a letter, at most 40 characters.'],
    ["an image with a tag", service({ image: "shop:v1" }), 'canary:services.shop.image is "shop:v1": it must be an image without a tag, because the version is the tag.'],
    ["a missing port", service({ port: undefined }), "canary:services.shop.port is missing: it must be a whole number from 1 to 65535."],
    ["no hosts", service({ hosts: [] }), "canary:services.shop.hosts is empty: it must name at least one host."],
    ["a host with a scheme", service({ hosts: ["ok.example", "http://x"] }),
      'canary:services.shop.hosts[1] is "http://x": it must be a host name without scheme and port, such as shop.example or *.shop.example.'],
    ["a path without a slash", service({ paths: ["x"] }), 'canary:services.shop.paths[0] is "x": it must be a path that starts with / and has no spaces.'],
    ["two services on one host and path", { services: two },
      "canary:services.b serves x.example/: it must be served by one service once, and canary:services.a serves it."],
    ["a header name that ingress-nginx would drop", service({ routing: { header: { name: "X Canary" } } }),
      'canary:services.shop.routing.header.name is "X Canary": it must consist of letters, digits and "-", because ingress-nginx silently drops any other header name.'],
    ["a quoted header name", service({ routing: { header: { name: "'X'" } } }),
      'canary:services.shop.routing.header.name is "\'X\'": it must consist of letters, digits and "-", because ingress-nginx silently drops any other header name.'],
    ["a variable that is no text, without showing it", service({ workload: { env: { TOKEN: ["hush"] } } }),
      "canary:services.shop.workload.env.TOKEN is a list: it must be a text."],
    ["a drain beyond the grace", service({ workload: { drain: "40s" } }), "canary:services.shop.workload.drain is 40s: it must be shorter than terminationGrace, 30s."],
    ["a fraction of a second where Kubernetes takes none", service({ workload: { terminationGrace: "1500ms" } }),
      'canary:services.shop.workload.terminationGrace is "1500ms": it must be a duration of whole seconds, such as 90s or 15m.'],
    ["a quantity of nothing", service({ workload: { resources: { requests: { cpu: "lots" } } } }),
      'canary:services.shop.workload.resources.requests.cpu is "lots": it must be a Kubernetes quantity such as 250m, 0.5 or 256Mi.'],
    ["stages that do not rise", { rollout: { stages: [{ weight: 25 }, { weight: 25 }] } },
      "canary:rollout.stages[1].weight is 25: it must be greater than 25, the weight of the stage before."],
    ["a stage of nothing", { rollout: { stages: [{ weight: 0 }] } }, "canary:rollout.stages[0].weight is 0: it must be a whole number from 1 to 100."],
    ["no stages", { rollout: { stages: [] } }, "canary:rollout.stages is empty: it must have at least one stage."],
    ["a duration without a unit", { rollout: { warmUp: 10 } }, `canary:rollout.warmUp is 10: ${DURATION_RULE}`],
    ["a choice that is none", { rollout: { onBlind: "promote" } }, 'canary:rollout.onBlind is "promote": it must be one of hold, rollback.'],
    ["a flag in words", { rollout: { autoPromote: "yes" } }, 'canary:rollout.autoPromote is "yes": it must be true or false.'],
    ["a Prometheus with a query", { analysis: { prometheus: "http://p:9090/?a=b" } }, 'canary:analysis.prometheus is "http://p:9090/?a=b": it must be a base URL, without ? and #.'],
    ["counters that tell no version", { analysis: { source: "app", counters: { requests: "http_requests_total{}" } } },
      'canary:analysis.counters.requests is "http_requests_total{}": it must be a metric with matchers that tell the version, such as http_requests_total{version="{{version}}"}.'],
    ["counters with a placeholder that is none", { analysis: { source: "app", counters: { requests: 'hits{v="{{verison}}",w="%s"}' } } },
      'canary:analysis.counters.requests is "hits{v=\\"{{verison}}\\",w=\\"%s\\"}": it must be a metric with matchers that tell the version, such as http_requests_total{version="{{version}}"}.'],
    ["counters where the router's are read", { analysis: { counters: { requests: 'hits{v="%s"}' } } },
      "canary:analysis.counters is set: it must be absent with canary:analysis.source ingress-nginx, whose counters are known."],
    ["a success that is none", { analysis: { success: "3xx" } }, 'canary:analysis.success is "3xx": it must be one of non-5xx, 2xx.'],
    ["a Prometheus without a scheme", { analysis: { prometheus: "prom:9090" } }, 'canary:analysis.prometheus is "prom:9090": it must be a URL that starts with http:// or https://.'],
    ["a router that is not there", { router: "istio" }, 'canary:router is "istio": it must be one of ingress-nginx, gateway-api.'],
  ];
  for (const [what, keys, sentence] of refused) {
    it(`refuses ${what} with one exact sentence`, () => {
      expect(problemsOf(keys)).to.deep.equal([sentence]);
    });
  }

  it("names the key of a gate that is wrong", () => {
    const [sentence, ...more] = problemsOf({ analysis: { gates: { errors: { kind: "ratio", absolute: "105%" } } } });
    expect(sentence).to.match(/^canary:analysis\.gates\.errors\.absolute\b.*105%.*\.$/);
    expect(more).to.deep.equal([]);
  });

  it("tells of every problem at once, one sentence a line", () => {
    const raw = stack({ weight: 101, namespace: "A b", canary: "" });
    expect(() => parseConfig(raw)).to.throw(ConfigError, /^canary:canary .*\.\ncanary:namespace .*\.\ncanary:weight .*\.$/);
  });

  it("fills in the defaults", () => {
    const config = parseConfig(stack());
    expect(config).to.deep.include({
      createNamespace: true, stable: { version: "v1" }, weight: 0, generation: 0, router: "ingress-nginx", ingressClass: "nginx", ingressController: "existing",
      rollout: {
        stages: [5, 25, 50, 100].map((weight) => ({ weight, dwellSeconds: 60 })),
        autoPromote: true, approvals: {}, onInterrupt: "revert", onBlind: "hold", undoWindowSeconds: 3600, warmUpSeconds: 10, capSeconds: 3600, verifyTimeoutSeconds: 60,
        previewSeconds: 0, scaleDownDelaySeconds: 0, onHold: "keep", leaseSeconds: 30, lockWaitSeconds: 60,
      },
    });
    const { workload, routing, ...service } = config.services["shop"]!;
    expect(service).to.deep.equal({ image: "shop", port: 8080, servicePort: 80, hosts: ["shop.example"], paths: ["/"], critical: true, health: "/health" });
    expect(workload).to.deep.include({ replicas: 2, canarySize: "full", env: {}, resources: {}, terminationGraceSeconds: 30, drainSeconds: 5, progressDeadlineSeconds: 120 });
    expect(routing).to.deep.include({ pathType: "Prefix", header: { name: "X-Canary" } });
    expect(config.analysis).to.deep.include({ prometheus: [], source: "ingress-nginx", success: "non-5xx", scrapeIntervalSeconds: 15, probeIntervalSeconds: 30 });
    expect(config).to.not.have.any.keys("canary", "previous");
  });

  it("lets a stage inherit the dwell of the one before", () => {
    const stages = [{ weight: 5, dwell: "90s" }, { weight: 10 }, { weight: 20, dwell: "2m" }, { weight: 30 }];
    expect(parseConfig(stack({ rollout: { stages } })).rollout.stages.map(({ dwellSeconds }) => dwellSeconds)).to.deep.equal([90, 90, 120, 120]);
  });

  it("reads values as the engine passes them: texts, and maps as JSON", () => {
    const raw = stack({ canary: { version: "v2", env: { A: "1" } }, weight: 5, generation: 7, createNamespace: false });
    const passed = Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));
    expect(parseConfig(passed)).to.deep.equal(parseConfig(raw));
  });

  it("takes one Prometheus or several", () => {
    expect(parseConfig(stack({ analysis: { prometheus: "http://p:9090" } })).analysis.prometheus).to.deep.equal(["http://p:9090"]);
  });

  it("takes the application's own counters by their names", () => {
    const counters = { requests: 'hits{service="{{service}}",v="{{ version }}"}', latency: 'took_bucket{v="%s"}' };
    expect(parseConfig(stack({ analysis: { source: "app", success: "2xx", counters } })).analysis).to.deep.include({ source: "app", success: "2xx", counters: { ...counters, statusLabel: "status" } });
  });

  it("lets an encrypted variable through unread", () => {
    const config = parseConfig(stack(service({ workload: { env: { TOKEN: { secure: "v1:abc" } } } })));
    expect(config.services["shop"]!.workload.env).to.deep.equal({ TOKEN: { secure: "v1:abc" } });
  });

  for (const name of ["staging", "production"]) {
    it(`accepts the example Pulumi.${name}.yaml`, () => {
      const text = readFileSync(`Pulumi.${name}.yaml`, "utf8");
      expect(parseConfig(parseStackFile(text)).stable).to.deep.equal({ version: "v1.2.0" });
    });
  }
});

describe("a duration", () => {
  it("is a number and a unit, in seconds", () => {
    expect(["500ms", "90s", "15m", "1h", "0s", "1.5h", "1100ms"].map(parseDuration)).to.deep.equal([0.5, 90, 900, 3600, 0, 5400, 1.1]);
  });

  it("is refused with one sentence when it is anything else", () => {
    for (const text of ["", "90", "1d", "-1s", "1h30m", "1 s"]) {
      expect(() => parseDuration(text)).to.throw(RangeError, `${JSON.stringify(text)} is not a duration: it must be a number and a unit, such as 500ms, 90s, 15m or 1h.`);
    }
  });
});
