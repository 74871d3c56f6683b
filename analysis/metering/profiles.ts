import { ConfigError } from "../errors";

/** Which answers count as success: everything but 5xx (default), or 2xx only. */
export const SUCCESS_RULES = ["non-5xx", "2xx"] as const;
export type SuccessRule = (typeof SUCCESS_RULES)[number];

/** Where a service's traffic can be read. Weights, versions and names are those of the stack; `port` is the Service's port number or name. */
export interface TrafficTarget {
  profile: ProfileName | CustomProfile;
  namespace: string;
  service: string;
  stableService: string;
  canaryService: string;
  port: number | string;
  stableVersion: string;
  canaryVersion: string;
  success?: SuccessRule;
  /** Seconds of samples read per query; must span at least two scrapes. Default 60. */
  lookback?: number;
}

/** The application's own counters by other names: PromQL series selectors with placeholders, and the label that holds the status code. */
export interface CustomProfile {
  requests: string;
  statusLabel: string;
  /** Selector of the latency histogram's `_bucket` series. */
  latency?: string;
}

/**
 * Selectors of one arm. Each list holds alternatives of which one is expected to exist (labels are renamed `exported_…` by service
 * discovery); the first that has series is kept.
 */
export interface ArmSelectors {
  requests: string[];
  latency: string[];
}

export interface Selectors {
  canary: ArmSelectors;
  stable: ArmSelectors;
  statusLabel: string;
  /** Whether the series are the pods' own, not a router's. */
  perPod: boolean;
  /** Series that exist for every scraped target of the app, with or without traffic. */
  targets?: string;
}

type Arm = "canary" | "stable";
type Matchers = Record<string, string>;

const quoted = (value: string): string => JSON.stringify(value);

/** `name{a="b",c=~"d"}`; a value that starts with `~` is a regular expression. */
const selector = (name: string, matchers: Matchers): string =>
  `${name}{${Object.entries(matchers)
    .map(([k, v]) => (v.startsWith("~") ? `${k}=~${quoted(v.slice(1))}` : `${k}=${quoted(v)}`))
    .join(",")}}`;

const versionOf = (target: TrafficTarget, arm: Arm): string => (arm === "canary" ? target.canaryVersion : target.stableVersion);
const serviceOf = (target: TrafficTarget, arm: Arm): string => (arm === "canary" ? target.canaryService : target.stableService);

/** The selectors of a metric with and without the `exported_` prefix that service discovery gives to labels it also sets itself. */
function exported(name: string, fixed: Matchers, renamed: Matchers): string[] {
  const prefixed = Object.fromEntries(Object.entries(renamed).map(([k, v]) => [`exported_${k}`, v]));
  return [selector(name, { ...fixed, ...renamed }), selector(name, { ...fixed, ...prefixed })];
}

/** A profile tells the selectors of an arm and the status label. */
interface Profile {
  statusLabel: string;
  perPod: boolean;
  arm(target: TrafficTarget, arm: Arm): ArmSelectors;
  targets?(target: TrafficTarget): string;
}

/** Letters and digits survive in Traefik's names, runs of anything else become one dash. */
const traefikName = (...parts: (string | number)[]): string =>
  parts
    .join("-")
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
    .join("-");

const traefik = (nameOf: (target: TrafficTarget, arm: Arm) => string): Profile => ({
  statusLabel: "code",
  perPod: false,
  arm: (target, arm) => {
    const service = nameOf(target, arm);
    return {
      requests: exported("traefik_service_requests_total", {}, { service }),
      latency: exported("traefik_service_request_duration_seconds_bucket", {}, { service }),
    };
  },
});

const PROFILES = {
  "ingress-nginx": {
    statusLabel: "status",
    perPod: false,
    arm: (target: TrafficTarget, arm: Arm) => {
      const fixed = {
        // The Ingress and the Service are named alike.
        ingress: target.stableService,
        // Whichever arm serves, ingress and service are the main Ingress's; only this label tells them apart.
        canary: arm === "canary" ? `${target.namespace}-${target.canaryService}-${target.port}` : "",
      };
      const renamed = { namespace: target.namespace, service: target.stableService };
      return {
        requests: exported("nginx_ingress_controller_requests", fixed, renamed),
        latency: exported("nginx_ingress_controller_request_duration_seconds_bucket", fixed, renamed),
      };
    },
  },
  // Traefik names the canary after the stable backend: the suffix goes before the provider.
  traefik: traefik((target, arm) => {
    const name = traefikName(target.namespace, target.stableService, target.stableService, target.port);
    return `${name}${arm === "canary" ? "-canary" : ""}@kubernetesingressnginx`;
  }),
  "traefik-gateway": traefik((target, arm) => `~.*-svc-${traefikName(target.namespace, serviceOf(target, arm))}-[0-9]+@kubernetesgateway`),
  app: {
    statusLabel: "status",
    perPod: true,
    arm: (target: TrafficTarget, arm: Arm) => {
      const matchers = { version: versionOf(target, arm) };
      return { requests: [selector("http_requests_total", matchers)], latency: [selector("http_request_duration_seconds_bucket", matchers)] };
    },
    targets: (target: TrafficTarget) => selector("up", { namespace: target.namespace }),
  },
} satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;

/** A metric name with or without matchers: a raw counter, whose samples are read; anything else is an expression, whose value is. */
export const isSelector = (query: string): boolean => /^\s*[a-zA-Z_:][\w:]*\s*(\{[^{}]*\})?\s*$/.test(query);

/** Whether a text selects series by matchers that tell versions apart: what a {@link CustomProfile} consists of. */
export function selectsVersion(query: string): boolean {
  const of = (version: string): string => fillIn(query, { version, namespace: "x", service: "x", window: "x" });
  try {
    return isSelector(of("a")) && of("a").includes("{") && of("a") !== of("b");
  } catch {
    return false;
  }
}

/** Values of the placeholders `{{version}}`, `{{namespace}}`, `{{service}}`, `{{window}}`; `%s` also stands for the version. */
export interface Placeholders {
  version: string;
  namespace: string;
  service: string;
  window: string;
}

/** A query with its placeholders filled in. Throws ConfigError on a placeholder that does not exist. */
export function fillIn(query: string, values: Placeholders): string {
  return query.replaceAll("%s", values.version).replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => {
    const value = (values as unknown as Record<string, string | undefined>)[name];
    if (value === undefined) throw new ConfigError(`The query ${query} has the unknown placeholder {{${name}}}: use {{version}}, {{namespace}}, {{service}} or {{window}}.`);
    return value;
  });
}

/** Placeholder values of one arm; `window` in seconds. */
export const placeholders = (target: TrafficTarget, arm: Arm, window: number): Placeholders => ({
  version: versionOf(target, arm),
  namespace: target.namespace,
  service: target.service,
  window: `${window}s`,
});

/** The selectors of both arms of a target. */
export function selectorsOf(target: TrafficTarget): Selectors {
  const { profile } = target;
  if (typeof profile !== "string") {
    const arm = (which: Arm): ArmSelectors => {
      const fill = (query: string): string => fillIn(query, placeholders(target, which, target.lookback ?? DEFAULT_LOOKBACK));
      return { requests: [fill(profile.requests)], latency: profile.latency ? [fill(profile.latency)] : [] };
    };
    return { canary: arm("canary"), stable: arm("stable"), statusLabel: profile.statusLabel, perPod: true, targets: PROFILES.app.targets(target) };
  }
  const known: Profile = PROFILES[profile];
  return {
    canary: known.arm(target, "canary"),
    stable: known.arm(target, "stable"),
    statusLabel: known.statusLabel,
    perPod: known.perPod,
    ...(known.targets ? { targets: known.targets(target) } : {}),
  };
}

/** Four scrapes at the usual interval of 15 s. */
export const DEFAULT_LOOKBACK = 60;
