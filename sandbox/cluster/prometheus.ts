import * as fs from "node:fs";
import { stringify } from "yaml";
import type { Toolchain } from "../toolchain";
import { API_PORT } from "./controlPlane";
import { answers, Daemon } from "./daemon";
import { INGRESS_METRICS_PORT } from "./ingress";
import { GATEWAY } from "./network";
import type { ClusterFiles } from "./state";

export const PROMETHEUS_PORT = 9090;

/** Scrapes the ingress controller, and every running pod that asks for it by the usual `prometheus.io/*` annotations. */
function config(files: ClusterFiles): string {
  const api = { authorization: { credentials_file: files.token }, tls_config: { ca_file: files.ca } };
  const annotation = (name: string): string => `__meta_kubernetes_pod_annotation_prometheus_io_${name}`;
  return stringify({
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: [
      { job_name: "ingress", static_configs: [{ targets: [`127.0.0.1:${INGRESS_METRICS_PORT}`] }] },
      {
        job_name: "pods",
        kubernetes_sd_configs: [{ role: "pod", api_server: `https://${GATEWAY}:${API_PORT}`, ...api }],
        relabel_configs: [
          { source_labels: [annotation("scrape")], regex: "true", action: "keep" },
          { source_labels: ["__meta_kubernetes_pod_phase"], regex: "Running", action: "keep" },
          { source_labels: ["__meta_kubernetes_pod_container_init"], regex: "true", action: "drop" },
          { source_labels: ["__meta_kubernetes_pod_ip", annotation("port")], separator: ":", regex: "(.+:\\d+)", target_label: "__address__" },
          { source_labels: [annotation("path")], regex: "(.+)", target_label: "__metrics_path__" },
          { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
          { source_labels: ["__meta_kubernetes_pod_name"], target_label: "pod" },
        ],
      },
    ],
  });
}

export function prometheus(tools: Toolchain, files: ClusterFiles): Daemon {
  const file = files.file("prometheus.yml");
  fs.writeFileSync(file, config(files), { mode: 0o600 });
  const listen = `127.0.0.1:${PROMETHEUS_PORT}`;
  return new Daemon({
    name: "prometheus",
    command: tools.path("prometheus"),
    args: [`--config.file=${file}`, `--storage.tsdb.path=${files.file("prometheus")}`, `--web.listen-address=${listen}`, "--storage.tsdb.retention.time=1d", "--log.level=warn"],
    log: files.log("prometheus"),
    ready: () => answers(`http://${listen}/-/ready`),
  });
}
