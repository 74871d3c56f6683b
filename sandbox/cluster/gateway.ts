import * as fs from "node:fs";
import * as https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { SandboxError } from "../errors";
import type { Toolchain } from "../toolchain";
import { API_PORT } from "./controlPlane";
import { INGRESS_PORT } from "./ingress";
import type { ClusterFiles } from "./state";

/** The Gateway that the sandbox's routes attach to, from any namespace. */
export const SANDBOX_GATEWAY = { name: "sandbox", namespace: "default" } as const;

const GATEWAY_CLASS = "traefik";
const API = "/apis/gateway.networking.k8s.io/v1";
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/** Attempts of 100 ms each until a new kind is served. */
const ATTEMPTS = 200;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Plain HTTPS, because the client library's serialiser drops what it has another name for, such as a schema's defaults. */
function request(files: ClusterFiles, method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = https.request({
      method, path, host: "127.0.0.1", port: API_PORT, servername: "localhost", ca: fs.readFileSync(files.ca), timeout: 10_000,
      headers: { authorization: `Bearer ${fs.readFileSync(files.token, "utf8")}`, "content-type": "application/json" },
    }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer within 10 s"))).on("error", reject);
    sent.end(body && JSON.stringify(body));
  });
}

/** @throws SandboxError when the object is not created within 20 s; an API server that does not listen yet, and a kind that it does not serve yet, are waited for */
async function create(files: ClusterFiles, path: string, body: object): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const answer = await request(files, "POST", path, body).catch((cause: Error) => ({ status: 0, body: cause.message }));
    if (answer.status === 201 || answer.status === 409) return;
    // 0: no connection yet, or no certificate to check it by; 403: the roles are not there yet; 503: its storage is not.
    if (![0, 403, 404, 503].includes(answer.status) || attempt === ATTEMPTS) throw new SandboxError(`The API server answered ${answer.status} to POST ${path}: ${answer.body.slice(0, 500)}`);
    await sleep(100);
  }
}

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly names: { readonly plural: string }; readonly versions: readonly { readonly name: string; readonly served: boolean }[] };
}

/** Traefik's provider watches these kinds and asks again only after seconds where one is not served. */
async function served(files: ClusterFiles, { metadata, spec }: Definition): Promise<void> {
  for (const { name } of spec.versions.filter((version) => version.served))
    for (let attempt = 1; (await request(files, "GET", `/apis/gateway.networking.k8s.io/${name}/${spec.names.plural}?limit=1`)).status !== 200; attempt++) {
      if (attempt === ATTEMPTS) throw new SandboxError(`The API server does not serve ${metadata.name} ${name} although it is defined.`);
      await sleep(100);
    }
}

/** Defines Gateway API. An API server that starts may be given the definitions as soon as it listens: they take it a second. */
export async function defineGatewayApi(tools: Toolchain, files: ClusterFiles): Promise<readonly Definition[]> {
  const definitions = JSON.parse(fs.readFileSync(tools.path("gateway-api.json"), "utf8")) as Definition[];
  await Promise.all(definitions.map((definition) => create(files, DEFINITIONS, definition)));
  return definitions;
}

/** Creates a class and a Gateway of Traefik's; resolves when all kinds are served. */
export async function createGateway(files: ClusterFiles, definitions: readonly Definition[]): Promise<void> {
  await Promise.all(definitions.map((definition) => served(files, definition)));
  await create(files, `${API}/gatewayclasses`, {
    apiVersion: "gateway.networking.k8s.io/v1", kind: "GatewayClass",
    metadata: { name: GATEWAY_CLASS },
    spec: { controllerName: "traefik.io/gateway-controller" },
  });
  await create(files, `${API}/namespaces/${SANDBOX_GATEWAY.namespace}/gateways`, {
    apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway",
    metadata: { name: SANDBOX_GATEWAY.name },
    // Traefik wants the listener's port to be that of one of its entry points.
    spec: { gatewayClassName: GATEWAY_CLASS, listeners: [{ name: "web", protocol: "HTTP", port: INGRESS_PORT, allowedRoutes: { namespaces: { from: "All" } } }] },
  });
}
