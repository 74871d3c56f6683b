import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { driverRules, type Declared, type RouterName } from "./access";

export interface DriverRoleArgs {
  /** Namespace of the release. It must be there already: a Role lives in it. */
  readonly namespace: pulumi.Input<string>;
  /** Value of `canary:router`. Default ingress-nginx. */
  readonly router?: RouterName;
  /** What the stack declares beyond what every stack does; `declaredBy(config)` knows. Default `budgets`, as a stack's defaults have it. */
  readonly declares?: readonly Declared[];
  /** Declare a ServiceAccount of the role's name and bind it. Default false: `subjects` are there already. */
  readonly serviceAccount?: boolean;
  /** Who else gets the role: users, groups or ServiceAccounts. */
  readonly subjects?: readonly pulumi.Input<k8s.types.input.rbac.v1.Subject>[];
  /** For a stack that declares its namespace (`canary:createNamespace: true`): a ClusterRole to read and patch this one Namespace. Default false. */
  readonly declaresNamespace?: boolean;
  /** Name of the Role, its binding and the ServiceAccount. Default canary-driver. */
  readonly roleName?: string;
}

/**
 * The least that the driver, and the `pulumi up` that it runs, need in a cluster: a Role in the release's namespace and its binding. It
 * belongs into the program of who owns the namespace, because nobody can grant themselves rights. No wildcards, and no cluster-wide right
 * but that of `declaresNamespace`.
 */
export class DriverRole extends pulumi.ComponentResource {
  readonly role: k8s.rbac.v1.Role;
  readonly serviceAccount?: k8s.core.v1.ServiceAccount;

  constructor(name: string, args: DriverRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:guard:DriverRole", name, {}, opts);
    const { namespace, router = "ingress-nginx", declares = ["budgets"], roleName = "canary-driver" } = args;
    const child = { parent: this };
    const metadata = { name: roleName, namespace, labels: { "app.kubernetes.io/managed-by": "pulumi" } };
    const own = { kind: "ServiceAccount", name: roleName, namespace };
    if (args.serviceAccount === true) this.serviceAccount = new k8s.core.v1.ServiceAccount(name, { metadata, automountServiceAccountToken: false }, child);
    const subjects = [...(this.serviceAccount ? [own] : []), ...(args.subjects ?? [])];
    this.role = new k8s.rbac.v1.Role(name, { metadata, rules: driverRules(router, declares) }, child);
    new k8s.rbac.v1.RoleBinding(name, { metadata, roleRef: roleRef("Role", roleName), subjects }, { ...child, dependsOn: [this.role] });
    if (args.declaresNamespace === true) this.declareNamespaceRole(name, roleName, namespace, subjects);
    this.registerOutputs({ role: this.role.metadata.name });
  }

  /** Nothing here may create: the Role's namespace is there, and server-side apply takes it over as it is. */
  private declareNamespaceRole(name: string, roleName: string, namespace: pulumi.Input<string>, subjects: pulumi.Input<k8s.types.input.rbac.v1.Subject>[]): void {
    const metadata = { name: pulumi.interpolate`${roleName}-${namespace}`, labels: { "app.kubernetes.io/managed-by": "pulumi" } };
    const rules = [{ apiGroups: [""], resources: ["namespaces"], resourceNames: [namespace], verbs: ["get", "patch"] }];
    const role = new k8s.rbac.v1.ClusterRole(name, { metadata, rules }, { parent: this });
    new k8s.rbac.v1.ClusterRoleBinding(name, { metadata, roleRef: { ...roleRef("ClusterRole", ""), name: metadata.name }, subjects }, { parent: this, dependsOn: [role] });
  }
}

const roleRef = (kind: "Role" | "ClusterRole", name: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name });
