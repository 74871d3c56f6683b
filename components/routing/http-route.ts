import { trackName } from "../names";
import type { Routing, StackConfig } from "../config";

/** Where the API server keeps HTTPRoutes. */
export const HTTP_ROUTE = { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes" } as const;

/** Response header in which the router names the track that served, where `routing.backendHeader` says nothing else. */
export const BACKEND_HEADER = "X-Canary-Backend";

export interface HttpRouteArgs<Name> {
  readonly service: string;
  readonly gateway: NonNullable<StackConfig["gateway"]>;
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
  readonly routing: Routing;
  /** Percent of new requests to the canary, a whole number 0 … 100. */
  readonly weight: number;
  /** Service of each track, and the port of both. */
  readonly stableService: Name;
  readonly canaryService: Name;
  readonly servicePort: number;
}

/** What of an HTTPRoute follows from the args; `Name` is the text of a Service's name, or Pulumi's promise of one. */
export function httpRouteSpec<Name>(args: HttpRouteArgs<Name>) {
  const { routing: { header, pathType, backendHeader = BACKEND_HEADER }, weight } = args;
  const backend = (track: "stable" | "canary", share: number) => ({
    name: track === "stable" ? args.stableService : args.canaryService,
    port: args.servicePort,
    weight: share,
    // The track, not the version: a live patch moves a track to other pods without touching this object.
    ...(backendHeader === "none" ? {} : { filters: [{
      type: "ResponseHeaderModifier",
      responseHeaderModifier: { set: [{ name: backendHeader, value: trackName(args.service, track) }] },
    }] }),
  });
  const rule = (headers: readonly object[], backendRefs: readonly object[]) => ({
    matches: args.paths.map((value) => ({
      path: { type: pathType === "Exact" ? "Exact" : "PathPrefix", value },
      ...(headers.length === 0 ? {} : { headers }),
    })),
    backendRefs,
  });
  const to = (track: "stable" | "canary", value: string, type = "Exact") => rule([{ name: header.name, type, value }], [backend(track, 1)]);
  const byHeader = header.pattern !== undefined
    ? [to("canary", header.pattern, "RegularExpression")]
    : header.value !== undefined ? [to("canary", header.value)] : [to("canary", "always"), to("stable", "never")];
  return {
    parentRefs: [args.gateway],
    hostnames: args.hosts,
    rules: [...byHeader, rule([], [backend("stable", 100 - weight), backend("canary", weight)])],
  };
}
