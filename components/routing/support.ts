import { NGINX } from "../annotations";
import type { Routing } from "../config";

/** What a router cannot do for a service: the key below `routing`, and why not, as a clause. */
export interface Unsupported {
  readonly option: keyof Routing;
  /** Of an annotation. */
  readonly annotation?: string;
  readonly why: string;
}

const NOT_ON_GATEWAY: readonly (readonly [keyof Routing, (routing: Routing) => boolean, string])[] = [
  ["pathType", ({ pathType }) => pathType === "ImplementationSpecific", "an HTTPRoute knows Prefix and Exact only"],
  ["cookie", ({ cookie }) => cookie !== undefined, "an HTTPRoute has no match by cookie"],
  ["session", ({ session }) => session !== undefined, "an HTTPRoute has no session affinity"],
  ["weightTotal", ({ weightTotal }) => weightTotal !== 100, "an HTTPRoute has no total, its weights are shares of their sum"],
  ["tls", ({ tls }) => tls.length > 0, "TLS ends at the Gateway's listener"],
  ["retries", ({ retries }) => retries !== undefined, "the retries of an HTTPRoute are experimental and Traefik has none"],
  ["timeouts", ({ timeouts }) => timeouts !== undefined, "an HTTPRoute has no such timeouts"],
  ["limits", ({ limits }) => limits !== undefined, "an HTTPRoute has no limits"],
  ["fallback", ({ fallback }) => fallback !== undefined, "an HTTPRoute has no fallback"],
];

/** What an HTTPRoute cannot say. */
export const unsupportedByGateway = (routing: Routing): Unsupported[] => [
  ...NOT_ON_GATEWAY.filter(([, used]) => used(routing)).map(([option, , why]) => ({ option, why })),
  ...Object.keys(routing.annotations).filter((each) => each.startsWith(`${NGINX}/`))
    .map((annotation) => ({ option: "annotations", annotation, why: "only Ingresses have such annotations" }) as const),
];

/** What annotations cannot say. */
export const unsupportedByIngress = ({ backendHeader }: Routing): Unsupported[] => (backendHeader === undefined ? []
  : [{ option: "backendHeader", why: "annotations cannot set a header for one track alone; let the app answer with its environment variable CANARY_BACKEND" }]);
