import type { StackConfig } from "../../components/config";
import { DEFAULT_RESILIENCE } from "../resilience/policies";
import { criticalChange, dwellChange, errorChange, healthChange, latencyChange, planChange, stagesChange, tripwireChange, weightChange, type Changes, type Plan } from "./changes";
import * as text from "./text";

/** A flag or an environment variable by which a setting may be given. */
export interface Name<T> {
  /** As commander writes it, e.g. `--canary-weight <percent>`. */
  readonly flag?: string;
  readonly env?: string;
  /** How this name's text is read where it differs from the setting's other names; a flag without an argument has the text `true`. */
  readonly parse?: (text: string) => T;
  /** Of a further flag. Default: the same as the first. */
  readonly help?: string;
}

/**
 * Which verbs mind a setting: `cluster` and `calls` all that touch the cluster, `rollout` those that judge or move a canary by the stages
 * and gates, `deploy` that verb alone.
 */
export type Group = "cluster" | "calls" | "rollout" | "deploy";

export interface Setting<T> {
  readonly group: Group;
  /** In order of precedence, flags first. */
  readonly names: readonly Name<T>[];
  readonly parse: (text: string) => T;
  /** What it does; help text of its flags. */
  readonly help: string;
  /** The key of the stack config that it stands over. */
  readonly over?: string;
  /** Those of the five systems that know it. */
  readonly systems: string;
  readonly change?: (config: StackConfig, value: T) => Changes;
  /** Its text is never shown. */
  readonly secret?: boolean;
}

const setting = <T>(it: Setting<T>): Setting<T> => it;

const DEPLOYMENT_TYPES: Readonly<Record<string, Plan>> = { canary: "canary", production: "blue-green", development: "blue-green at once" };
const deploymentType = (value: string): Plan => DEPLOYMENT_TYPES[text.oneOf(...Object.keys(DEPLOYMENT_TYPES))(value)]!;

const { tries, retryDelay, retryFactor, circuitFailures, circuitReset } = DEFAULT_RESILIENCE;

/** Every setting, in the order in which they change the config: what sets all stages comes before what changes the first. */
export const SETTINGS = {
  version: setting({ group: "deploy", names: [{ flag: "--tag <version>" }, { env: "VERSION" }], parse: text.version, systems: "B D", help: "the version to deploy when no argument names it" }),
  productionVersion: setting({
    group: "deploy", names: [{ env: "PRODUCTION_VERSION" }], parse: text.version, systems: "D",
    help: "the version that is believed to be stable: deploy refuses when another one is",
  }),
  plan: setting<Plan>({
    group: "rollout", systems: "A B C", over: "rollout.stages",
    names: [{ flag: "--plan <kind>" }, { flag: "--canary", parse: () => "canary", help: "the same as --plan canary" }, { env: "DEPLOYMENT_TYPE", parse: deploymentType }],
    parse: text.oneOf<Plan>("canary", "blue-green"), change: planChange,
    help: "canary: the stages; blue-green: all traffic at once, after a --preview. DEPLOYMENT_TYPE: canary, production (blue-green) or development (blue-green without dwell and warm-up). --canary is --plan canary",
  }),
  stages: setting({
    group: "rollout", names: [{ flag: "--stages <list>" }], parse: text.stages, systems: "C D", over: "rollout.stages", change: stagesChange,
    help: "weights in percent with their dwell where it changes, such as 5:60s,25,50,100",
  }),
  weight: setting({
    group: "rollout", names: [{ flag: "--canary-weight <percent>" }, { flag: "--percentage <percent>" }, { env: "CANARY_WEIGHT" }],
    parse: text.whole(1, 100), systems: "A B E", over: "rollout.stages[0].weight", change: weightChange,
    help: "weight of the first stage, 1 to 100; later stages above it stay",
  }),
  dwell: setting({
    group: "rollout", names: [{ flag: "--canary-time <minutes>" }, { flag: "--duration <minutes>" }], parse: text.minutes, systems: "B E",
    over: "rollout.stages[0].dwell", change: dwellChange, help: "how long the first stage is watched: minutes, or a duration such as 90s",
  }),
  preview: setting({
    group: "rollout", names: [{ flag: "--preview <time>" }], parse: text.preview, systems: "C", over: "rollout.preview", change: (_, preview) => ({ rollout: { preview } }),
    help: "how long the canary serves by its header alone before the first stage: a duration, or hold",
  }),
  autoPromote: setting({
    group: "rollout", names: [{ flag: "--auto-promote" }, { flag: "--no-auto-promote", help: "hold for a person after the last stage" }, { env: "AUTO_PROMOTE" }], parse: text.truth, systems: "E",
    over: "rollout.autoPromote", change: (_, autoPromote) => ({ rollout: { autoPromote } }), help: "promote after the last stage, or hold for a person",
  }),
  prometheus: setting({
    group: "rollout", names: [{ env: "PROMETHEUS_URL" }], parse: text.urls, systems: "D", over: "analysis.prometheus", change: (_, prometheus) => ({ analysis: { prometheus } }), secret: true,
    help: "base URL of a Prometheus server, or of several replicas between commas",
  }),
  healthThreshold: setting({
    group: "rollout", names: [{ flag: "--health-threshold <percent>" }], parse: text.percentage, systems: "B", over: "analysis.gates", change: healthChange,
    help: "least percentage of requests that must not fail; stands over the gates' limit of errors",
  }),
  errorThreshold: setting({
    group: "rollout", names: [{ flag: "--error-threshold <percent>" }], parse: text.percentage, systems: "C E", over: "analysis.gates", change: errorChange,
    help: "most percent of requests (or of health probes, where only they are judged) that may fail; stands over the gates' limit of errors",
  }),
  latencyThreshold: setting({
    group: "rollout", names: [{ flag: "--latency-threshold <ms>" }], parse: text.milliseconds, systems: "C", over: "analysis.gates", change: latencyChange,
    help: "P95 that must not be exceeded: milliseconds, or a duration; stands over the gates' limit",
  }),
  rollbackThreshold: setting({
    group: "rollout", names: [{ env: "CANARY_ROLLBACK_THRESHOLD" }], parse: text.whole(1), systems: "A", over: "analysis.gates", change: tripwireChange,
    help: "so many failed canary requests in a stage roll back at once",
  }),
  criticalServices: setting({
    group: "rollout", names: [{ flag: "--critical-services <names>" }], parse: text.list, systems: "B", over: "services.<name>.critical", change: criticalChange,
    help: "exactly these services, between commas, decide over the rollout",
  }),
  circuitFailures: setting({ group: "calls", names: [{ env: "CIRCUIT_BREAKER_THRESHOLD" }], parse: text.whole(1), systems: "A", help: `failures in a row after which the driver leaves a service alone; default ${circuitFailures}` }),
  circuitReset: setting({ group: "calls", names: [{ env: "CIRCUIT_BREAKER_TIMEOUT" }], parse: text.seconds, systems: "A", help: `for how long it does: seconds, or a duration; default ${circuitReset}` }),
  tries: setting({ group: "calls", names: [{ env: "RETRY_COUNT" }], parse: text.whole(1, 100), systems: "A", help: `tries of one call to a service, the first included; default ${tries}` }),
  retryDelay: setting({ group: "calls", names: [{ env: "RETRY_DELAY" }], parse: text.seconds, systems: "A", help: `wait before the second try: seconds, or a duration; default ${retryDelay}` }),
  retryFactor: setting({ group: "calls", names: [{ env: "RETRY_BACKOFF_FACTOR" }], parse: text.atLeast(1), systems: "A", help: `by how much each further wait is longer, 1 or more; default ${retryFactor}` }),
  pushgateway: setting({
    group: "calls", names: [{ env: "PUSHGATEWAY_URL" }], parse: text.url, systems: "", over: "metrics.pushgateway", change: (_, pushgateway) => ({ metrics: { pushgateway } }), secret: true,
    help: "base URL of a Pushgateway that the driver pushes its metrics to",
  }),
  context: setting({ group: "cluster", names: [{ flag: "--context <name>" }], parse: text.name, systems: "B", over: "kubernetes:context", help: "context of the kubeconfig" }),
  kubeconfig: setting({ group: "cluster", names: [{ flag: "--kubeconfig <file>" }], parse: text.name, systems: "B", over: "kubernetes:kubeconfig", help: "the kubeconfig's file" }),
  kubeConfigProd: setting({ group: "cluster", names: [{ env: "KUBE_CONFIG_PROD" }], parse: text.name, systems: "D", over: "kubernetes:kubeconfig", secret: true, help: "kubeconfig in base64, for stacks named production or prod" }),
  kubeConfigStaging: setting({ group: "cluster", names: [{ env: "KUBE_CONFIG_STAGING" }], parse: text.name, systems: "D", over: "kubernetes:kubeconfig", secret: true, help: "kubeconfig in base64, for stacks named staging" }),
};

export type SettingKey = keyof typeof SETTINGS;
export type ValueOf<K extends SettingKey> = (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;

/** A setting that somebody made. Plain data, so that a rollout can be resumed with it. */
export interface Given<T> {
  readonly value: T;
  /** The flag or the variable, e.g. `--canary-weight`. */
  readonly name: string;
  /** As it was written; of a secret, nothing. */
  readonly text: string;
}

/** What was set by flags and by the environment; what is absent stays as the stack config says. */
export type Settings = { readonly [K in SettingKey]?: Given<ValueOf<K>> };
