import { NGINX_CONTROLLERS } from "../../cluster/diagnose";
import type { StackConfig } from "../../../components/config";
import { trackName } from "../../../components/names";
import { HTTP_ROUTE } from "../../../components/routing/http-route";
import type { KubernetesClient } from "../../cluster/client";
import { ifThere } from "../../cluster/answers";
import { fail, ok, warn, type Check, type Found } from "./check";
import { reasonHere, type Facts } from "./facts";
import { deniedRights, inWords, rightsFor } from "./rights";

const HOW_TO_GET = "Ask whoever owns the namespace for the component `DriverRole`, or for a Role like it (docs/permissions.md).";

const reachable = ({ cluster, place }: Facts): Check => ({
  name: "cluster",
  run: () =>
    Promise.all([place(), cluster()]).then(
      ([{ dependencies }]) => ok(`The API server ${dependencies.snapshot().find(({ name }) => name === "kubernetes")?.address} answers.`),
      (error) => fail(reasonHere(error), "Look at KUBECONFIG, kubernetes:context in the stack file, and the way to the server."),
    ),
});

const namespace = ({ cluster, config }: Facts): Check => ({
  name: "namespace",
  async run() {
    const [{ core }, { namespace: name, createNamespace }] = await Promise.all([cluster(), config()]);
    if (await ifThere(core.readNamespace({ name }))) return ok(`The namespace ${name} is there.`);
    return createNamespace ? warn(`The namespace ${name} is not there yet; the first update makes it.`) : fail(`The namespace ${name} is not there.`, `Make it, or set canary:createNamespace to true.`);
  },
});

const rights = ({ cluster, config }: Facts): Check => ({
  name: "rights",
  async run() {
    const [client, own] = await Promise.all([cluster(), config()]);
    const wanted = rightsFor(own);
    const denied = await deniedRights(client, own.namespace, wanted);
    const needed = denied.filter(({ optional }) => optional !== true);
    const missing = denied.filter(({ optional }) => optional === true);
    return [
      ...(needed.length > 0 ? [fail(`This user may not ${inWords(needed)}, where a rollout in ${own.namespace} needs it.`, HOW_TO_GET)] : []),
      ...(missing.length > 0 ? [warn(`This user may not ${inWords(missing)}: a split that is not served is then explained less well.`)] : []),
      ...(needed.length === 0 ? [ok(`This user has the ${wanted.length - denied.length} rights that a rollout needs in ${own.namespace}.`)] : []),
    ];
  },
});


async function ingressClass({ networking }: KubernetesClient, name: string): Promise<Found> {
  const found = await ifThere(networking.readIngressClass({ name }));
  if (!found) return fail(`There is no IngressClass ${name}: no controller takes the Ingresses up.`, "Install an ingress controller, or set canary:ingressClass to one that is there.");
  const controller = found.spec?.controller ?? "none";
  if (NGINX_CONTROLLERS.includes(controller)) return ok(`IngressClass ${name} is served by ${controller}.`);
  return warn(`The controller of IngressClass ${name} is ${controller}, which may not know ingress-nginx's canary annotations.`, "Choose a class of ingress-nginx, or of Traefik 3.7 with its ingress-nginx provider.");
}

async function httpRoutes({ custom }: KubernetesClient, name: string): Promise<Found> {
  const routes = await ifThere(custom.listNamespacedCustomObject({ ...HTTP_ROUTE, namespace: name }));
  return routes ? ok("The cluster knows HTTPRoutes.") : fail("The cluster does not know HTTPRoutes.", "Install the Gateway API and a controller for it.");
}

const router = ({ cluster, config }: Facts): Check => ({
  name: "router",
  async run() {
    const [client, own] = await Promise.all([cluster(), config()]);
    return own.router === "gateway-api" ? httpRoutes(client, own.namespace) : ingressClass(client, own.ingressClass);
  },
});

interface EndpointSlices {
  readonly items?: readonly { readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[] | null }[];
}

/** Ready endpoints behind a Service; undefined where there is no such Service. */
async function endpointsOf({ core, custom }: KubernetesClient, at: { namespace: string; name: string }): Promise<number | undefined> {
  if (!(await ifThere(core.readNamespacedService(at)))) return undefined;
  const slices = (await custom.listNamespacedCustomObject({ group: "discovery.k8s.io", version: "v1", plural: "endpointslices", namespace: at.namespace, labelSelector: `kubernetes.io/service-name=${at.name}` })) as EndpointSlices;
  // A slice that says nothing of an endpoint means that it is ready, by the API's own words.
  return (slices.items ?? []).flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).length;
}

async function serving(client: KubernetesClient, { namespace: at, router: by, ingressClass: className, weight }: StackConfig, service: string): Promise<Found[]> {
  const found: Found[] = [];
  const counts: string[] = [];
  for (const track of ["stable", "canary"] as const) {
    const name = trackName(service, track);
    const ready = await endpointsOf(client, { namespace: at, name });
    if (ready === undefined) found.push(fail(`There is no Service ${name}.`, "`pulumi up` declares it."));
    else if (ready === 0) found.push((track === "stable" || weight > 0 ? fail : warn)(`No pod behind Service ${name} is ready.`, "`canary status` says what troubles its pods."));
    else counts.push(`${name} ${ready}`);
    if (by !== "ingress-nginx") continue;
    const ingress = await ifThere(client.networking.readNamespacedIngress({ name, namespace: at }));
    if (!ingress) found.push(fail(`There is no Ingress ${name}.`, "`pulumi up` declares it."));
    else if (ingress.spec?.ingressClassName !== className) found.push(fail(`Ingress ${name} has the class ${ingress.spec?.ingressClassName ?? "none"} where the stack says ${className}.`, "`pulumi up` declares it again; look who changed it."));
  }
  return found.length > 0 ? found : [ok(`${service} is there, with ready endpoints: ${counts.join(", ")}.`)];
}

const services = ({ cluster, config }: Facts): Check => ({
  name: "services",
  async run() {
    const [client, own] = await Promise.all([cluster(), config()]);
    if (!own.stable) return warn("Nothing is installed yet, so that there is no Service to look at.");
    return (await Promise.all(Object.keys(own.services).map((service) => serving(client, own, service)))).flat();
  },
});

/** What the cluster says of the stack. */
export const clusterChecks = (facts: Facts): Check[] => [reachable(facts), namespace(facts), rights(facts), router(facts), services(facts)];
