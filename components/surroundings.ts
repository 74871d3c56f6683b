import * as pulumi from "@pulumi/pulumi";
import type { AnalysisConfig, ServiceConfig, StackConfig } from "./config";
import type { Guard } from "./guard";
import { IngressController } from "./ingress-controller";
import { Monitoring } from "./monitoring";
import { NetworkPolicies } from "./network-policy";

/** What a release declares beside its services, each only when it is asked for. */
export type SurroundingsArgs =
  & Pick<StackConfig, "services" | "ingressClass" | "router">
  & Partial<Pick<StackConfig, "ingressController" | "monitoring" | "networkPolicy">>
  & {
    /** Whose counters tell the tracks apart. Default those of ingress-nginx, or of Traefik's Gateway API provider with that router. */
    readonly analysis?: Pick<AnalysisConfig, "source">;
    /** The config has encrypted values: those of the Helm chart stay so in the state. */
    readonly secretEnv?: boolean;
  };

/** What Ingresses and routes must wait for: nothing, where the controller is there already. */
export function declareIngressController({ ingressController = "existing", ingressClass, router, monitoring, secretEnv = false }: SurroundingsArgs, parent: pulumi.Resource): pulumi.Resource[] {
  if (ingressController === "existing") return [];
  const serviceMonitor = monitoring?.operator === true ? { serviceMonitor: monitoring.labels } : {};
  const own = { ingressClass, gatewayApi: router === "gateway-api", secretValues: secretEnv };
  return [new IngressController(ingressController.install, { ...ingressController, ...own, ...serviceMonitor }, { parent })];
}

/** Monitoring and network policies of a release; `name` is the release's. */
export function declareSurroundings(
  name: string,
  args: SurroundingsArgs & { readonly namespace: pulumi.Input<string>; readonly guard: Guard | undefined },
  parent: pulumi.Resource,
): void {
  const { namespace, services, monitoring, networkPolicy, router, guard } = args;
  const each = <T>(of: (service: ServiceConfig) => T): Record<string, T> => Object.fromEntries(Object.entries(services).map(([service, config]) => [service, of(config)]));
  if (monitoring !== undefined)
    new Monitoring(name, {
      ...monitoring,
      namespace,
      source: args.analysis?.source ?? (router === "gateway-api" ? "traefik-gateway" : "ingress-nginx"),
      services: each(({ port, servicePort, routing }) => ({ port, servicePort, sticky: routing.session?.kind === "cookie" })),
      ...(guard === undefined ? {} : { guard: guard.metrics }),
    }, { parent });
  if (networkPolicy !== undefined) {
    const metricsPort = monitoring !== undefined && monitoring.scrape !== false ? monitoring.scrape.port : undefined;
    new NetworkPolicies(name, { ...networkPolicy, namespace, services: each(({ port }) => ({ port, ...(metricsPort === undefined ? {} : { metricsPort }) })) }, { parent });
  }
}
