import { createServer } from "node:http";

// Runs as a pod of the embedded cluster: counters of routers that do not run here, named and labelled as those routers name and label them
// behind service discovery. They say that the queries fit the names, and nothing of the routers themselves.
const { NAMESPACE, PORT } = process.env as Record<string, string>;
const EDGES = ["0.1", "1", "+Inf"];

interface Family {
  readonly counter: string;
  readonly histogram: string;
  /** Label that holds the status. */
  readonly status: string;
  readonly labels: Readonly<Record<"stable" | "canary", string>>;
}

const nginx = (canary: string): string => `exported_namespace="${NAMESPACE}",exported_service="shop-stable",ingress="shop-stable",canary="${canary}"`;
const FAMILIES: readonly Family[] = [
  {
    counter: "nginx_ingress_controller_requests", histogram: "nginx_ingress_controller_request_duration_seconds_bucket", status: "status",
    labels: { stable: nginx(""), canary: nginx(`${NAMESPACE}-shop-canary-80`) },
  },
  {
    counter: "traefik_service_requests_total", histogram: "traefik_service_request_duration_seconds_bucket", status: "code",
    labels: { stable: `service="httproute-x-svc-${NAMESPACE}-shop-stable-0@kubernetesgateway"`, canary: `service="httproute-x-svc-${NAMESPACE}-shop-canary-1@kubernetesgateway"` },
  },
];

const began = Date.now();
function metrics(): string {
  const count = Math.floor((Date.now() - began) / 100);
  return FAMILIES.flatMap(({ counter, histogram, status, labels }) => Object.values(labels).flatMap((own) => [
    `${counter}{${own},${status}="200"} ${count}`,
    ...EDGES.map((le) => `${histogram}{${own},le="${le}"} ${count}`),
  ])).join("\n");
}

createServer((_, response) => void response.setHeader("content-type", "text/plain; version=0.0.4").end(`${metrics()}\n`)).listen(Number(PORT));
process.on("SIGTERM", () => process.exit(0));
