import * as https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import type { ServiceConfig, StackConfig } from "../../components/config";
import { canaryHeader } from "../../components/routing/header";
import type { TrafficWatch } from "./watch";

/** A probe that takes longer has failed, in ms. */
const TIMEOUT = 5000;

/** Asks a service's health endpoint through the router. */
export interface HealthProbe {
  /** Undefined when the canary answered 200; otherwise what it did instead, in one clause. */
  ask(signal?: AbortSignal): Promise<string | undefined>;
}

/** Whether an Ingress path covers a URL path; only then does the router know where to send it. */
const covers = (path: string, health: string, pathType: string): boolean =>
  health === path || (pathType !== "Exact" && health.startsWith(path.endsWith("/") ? path : `${path}/`));

/**
 * A probe that the router sends to the canary whatever the weight, by the canary header; undefined where the stack does not say how
 * the driver reaches the ingress controller, where none of the service's paths leads to its health endpoint, or where only a pattern
 * says which header leads to the canary.
 */
export function canaryProbe({ ingressUrl }: StackConfig, service: ServiceConfig): HealthProbe | undefined {
  const routed = service.paths.some((path) => covers(path, service.health, service.routing.pathType));
  const header = canaryHeader(service.routing);
  const secure = service.routing.tls.some(({ hosts }) => hosts.includes(service.hosts[0]!));
  // A plain request to a host with a certificate is redirected, which says nothing of the canary.
  if (ingressUrl === undefined || !routed || header === undefined || (secure && ingressUrl.startsWith("http:"))) return undefined;
  const host = (service.hosts[0] as string).replace(/^\*/, "canary-probe");
  const url = new URL(service.health, ingressUrl).href;
  const agent = url.startsWith("https:") ? { httpsAgent: new https.Agent({ servername: host }) } : {};
  return {
    async ask(signal) {
      try {
        const { status } = await axios.get(url, { headers: { host, [header.name]: header.value }, ...agent, timeout: TIMEOUT, signal, validateStatus: () => true, maxRedirects: 0 });
        return status === 200 ? undefined : `${service.health} on ${host} answered ${status} through the canary`;
      } catch (error) {
        signal?.throwIfAborted();
        return `${service.health} on ${host} could not be asked through the canary: ${(error as Error).message}`;
      }
    },
  };
}

/**
 * Asks every service's canary through the header route, before any user gets there; undefined when all answered, or where there is
 * no way to ask. The router may need a moment until it knows the canary's pods.
 */
export async function probeCanary(watch: TrafficWatch, config: StackConfig, signal: AbortSignal): Promise<string | undefined> {
  const deadline = Date.now() + config.rollout.verifyTimeoutSeconds * 1000;
  for (const { probe } of watch.services) {
    let problem = await probe?.ask(signal);
    for (; problem !== undefined && Date.now() < deadline; problem = await probe?.ask(signal)) await sleep(500, undefined, { signal });
    if (problem !== undefined) return problem;
  }
  return undefined;
}
