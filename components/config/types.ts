import type { z } from "zod";
import type { GatesConfig } from "../../analysis/gates/schema";
import type { stackConfigSchema } from "./schema";
import type { analysis } from "./schema/analysis";
import type { initContainers, resources } from "./schema/container";
import type { env } from "./schema/environment";
import type { ingressController } from "./schema/ingress-controller";
import type { monitoring } from "./schema/monitoring";
import type { networkPolicy } from "./schema/network-policy";
import type { NOTICES, notifications } from "./schema/notifications";
import type { guard } from "./schema/guard";
import type { rollout } from "./schema/rollout";
import type { routing } from "./schema/routing";
import type { service } from "./schema/service";
import type { canarySpec, overridesSchema, serviceOverridesSchema, versionSpec } from "./schema/version";
import type { workload } from "./schema/workload";

// The types follow from the schema, where each key's meaning, unit, range and default is stated. Durations are seconds here and their
// names say so: `drain: 5s` in config is `drainSeconds: 5` in code.

type DeepReadonly<T> = T extends readonly (infer E)[] ? readonly DeepReadonly<E>[] : T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
type Parsed<T extends z.ZodType> = DeepReadonly<z.output<T>>;

/** An environment variable's value. `{secure}` is a ciphertext that only the Pulumi engine can open; it passes through unread. */
export type EnvValue = Parsed<typeof env>[string];
/** CPU and memory in Kubernetes quantities, e.g. `{requests: {cpu: "250m", memory: "256Mi"}}`. */
export interface Resources extends Parsed<typeof resources> {}
/** What a version may change in a service. Promotion carries it along with the version. */
export interface Overrides extends Parsed<typeof overridesSchema> {}
/** What a version may change in one service. */
export interface ServiceOverrides extends Parsed<typeof serviceOverridesSchema> {}
/** A version with its overrides: those for every service, and those for one service, which win. */
export interface VersionSpec extends Parsed<typeof versionSpec> {}
/** The version under rollout. */
export interface CanarySpec extends Parsed<typeof canarySpec> {}
/** How the pods of every revision of a service run. */
export interface Workload extends Parsed<typeof workload> {}
/** What runs before the service's container, or beside it. */
export type InitContainer = Parsed<typeof initContainers>[number];
/** A volume of the pods. */
export type Volume = Workload["volumes"][string];
/** A probe with its handler; without one it asks the service's health path. */
export type Probe = Exclude<Workload["probes"]["readiness"], false>;
/** Bounds and metrics of a revision's autoscaler. Utilizations are fractions of what is requested, 0.01 … 99.99. */
export type Autoscale = NonNullable<Workload["autoscale"]>;
/** How requests reach a service. */
export interface Routing extends Parsed<typeof routing> {}
/** One service of the release train. */
export interface ServiceConfig extends Parsed<typeof service> {}
/** What the driver does between two versions. The program itself reads none of it. */
export interface RolloutConfig extends Parsed<typeof rollout> {}
/** One step of a rollout: a weight in percent, 1 … 100, and the seconds for which it is observed at least. */
export type Stage = RolloutConfig["stages"][number];
/** Who must say yes before the promotion, or before a stage. */
export type Approval = RolloutConfig["approvals"][string];
/** A server that is asked. */
export type WebhookApproval = Extract<Approval, { readonly kind: "webhook" }>;
/** Days and hours in which something may be done. */
export type WindowApproval = Extract<Approval, { readonly kind: "window" }>;
/** Who is told of a rollout. */
export interface NotificationsConfig extends Parsed<typeof notifications> {}
/** What may be told of a rollout. */
export type NoticeKind = (typeof NOTICES)[number];
/** Where the numbers come from and what they must be. */
export interface AnalysisConfig extends Omit<Parsed<typeof analysis>, "gates"> {
  readonly gates: GatesConfig;
}
/** How a stack is watched by people. */
export interface MonitoringConfig extends Parsed<typeof monitoring> {}
/** How the pods of a service are scraped. */
export type ScrapeConfig = Exclude<MonitoringConfig["scrape"], false>;
/** The ConfigMap of a dashboard. */
export type DashboardConfig = Exclude<MonitoringConfig["dashboard"], false>;
/** Who may open connections to the services' pods. */
export interface NetworkPolicyConfig extends Parsed<typeof networkPolicy> {}
/** Where the ingress controller comes from. */
export type IngressControllerConfig = Parsed<typeof ingressController>;
/** The dead-man's switch that the stack declares. */
export interface GuardConfig extends Parsed<typeof guard> {}
/** One stack: services that move together, one version pair, one weight. */
export interface StackConfig extends Omit<Parsed<typeof stackConfigSchema>, "analysis"> {
  readonly analysis: AnalysisConfig;
}
/** The same as it is written: durations as texts such as `5s`, keys with a default left out. */
export type StackInput = z.input<typeof stackConfigSchema>;
export type ServiceInput = z.input<typeof service>;
