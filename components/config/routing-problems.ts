import { unsupportedByGateway, unsupportedByIngress, type Unsupported } from "../routing/support";
import { keyPath, show } from "./problems";
import type { ServiceConfig, StackConfig } from "./types";

/** Limits of the HTTPRoute's own schema: hosts, and matches in all rules together, of which there are up to three with all paths each. */
const MOST_HOSTS = 16;
const MOST_PATHS = 42;

const refusal = (name: string, { routing }: ServiceConfig, router: StackConfig["router"]) => ({ option, annotation, why }: Unsupported): string => {
  const key = keyPath(["services", name, "routing", option, ...(annotation === undefined ? [] : [annotation])]);
  return `${key} is ${annotation === undefined ? show(routing[option]) : "set"}: it must be absent with canary:router ${router}, because ${why}.`;
};

function gatewayProblems(name: string, service: ServiceConfig): string[] {
  const tooMany = ([["hosts", MOST_HOSTS], ["paths", MOST_PATHS]] as const).filter(([list, most]) => service[list].length > most).map(([list, most]) =>
    `${keyPath(["services", name, list])} has ${service[list].length} entries: it must have at most ${most} with canary:router gateway-api, which is what an HTTPRoute takes.`);
  return [...unsupportedByGateway(service.routing).map(refusal(name, service, "gateway-api")), ...tooMany];
}

function ingressProblems(name: string, service: ServiceConfig): string[] {
  const { routing, hosts } = service;
  const strangers = routing.tls.flatMap(({ hosts: covered }, index) => covered.flatMap((host, position) => (hosts.includes(host) ? []
    : [`${keyPath(["services", name, "routing", "tls", index, "hosts", position])} is ${show(host)}: it must be one of the service's hosts, or no request ever gets that certificate.`])));
  return [...strangers, ...unsupportedByIngress(routing).map(refusal(name, service, "ingress-nginx"))];
}

function sourceProblems({ router, analysis: { source, counters } }: StackConfig): string[] {
  if (counters !== undefined && source !== "app") return [`canary:analysis.counters is set: it must be absent with canary:analysis.source ${source}, whose counters are known.`];
  const fits = source === "app" || (source === "traefik-gateway") === (router === "gateway-api");
  if (fits) return [];
  return [`canary:analysis.source is ${show(source)}: it must be ${router === "gateway-api" ? "traefik-gateway or app" : "ingress-nginx, traefik or app"} with canary:router ${router}.`];
}

function gatewayKeyProblems({ router, gateway }: StackConfig): string[] {
  if (router === "gateway-api") return gateway ? [] : ["canary:gateway is missing: with canary:router gateway-api it must name the Gateway that the routes attach to."];
  return gateway ? [`canary:gateway is set: it must be absent with canary:router ${router}.`] : [];
}

/** What the router of a stack cannot do, and what it would silently drop; one sentence a problem. */
export function routingProblems(config: StackConfig): string[] {
  const ofService = config.router === "gateway-api" ? gatewayProblems : ingressProblems;
  return [...gatewayKeyProblems(config), ...Object.entries(config.services).flatMap(([name, service]) => ofService(name, service)), ...sourceProblems(config)];
}
