import axios from "axios";
import { createPrometheus, type PrometheusSource, type Reading, type TrafficTarget } from "../../../analysis";
import { fillIn, isSelector, placeholders, selectorsOf, type Placeholders } from "../../../analysis/metering/profiles";
import type { ServiceConfig, StackConfig } from "../../../components/config";
import { openPrometheus } from "../../resilience/prometheus";
import { targetOf } from "../../rollout/watch";
import { fail, NotKnown, ok, warn, type Check, type Found } from "./check";
import type { Facts } from "./facts";

/** Something that a rollout will ask Prometheus. */
interface Question {
  readonly what: string;
  /** Alternatives of which one is expected to have series. */
  readonly queries: readonly string[];
  /** What no series means: nothing can pass, or only that nothing has happened yet. */
  readonly without: "fail" | "warn";
  readonly why: string;
}

/** Metrics whose rules judge latencies; without their histogram they never answer. */
function asksForLatency({ analysis }: StackConfig): boolean {
  return Object.values(analysis.gates.metrics).some((rule) => rule.kind === "shape" || ((rule.kind === "threshold" || rule.kind === "baseline") && /^p\d+$/.test(rule.of ?? "")));
}

function ofTraffic(config: StackConfig, target: TrafficTarget): Question[] {
  const { stable } = selectorsOf(target);
  const range = (selectors: readonly string[]): string[] => selectors.map((selector) => `${selector}[${target.lookback}s]`);
  return [
    { what: "requests", queries: range(stable.requests), without: "fail", why: "no split could be verified and no stage could pass" },
    ...(stable.latency.length > 0 ? [{ what: "latency", queries: range(stable.latency), without: asksForLatency(config) ? "fail" as const : "warn" as const, why: asksForLatency(config) ? "a gate on latencies would never pass" : "no gate asks for it" }] : []),
  ];
}

function ofMetrics({ analysis: { gates } }: StackConfig, target: TrafficTarget): Question[] {
  const values: Placeholders = placeholders(target, "stable", gates.window);
  const ask = (query: string): string[] => {
    const filled = fillIn(query, values);
    return [isSelector(filled) ? `${filled.trim()}[${2 * gates.window}s]` : filled];
  };
  return Object.entries(gates.metrics).flatMap(([metric, rule]): Question[] => {
    const critical = rule.critical ?? rule.kind === "ratio";
    const needed = { without: critical ? "fail" as const : "warn" as const, why: critical ? "this critical gate would never pass" : "this gate would never answer" };
    if (rule.kind === "ratio" && rule.numerator !== undefined && rule.denominator !== undefined)
      return [{ what: metric, queries: ask(rule.denominator), ...needed }, { what: metric, queries: ask(rule.numerator), without: "warn", why: "it counts as zero" }];
    const query = "query" in rule ? rule.query : undefined;
    return query === undefined ? [] : [{ what: metric, queries: ask(query), ...needed }];
  });
}

function answerTo({ what, queries, without, why }: Question, service: string, version: string, readings: readonly Reading<unknown>[]): Found | undefined {
  if (readings.some(({ kind }) => kind === "value")) return undefined;
  const failed = readings.find((r) => r.kind === "query-failed");
  if (failed?.kind === "query-failed") return fail(`${service}: ${what} cannot be asked: ${failed.reason}`, "Correct the query, or the server.");
  const sentence = `${service}: Prometheus has no series of ${version} for ${what} (${queries.join(" or ")}): ${why}.`;
  return without === "fail" ? fail(sentence, "Send the service a request and look again; otherwise check canary:analysis.source, and that Prometheus scrapes it.") : warn(sentence);
}

async function asked(source: PrometheusSource, config: StackConfig, service: string, version: string, signal: AbortSignal): Promise<Found[]> {
  const target = targetOf(config, service, { stable: version, canary: version });
  const questions = [...ofTraffic(config, target), ...ofMetrics(config, target)];
  const found = await Promise.all(questions.map(async (question) => answerTo(question, service, version, await Promise.all(question.queries.map((query) => source.query(query, { signal }))))));
  const missing = found.filter((f) => f !== undefined);
  return missing.length < questions.length ? [...missing, ok(`${service}: ${questions.length - missing.length} of ${questions.length} queries return series of ${version}.`)] : missing;
}

const servers = ({ config, place }: Facts): Check => ({
  name: "prometheus",
  async run(signal) {
    const [{ dependencies }, { analysis: { prometheus } }] = await Promise.all([place(), config()]);
    if (prometheus.length === 0) return fail("canary:analysis.prometheus names no server.", "Name at least one: a rollout without metrics can never pass.");
    const source = openPrometheus(prometheus, dependencies);
    try {
      return (await dependencies.check(signal)).filter(({ name }) => name === "prometheus").map(({ address, healthy, lastError }) =>
        healthy ? ok(`Prometheus at ${address} answers.`) : fail(lastError ?? `Prometheus at ${address} does not answer.`, "Look at canary:analysis.prometheus, and at the way to the server."));
    } finally {
      source.close();
    }
  },
});

const queries = ({ config }: Facts): Check => ({
  name: "queries",
  async run(signal) {
    const own = await config();
    const { prometheus } = own.analysis;
    if (prometheus.length === 0) return [];
    if (!own.stable) return warn("Nothing is installed yet, so that no series can be expected.");
    const source = createPrometheus({ servers: [...prometheus], tries: 1, cache: 0 });
    try {
      const alive = await source.query("vector(1)", { signal });
      if (alive.kind === "query-failed") throw new NotKnown("what Prometheus says", alive.reason);
      return (await Promise.all(Object.keys(own.services).map((service) => asked(source, own, service, own.stable!.version, signal)))).flat();
    } finally {
      source.close();
    }
  },
});

/** The health endpoint by the way that the driver's probes take; to whom the router sends it does not matter here. */
async function healthOf(ingressUrl: string, name: string, { hosts, health, paths, routing }: ServiceConfig, signal: AbortSignal): Promise<Found> {
  const host = hosts[0]!.replace(/^\*/, "canary-probe");
  if (!paths.some((path) => (routing.pathType === "Exact" ? health === path : health.startsWith(path)))) return warn(`${name}: none of its paths leads to ${health}, so that the canary is not probed through the router.`);
  try {
    const { status } = await axios.get(new URL(health, ingressUrl).href, { headers: { host }, signal, timeout: 5000, validateStatus: () => true, maxRedirects: 0 });
    return status === 200 ? ok(`${name}: ${health} on ${host} answers 200 through ${ingressUrl}.`) : fail(`${name}: ${health} on ${host} answers ${status} through ${ingressUrl}.`, "Look at the Ingress, and at the pods behind it.");
  } catch (error) {
    return fail(`${name}: ${ingressUrl} cannot be reached: ${(error as Error).message || (error as { code?: string }).code}.`, "Look at canary:ingressUrl.");
  }
}

const ingress = ({ config }: Facts): Check => ({
  name: "ingress-url",
  async run(signal) {
    const { ingressUrl, services, stable } = await config();
    if (ingressUrl === undefined) return warn("canary:ingressUrl is not set: no canary is probed before its first user.", "Set it to where the driver reaches the ingress controller.");
    if (!stable) return warn("Nothing is installed yet, so that no health endpoint can answer.");
    return Promise.all(Object.entries(services).map(([name, service]) => healthOf(ingressUrl, name, service, signal)));
  },
});

/** What the gates will be fed with. */
export const metricChecks = (facts: Facts): Check[] => [servers(facts), queries(facts), ingress(facts)];
