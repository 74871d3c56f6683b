import { declaredBy, driverRules } from "../../../components/access";
import type { StackConfig } from "../../../components/config";
import type { KubernetesClient } from "../../cluster/client";

/** What the driver, and the Pulumi provider on its behalf, should be allowed to do. */
export interface Right {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  /** Of this object alone. */
  readonly name?: string;
  /** Not in the stack's namespace but outside of it. */
  readonly everywhere?: boolean;
  /** Everything works without it; it only helps to explain. */
  readonly optional?: boolean;
}

/** The rights that a stack's config asks for: those of `DriverRole`, and the ones outside the namespace (docs/permissions.md). */
export function rightsFor(config: StackConfig): Right[] {
  const { namespace, createNamespace, router } = config;
  const inside = driverRules(router, declaredBy(config)).flatMap(({ apiGroups, resources, verbs }) =>
    (apiGroups as string[]).flatMap((group) => (resources as string[]).flatMap((resource) => (verbs as string[]).map((verb) => ({ group, resource, verb })))));
  return [
    ...inside,
    ...(createNamespace ? ["get", "patch"].map((verb) => ({ group: "", resource: "namespaces", verb, name: namespace, everywhere: true })) : []),
    ...(router === "ingress-nginx" ? [{ group: "networking.k8s.io", resource: "ingressclasses", verb: "get", everywhere: true, optional: true }] : []),
  ];
}

/** The rights that are denied. Rejects when the API server cannot be asked. */
export async function deniedRights({ authorization }: KubernetesClient, namespace: string, rights: readonly Right[]): Promise<Right[]> {
  const answers = await Promise.all(rights.map(async (right) => {
    const { group, resource, verb, name, everywhere } = right;
    const resourceAttributes = { group, resource, verb, ...(name === undefined ? {} : { name }), ...(everywhere ? {} : { namespace }) };
    const { status } = await authorization.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
    return status?.allowed === true ? undefined : right;
  }));
  return answers.filter((denied) => denied !== undefined);
}

/** Rights by resource, as a person asks for them: `patch, delete ingresses.networking.k8s.io`. */
export function inWords(rights: readonly Right[]): string {
  const verbs = new Map<string, string[]>();
  for (const { group, resource, verb } of rights) {
    const what = group === "" ? resource : `${resource}.${group}`;
    verbs.set(what, [...(verbs.get(what) ?? []), verb]);
  }
  return [...verbs].map(([what, of]) => `${of.join(", ")} ${what}`).join("; ");
}
