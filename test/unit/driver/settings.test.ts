import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { Command } from "commander";
import { ConfigError } from "../../../components/config";
import { UsageError } from "../../../driver/errors";
import { CALLING, checkStable, deployOptions, deployVersion, readSettings, resilienceOf, resumable, stackOptions, withSettings, type Environment, type Flags } from "../../../driver/settings";
import { settingsTables } from "../../../driver/settings/docs";

const RAW = {
  namespace: "shop",
  stable: "v1",
  services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] }, api: { image: "api", port: 9000, hosts: ["api.example"], critical: false } },
  rollout: { stages: [{ weight: 5, dwell: "30s" }, { weight: 25 }, { weight: 50, dwell: "5m" }, { weight: 100 }] },
  analysis: { prometheus: "http://configured:9090" },
};
type Raw = Record<string, unknown>;

/** The config with a command line's flags and an environment. */
const configOf = (flags: Flags, env: Environment = {}, raw: Raw = RAW) => withSettings(raw, readSettings(flags, env));
const stagesOf = (flags: Flags, env: Environment = {}, raw: Raw = RAW): string =>
  configOf(flags, env, raw).rollout.stages.map(({ weight, dwellSeconds }) => `${weight}:${dwellSeconds}`).join(" ");
const gatesOf = (flags: Flags, env: Environment = {}, gates: object = {}) => configOf(flags, env, { ...RAW, analysis: { gates } }).analysis.gates.metrics as Record<string, object>;
const refusal = (flags: Flags, env: Environment = {}, raw: Raw = RAW): string => {
  try {
    configOf(flags, env, raw);
  } catch (error) {
    expect(error).to.be.instanceOf(UsageError);
    return (error as Error).message;
  }
  return expect.fail("nothing was refused");
};

describe("flags and environment variables", () => {
  it("change nothing when there are none, or only empty ones", () => {
    expect(readSettings({}, { CANARY_WEIGHT: "", VERSION: " " })).to.deep.equal({});
    expect(stagesOf({})).to.equal("5:30 25:30 50:300 100:300");
  });

  it("set the first stage's weight; later stages above it stay", () => {
    expect(stagesOf({ canaryWeight: "10" })).to.equal("10:30 25:30 50:300 100:300");
    expect(stagesOf({ percentage: "30" })).to.equal("30:30 50:300 100:300");
    expect(stagesOf({}, { CANARY_WEIGHT: "100" })).to.equal("100:30");
  });

  it("stand over each other: a flag over a variable, a variable over the stack file", () => {
    expect(stagesOf({ canaryWeight: "10" }, { CANARY_WEIGHT: "20" })).to.equal("10:30 25:30 50:300 100:300");
    expect(stagesOf({ canaryWeight: "10" }, { CANARY_WEIGHT: "lots" })).to.equal("10:30 25:30 50:300 100:300");
    expect(configOf({}, { PROMETHEUS_URL: "http://a:9090, http://b:9090/x" }).analysis.prometheus).to.deep.equal(["http://a:9090", "http://b:9090/x"]);
    expect(configOf({ autoPromote: true }, { AUTO_PROMOTE: "false" }).rollout.autoPromote).to.equal(true);
    expect(configOf({ autoPromote: false }).rollout.autoPromote).to.equal(false);
    expect(configOf({}, { AUTO_PROMOTE: "no" }).rollout.autoPromote).to.equal(false);
  });

  it("set the first stage's dwell in minutes, or as a duration", () => {
    expect(stagesOf({ canaryTime: "10" })).to.equal("5:600 25:30 50:300 100:300");
    expect(stagesOf({ duration: "90s" })).to.equal("5:90 25:30 50:300 100:300");
    expect(stagesOf({ canaryTime: "0.5", canaryWeight: "25" })).to.equal("25:30 50:300 100:300");
  });

  it("set all stages, with the dwells that are named", () => {
    expect(stagesOf({ stages: "5:60s,25,50:2m,100" })).to.equal("5:60 25:60 50:120 100:120");
    expect(stagesOf({ stages: "10,100" })).to.equal("10:30 100:30");
    expect(stagesOf({ stages: "5,25,50", canaryWeight: "20", canaryTime: "1" })).to.equal("20:60 25:30 50:30");
  });

  it("make it blue/green, after a preview, by A's deployment types too", () => {
    expect(stagesOf({ plan: "blue-green", canaryTime: "2" })).to.equal("100:120");
    expect(configOf({ plan: "blue-green", preview: "10m" }).rollout.previewSeconds).to.equal(600);
    expect(configOf({ preview: "hold" }).rollout.previewSeconds).to.equal("hold");
    expect(stagesOf({}, { DEPLOYMENT_TYPE: "production" })).to.equal("100:30");
    const { rollout } = configOf({}, { DEPLOYMENT_TYPE: "development" });
    expect(rollout).to.deep.include({ stages: [{ weight: 100, dwellSeconds: 0 }], warmUpSeconds: 0 });
    expect(stagesOf({}, { DEPLOYMENT_TYPE: "canary" })).to.equal("5:30 25:30 50:300 100:300");
  });

  it("make it a canary again where the stack file is blue/green", () => {
    const blueGreen = { ...RAW, rollout: { stages: [{ weight: 100 }] } };
    expect(stagesOf({ canary: true }, {}, blueGreen)).to.equal("5:60 25:60 50:60 100:60");
    expect(stagesOf({ plan: "canary", canaryWeight: "10" }, {}, blueGreen)).to.equal("10:60 25:60 50:60 100:60");
  });

  it("let a flag with a weight stand over a variable that wants blue/green, and a blue/green flag over a variable with a weight", () => {
    expect(stagesOf({ canaryWeight: "10" }, { DEPLOYMENT_TYPE: "production" })).to.equal("10:30 25:30 50:300 100:300");
    expect(stagesOf({ plan: "blue-green" }, { CANARY_WEIGHT: "20" })).to.equal("100:30");
    expect(stagesOf({}, { DEPLOYMENT_TYPE: "production", CANARY_WEIGHT: "20" })).to.equal("100:30");
    expect(refusal({ plan: "blue-green", canaryWeight: "10" })).to.equal("--plan blue-green has one stage of weight 100, and --canary-weight sets another: leave one of them out.");
  });

  it("set the limit of errors that the gates have, whichever system's it is", () => {
    expect(gatesOf({ healthThreshold: "97" })).to.have.nested.property("errors.absolute", 0.03);
    expect(gatesOf({ errorThreshold: "2.5%" })).to.have.nested.property("errors.absolute", 0.025);
    expect(gatesOf({ healthThreshold: "98" }, {}, { preset: "B" })).to.deep.include({ success: { kind: "threshold", critical: true, of: "success", over: 300, direction: "atLeast", limit: 0.98 } });
    expect(gatesOf({ healthThreshold: "90" }, {}, { preset: "C" })).to.have.nested.property("errors.limit", 0.1);
    expect(gatesOf({ errorThreshold: "10" }, {}, { preset: "E" })).to.deep.equal({ health: { kind: "probe", critical: true, atMost: 0.1, minSamples: 1 } });
    const rule = { kind: "threshold", critical: true, of: "errors", direction: "atMost", limit: 0.1 };
    expect(gatesOf({ errorThreshold: "10" }, {}, { preset: "A" })).to.deep.include({ errorLimit: rule });
    expect(gatesOf({ errorThreshold: "10" }, {}, { errors: false })).to.deep.include({ errors: rule });
    expect(gatesOf({ healthThreshold: "95", errorThreshold: "5" })).to.have.nested.property("errors.absolute", 0.05);
  });

  it("set the limit of the P95, in milliseconds or as a duration", () => {
    expect(gatesOf({ latencyThreshold: "800" })).to.have.nested.property("latency.p95", 0.8);
    expect(gatesOf({ latencyThreshold: "2s" }, {}, { preset: "C" })).to.have.nested.property("latency.limit", 2);
    expect(gatesOf({ latencyThreshold: "800" }, {}, { preset: "E" })).to.deep.include({ latency: { kind: "threshold", critical: true, of: "p95", direction: "atMost", limit: 0.8 } });
  });

  it("set the number of errors that roll back at once", () => {
    expect(gatesOf({}, { CANARY_ROLLBACK_THRESHOLD: "7" })).to.have.nested.property("failures.rollbackAt", 7);
    expect(gatesOf({}, { CANARY_ROLLBACK_THRESHOLD: "7" }, { preset: "A" })).to.have.nested.property("errors.rollbackAt", 7);
  });

  it("make exactly the named services critical", () => {
    const { services } = configOf({ criticalServices: "api" });
    expect([services.shop!.critical, services.api!.critical]).to.deep.equal([false, true]);
    expect(refusal({ criticalServices: "shop,apj" })).to.equal('--critical-services names "apj", which is no service of the stack: did you mean api?');
    expect(refusal({ criticalServices: "payments" })).to.equal('--critical-services names "payments", which is no service of the stack: its services are shop, api.');
  });

  it("work on a config whose sections are JSON, as `pulumi config set` writes them", () => {
    const json = { ...RAW, rollout: JSON.stringify(RAW.rollout), services: JSON.stringify(RAW.services), analysis: '{"gates":{"preset":"C"}}' };
    const config = configOf({ canaryWeight: "10", errorThreshold: "1", criticalServices: "shop" }, {}, json);
    expect(config.rollout.stages[0]).to.deep.equal({ weight: 10, dwellSeconds: 30 });
    expect(config.analysis.gates.metrics).to.have.nested.property("errors.limit", 0.01);
  });

  const refusals: readonly [Flags, Environment, string][] = [
    [{ canaryWeight: "0" }, {}, '--canary-weight is "0": it must be a whole number from 1 to 100.'],
    [{}, { CANARY_WEIGHT: "lots" }, 'CANARY_WEIGHT is "lots": it must be a whole number from 1 to 100.'],
    [{ canaryWeight: "10", percentage: "25" }, {}, '--canary-weight is "10" and --percentage is "25": they set the same, so give one of them.'],
    [{ canaryTime: "soon" }, {}, '--canary-time is "soon": it must be a number of minutes, or a duration such as 90s, 15m or 1h.'],
    [{ stages: "5;25" }, {}, '--stages is "5;25": it must be weights between commas, with a dwell where it changes, such as 5:60s,25,50,100.'],
    [{ stages: "25,5" }, {}, "--stages 25,5 cannot be used: canary:rollout.stages[1].weight is 5: it must be greater than 25, the weight of the stage before."],
    [{ stages: "5,250" }, {}, "--stages 5,250 cannot be used: canary:rollout.stages[1].weight is 250: it must be a whole number from 1 to 100."],
    [{ healthThreshold: "100" }, {}, '--health-threshold is "100": it must be a percentage between 0 and 100, both excluded, such as 5.'],
    [{ healthThreshold: "95", errorThreshold: "4" }, {}, '--health-threshold is "95" and --error-threshold is "4": they limit the same share of failed requests, so give one of them.'],
    [{ latencyThreshold: "0" }, {}, '--latency-threshold is "0": it must be a number of milliseconds above 0, or a duration such as 800ms or 2s.'],
    [{ plan: "rainbow" }, {}, '--plan is "rainbow": it must be one of canary, blue-green.'],
    [{ preview: "soon" }, {}, '--preview is "soon": it must be hold, or a duration such as 10m.'],
    [{}, { DEPLOYMENT_TYPE: "blue" }, 'DEPLOYMENT_TYPE is "blue": it must be one of canary, production, development.'],
    [{}, { AUTO_PROMOTE: "maybe" }, 'AUTO_PROMOTE is "maybe": it must be true or false.'],
    [{}, { CANARY_ROLLBACK_THRESHOLD: "0" }, 'CANARY_ROLLBACK_THRESHOLD is "0": it must be a whole number of 1 or more.'],
    [{}, { PROMETHEUS_URL: "me:secret@prometheus" }, "PROMETHEUS_URL cannot be understood: it must be a URL that starts with http:// or https://, without ? and #, or several between commas."],
    [{}, { RETRY_COUNT: "0" }, 'RETRY_COUNT is "0": it must be a whole number from 1 to 100.'],
    [{}, { RETRY_BACKOFF_FACTOR: "0.5" }, 'RETRY_BACKOFF_FACTOR is "0.5": it must be a number of 1 or more.'],
    [{}, { CIRCUIT_BREAKER_TIMEOUT: "0" }, 'CIRCUIT_BREAKER_TIMEOUT is "0": it must be a number of seconds above 0, or a duration such as 500ms or 30s.'],
  ];
  for (const [flags, env, sentence] of refusals) it(`are refused in one sentence: ${sentence.split(":")[0]}`, () => expect(refusal(flags, env)).to.equal(sentence));

  it("leave the sentences about the config itself to the config", () => {
    expect(() => configOf({ canaryWeight: "10" }, {}, { ...RAW, weight: 200 })).to.throw(ConfigError, "canary:weight is 200");
  });

  it("that a verb does not mind are not read, however wrong", () => {
    expect(readSettings({}, { CANARY_WEIGHT: "lots", RETRY_COUNT: "2" }, CALLING)).to.have.all.keys("tries");
  });

  it("are kept for a resumed rollout without secrets and without what belongs to one call", () => {
    const settings = readSettings({ canaryWeight: "10", tag: "v2", context: "here" }, { PROMETHEUS_URL: "http://me:secret@a:9090", RETRY_COUNT: "2" });
    const kept = resumable(JSON.parse(JSON.stringify(settings)));
    expect(kept).to.deep.equal({ weight: { value: 10, name: "--canary-weight", text: "10" } });
    expect(withSettings(RAW, kept).rollout.stages[0]!.weight).to.equal(10);
  });

  it("give the calls of the driver system A's names and defaults", () => {
    expect(resilienceOf({})).to.deep.equal({ tries: 3, retryDelay: 1, retryFactor: 2, circuitFailures: 5, circuitReset: 30 });
    const env = { CIRCUIT_BREAKER_THRESHOLD: "2", CIRCUIT_BREAKER_TIMEOUT: "1m", RETRY_COUNT: "4", RETRY_DELAY: "0.5", RETRY_BACKOFF_FACTOR: "1.5" };
    expect(resilienceOf(readSettings({}, env))).to.deep.equal({ tries: 4, retryDelay: 0.5, retryFactor: 1.5, circuitFailures: 2, circuitReset: 60 });
  });

  it("are listed in docs/settings.md as they are", () => {
    const file = path.resolve(__dirname, "../../../../docs/settings.md");
    expect(fs.readFileSync(file, "utf8")).to.satisfy((text: string) => text.endsWith(settingsTables()), "run `node dist/driver/settings/docs.js` and put what it prints below the introduction");
  });
});

describe("the version to deploy", () => {
  const version = (argument: string | undefined, flags: Flags, env: Environment = {}): string => deployVersion(argument, readSettings(flags, env));

  it("is the argument, or --tag, or VERSION", () => {
    expect(version("v2", {}, { VERSION: "v9" })).to.equal("v2");
    expect(version("v2", { tag: "v2" })).to.equal("v2");
    expect(version(undefined, { tag: "v3" }, { VERSION: "v9" })).to.equal("v3");
    expect(version(undefined, {}, { VERSION: "v9" })).to.equal("v9");
  });

  it("is refused when it is missing, contradictory or no version", () => {
    expect(() => version(undefined, {})).to.throw(UsageError, "No version is named: say `canary deploy VERSION`, or name it by --tag or in the variable VERSION.");
    expect(() => version("v2", { tag: "v3" })).to.throw(UsageError, "The argument names the version v2 and --tag v3: give one of them.");
    expect(() => version(undefined, { tag: "not a tag" })).to.throw(UsageError, '--tag is "not a tag": it must be an image tag');
  });

  it("is not deployed over another stable version than the caller believes in", () => {
    const check = (raw: Raw, believed: string): void => checkStable(withSettings(raw, {}), readSettings({}, { PRODUCTION_VERSION: believed }));
    check(RAW, "v1");
    expect(() => check(RAW, "v0")).to.throw(UsageError, 'PRODUCTION_VERSION is "v0", but the stack has v1 as its stable version:');
    expect(() => check({ ...RAW, stable: undefined }, "v0")).to.throw(UsageError, "but the stack has no stable version yet:");
  });
});

describe("the options of deploy", () => {
  const before = { ...process.env };
  beforeEach(() => ["PULUMI_STACK", "DEPLOYMENT_ENVIRONMENT"].forEach((name) => delete process.env[name]));
  afterEach(() => ["PULUMI_STACK", "DEPLOYMENT_ENVIRONMENT"].forEach((name) => (before[name] === undefined ? delete process.env[name] : (process.env[name] = before[name]))));

  const parse = (...args: string[]): Record<string, unknown> => {
    const command = deployOptions(stackOptions(new Command("deploy"))).argument("[version]").exitOverride().configureOutput({ writeErr: () => undefined });
    return command.parse(args, { from: "user" }).opts();
  };

  it("are those of the five systems, and reach the settings", () => {
    const settings = readSettings(parse("--stack", "dev", "--tag", "v2", "--canary", "--canary-weight", "10", "--canary-time", "10", "--health-threshold", "95", "--critical-services", "a,b", "--no-auto-promote", "--context", "here"), {});
    expect(Object.entries(settings).map(([key, given]) => `${key} ${JSON.stringify(given.value)}`)).to.have.members([
      'version "v2"', 'plan "canary"', "weight 10", "dwell 600", "healthThreshold 95", 'criticalServices ["a","b"]', "autoPromote false", 'context "here"',
    ]);
    expect(readSettings(parse("-s", "dev", "--percentage", "25", "--duration", "15", "--error-threshold", "5", "--auto-promote"), {})).to.have.all.keys("weight", "dwell", "errorThreshold", "autoPromote");
    expect(readSettings(parse("-s", "dev"), {})).to.deep.equal({});
  });

  it("name the stack by --stack, --env, PULUMI_STACK or DEPLOYMENT_ENVIRONMENT, in this order", () => {
    process.env["DEPLOYMENT_ENVIRONMENT"] = "d";
    expect(parse().stack).to.equal("d");
    process.env["PULUMI_STACK"] = "c";
    expect(parse().stack).to.equal("c");
    expect(parse("--env", "b").stack).to.equal("b");
    expect(parse("--stack", "a").stack).to.equal("a");
    expect(parse("--env", "a", "-s", "a").stack).to.equal("a");
  });

  it("refuse two names of the stack, and none", () => {
    for (const args of [["--env", "b", "--stack", "a"], ["--stack", "a", "--env", "b"]])
      expect(() => parse(...args)).to.throw(UsageError, '--stack is "a" and --env is "b": they name the same, so give one of them.');
    expect(() => parse()).to.throw("required option '-s, --stack <name>' not specified");
  });
});
