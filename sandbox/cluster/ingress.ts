import type { Toolchain } from "../toolchain";
import { answers, Daemon } from "./daemon";
import { LINE_PORT } from "./line";
import { GATEWAY } from "./network";
import type { ClusterFiles } from "./state";

export const INGRESS_PORT = 8000;
export const INGRESS_METRICS_PORT = 9100;

/** Edges of the latency histogram in seconds; 1 is among them because the latency gate's default limit is 1000 ms. */
const BUCKETS = "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10";

/** Traefik, serving the annotations of ingress-nginx, and Gateway API beside them. */
export function ingressController(tools: Toolchain, files: ClusterFiles): Daemon {
  const cluster = (provider: string): string[] =>
    [`${provider}=true`, `${provider}.endpoint=https://${GATEWAY}:${LINE_PORT}`, `${provider}.certauthfilepath=${files.ca}`, `${provider}.token=${files.token}`];
  return new Daemon({
    name: "traefik",
    command: tools.path("traefik"),
    args: [
      `--entrypoints.web.address=127.0.0.1:${INGRESS_PORT}`, `--entrypoints.metrics.address=127.0.0.1:${INGRESS_METRICS_PORT}`,
      "--ping=true", "--ping.entrypoint=metrics", "--log.level=INFO", "--global.checknewversion=false", "--global.sendanonymoususage=false",
      "--metrics.prometheus=true", "--metrics.prometheus.entrypoint=metrics", "--metrics.prometheus.addserviceslabels=true",
      `--metrics.prometheus.buckets=${BUCKETS}`,
      ...cluster("--providers.kubernetesingressnginx"), ...cluster("--providers.kubernetesgateway"),
      // Pulumi waits for the address of an Ingress; without one an update of it hangs for minutes.
      "--providers.kubernetesingressnginx.publishstatusaddress=127.0.0.1", "--providers.kubernetesgateway.statusaddress.ip=127.0.0.1",
    ],
    log: files.log("traefik"),
    ready: () => answers(`http://127.0.0.1:${INGRESS_METRICS_PORT}/ping`),
  });
}
