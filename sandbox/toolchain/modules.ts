/** One Go module of `modules/`: what it builds and how. Modules that compile together share a graph, so their common packages are compiled once. */
export interface GoModule {
  /** Folder name below `modules/`. */
  readonly name: string;
  /** What a person reads while it builds. */
  readonly title: string;
  /** File name of each binary and the package it is built from. */
  readonly binaries: Readonly<Record<string, string>>;
  readonly tags?: string;
  readonly ldflags?: string;
  /** Instead of building something: one JSON file of these YAML documents of the module that go.mod requires. */
  readonly documents?: { readonly paths: readonly string[]; readonly file: string };
}

/** Kinds of Gateway API that Traefik's provider watches: it waits for all of them. The version is the one that Traefik is built against. */
const GATEWAY_KINDS = ["backendtlspolicies", "gatewayclasses", "gateways", "grpcroutes", "httproutes", "referencegrants", "tlsroutes"];

export const PULUMI_VERSION = "3.215.0";
const KUBERNETES_VERSION = "1.33.3";

const linkTime = (variables: Record<string, string>): string =>
  Object.entries(variables)
    .map(([name, value]) => `-X ${name}=${value}`)
    .join(" ");

/** In build order: the quick ones first, so that a broken Go set-up shows at once. */
export const MODULES: readonly GoModule[] = [
  {
    name: "gateway-api",
    title: "Gateway API 1.5.1",
    binaries: {},
    documents: {
      paths: GATEWAY_KINDS.map((kind) => `config/crd/standard/gateway.networking.k8s.io_${kind}.yaml`),
      file: "gateway-api.json",
    },
  },
  { name: "etcd", title: "etcd 3.6.6", binaries: { etcd: "go.etcd.io/etcd/server/v3" } },
  {
    name: "language-nodejs",
    title: "Pulumi Node.js language host",
    binaries: { "pulumi-language-nodejs": "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs" },
  },
  {
    name: "engine",
    title: `Pulumi ${PULUMI_VERSION}, Kubernetes provider 4.25.0, Kubernetes ${KUBERNETES_VERSION}`,
    binaries: {
      pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      "pulumi-resource-kubernetes": "./pulumi-resource-kubernetes",
      "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
      "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
      "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    },
    // Without them the Automation API and Kubernetes clients cannot parse the version that the binary reports.
    ldflags: linkTime({
      "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${PULUMI_VERSION}`,
      "k8s.io/component-base/version.gitVersion": `v${KUBERNETES_VERSION}`,
      "k8s.io/component-base/version.gitMajor": "1",
      "k8s.io/component-base/version.gitMinor": "33",
    }),
  },
  { name: "traefik", title: "Traefik 3.7.6", binaries: { traefik: "github.com/traefik/traefik/v3/cmd/traefik" } },
  {
    name: "prometheus",
    title: "Prometheus 3.11",
    binaries: {
      prometheus: "github.com/prometheus/prometheus/cmd/prometheus",
      promtool: "github.com/prometheus/prometheus/cmd/promtool",
    },
    // Leaves the cloud providers' SDKs out: half the compile time and half the size.
    tags: "remove_all_sd,enable_kubernetes_sd",
  },
];

/** What checks the workflows and the Dockerfile in the tests: built when one of them runs, and never for a cluster. */
export const LINTERS: GoModule = {
  name: "lint",
  title: "actionlint 1.7.12, BuildKit 0.25.2's checks of a Dockerfile",
  binaries: { actionlint: "github.com/rhysd/actionlint/cmd/actionlint", "dockerfile-lint": "./dockerfile-lint" },
};
