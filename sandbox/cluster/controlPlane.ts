import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import * as https from "node:https";
import * as net from "node:net";
import type { Toolchain } from "../toolchain";
import { answers, Daemon } from "./daemon";
import { GATEWAY } from "./network";
import type { ClusterFiles } from "./state";

export const API_PORT = 6443;
const ETCD = "http://127.0.0.1:2379";

/** Controllers of what the product declares and of what keeps its objects true; the rest would only cost memory. */
const CONTROLLERS = [
  "deployment-controller", "replicaset-controller", "statefulset-controller", "job-controller",
  "endpoints-controller", "endpointslice-controller", "namespace-controller",
  "garbage-collector-controller", "pod-garbage-collector-controller", "disruption-controller",
  "horizontal-pod-autoscaler-controller", "node-lifecycle-controller", "serviceaccount-controller", "root-ca-certificate-publisher-controller",
];

export function etcd(tools: Toolchain, files: ClusterFiles): Daemon {
  return new Daemon({
    name: "etcd",
    command: tools.path("etcd"),
    args: [
      `--data-dir=${files.file("etcd")}`, `--listen-client-urls=${ETCD}`, `--advertise-client-urls=${ETCD}`,
      "--listen-peer-urls=http://127.0.0.1:2380", "--unsafe-no-fsync", "--log-level=warn",
    ],
    log: files.log("etcd"),
    ready: () => answers(`${ETCD}/health`),
  });
}

/** Writes the bearer token file and the key pair that signs service account tokens. */
function writeCredentials(files: ClusterFiles): void {
  const token = fs.readFileSync(files.token, "utf8");
  const secret = { mode: 0o600 };
  fs.writeFileSync(files.file("tokens.csv"), `${token},sandbox-admin,sandbox-admin,system:masters\n`, secret);
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  fs.writeFileSync(files.file("service-account.key"), privateKey.export({ type: "pkcs8", format: "pem" }), secret);
  fs.writeFileSync(files.file("service-account.pub"), publicKey.export({ type: "spki", format: "pem" }), secret);
}

/** Whether the API server answers a GET with 200, asked over its own certificate, which it made itself. */
function apiHas(files: ClusterFiles, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = https.get(
      { host: "127.0.0.1", port: API_PORT, path, servername: "localhost", ca: fs.readFileSync(files.ca), timeout: 2000,
        headers: { authorization: `Bearer ${fs.readFileSync(files.token, "utf8")}` } },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

export function apiServer(tools: Toolchain, files: ClusterFiles): Daemon {
  writeCredentials(files);
  return new Daemon({
    name: "kube-apiserver",
    command: tools.path("kube-apiserver"),
    args: [
      `--etcd-servers=${ETCD}`, `--advertise-address=${GATEWAY}`, `--secure-port=${API_PORT}`,
      `--cert-dir=${files.file("apiserver")}`, `--token-auth-file=${files.file("tokens.csv")}`,
      "--authorization-mode=RBAC", "--anonymous-auth=false", "--service-cluster-ip-range=10.96.0.0/16",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${files.file("service-account.pub")}`,
      `--service-account-signing-key-file=${files.file("service-account.key")}`,
      "--allow-privileged=false",
    ],
    log: files.log("kube-apiserver"),
    ready: () => apiHas(files, "/readyz"),
  });
}

const kubeconfig = (server: string, ca: Buffer, token: string): string => `apiVersion: v1
kind: Config
current-context: sandbox
clusters:
  - name: sandbox
    cluster:
      server: ${server}
      tls-server-name: localhost
      certificate-authority-data: ${ca.toString("base64")}
users:
  - name: sandbox
    user:
      token: ${token}
contexts:
  - name: sandbox
    context:
      cluster: sandbox
      user: sandbox
`;

/** Writes the kubeconfig for the host, by the published port, and the one for processes inside the namespace. */
export function writeKubeconfigs(files: ClusterFiles, publishedPort: number): void {
  const ca = fs.readFileSync(files.ca);
  const token = fs.readFileSync(files.token, "utf8");
  fs.writeFileSync(files.kubeconfig, kubeconfig(`https://127.0.0.1:${publishedPort}`, ca, token), { mode: 0o600 });
  fs.writeFileSync(files.innerKubeconfig, kubeconfig(`https://127.0.0.1:${API_PORT}`, ca, token), { mode: 0o600 });
}

function leaderless(name: string, tools: Toolchain, files: ClusterFiles, port: number, args: string[], ready = () => listens(port)): Daemon {
  return new Daemon({
    name,
    command: tools.path(name),
    args: [`--kubeconfig=${files.innerKubeconfig}`, "--authentication-skip-lookup=true", "--leader-elect=false", "--bind-address=127.0.0.1", `--secure-port=${port}`, "--kube-api-qps=200", "--kube-api-burst=400", ...args],
    log: files.log(name),
    ready,
  });
}

/** Whether something listens on a TCP port of the cluster's network. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => resolve(true));
    socket.on("connect", () => socket.destroy()).on("error", () => resolve(false));
  });
}

/** Ready when it works: admission refuses pods in a namespace until its service account is there. */
export const controllerManager = (tools: Toolchain, files: ClusterFiles): Daemon =>
  leaderless("kube-controller-manager", tools, files, 10257, [
    `--controllers=${CONTROLLERS.join(",")}`, `--root-ca-file=${files.ca}`,
    `--service-account-private-key-file=${files.file("service-account.key")}`, "--use-service-account-credentials=false",
  ], () => apiHas(files, "/api/v1/namespaces/default/serviceaccounts/default"));

export const scheduler = (tools: Toolchain, files: ClusterFiles): Daemon => leaderless("kube-scheduler", tools, files, 10259, []);
