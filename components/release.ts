import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "./config";
import { Guard } from "./guard";
import { programGuardConfig } from "./guard-config";
import { installed } from "./plan";
import { ServiceRelease, type ServiceOutputs } from "./service-release";
import { declareIngressController, declareSurroundings, type SurroundingsArgs } from "./surroundings";

/** A parsed config is such args; docs/stack.schema.json says what each key means. */
export type ReleaseArgs =
  & Pick<StackConfig, "namespace" | "createNamespace" | "stable" | "canary" | "previous" | "weight" | "generation" | "services" | "ingressClass" | "router" | "gateway" | "guard">
  & SurroundingsArgs
  & {
    /** What the guard judges by, as `guardConfig` picks it from the stack config's keys. Default the config of the program that runs. */
    readonly guardConfig?: Readonly<Record<string, unknown>>;
    /** Keep the values of environment variables and ConfigMaps encrypted in the state, as those of Secrets always are. Default false. */
    readonly secretEnv?: boolean;
  };

/** Outputs of the stack. `canary`, `previous` and `withdrawn` are there only when they say something. */
export interface ReleaseOutputs {
  readonly stable: string;
  readonly canary?: string;
  readonly withdrawn?: true;
  readonly previous?: string;
  readonly weight: number;
  readonly generation: number;
  readonly services: Readonly<Record<string, ServiceOutputs>>;
}

/**
 * A release train: services that move together, with one version pair and one weight. Its name becomes `app.kubernetes.io/part-of`.
 *
 * @example
 * new Release("web", parseConfig({
 *   namespace: "web", stable: "v1.2.0", canary: "v1.3.0", weight: 5,
 *   services: { shop: { image: "registry.example/shop", port: 8080, hosts: ["shop.example"], workload: { replicas: 3 } } },
 * }));
 *
 * @throws ConfigError with one sentence where there is no stable version, or an encrypted value that the engine has not opened.
 */
export class Release extends pulumi.ComponentResource {
  /** Known when everything is deployed, so that the outputs of a stack always tell what really runs. */
  readonly outputs: { readonly [K in keyof ReleaseOutputs]: pulumi.Output<NonNullable<ReleaseOutputs[K]>> };
  readonly guard?: Guard;

  constructor(name: string, args: ReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:release:Release", name, {}, opts);
    const namespace = args.createNamespace ? this.declareNamespace(args.namespace) : args.namespace;
    const dependsOn = declareIngressController(args, this);
    const services = Object.entries(args.services).map(([service, config]) =>
      [service, new ServiceRelease(service, { ...args, namespace, service: config, partOf: name }, { parent: this, dependsOn })] as const);
    if (args.guard) this.guard = new Guard("guard", { ...args, guard: args.guard, namespace, services: Object.keys(args.services), config: args.guardConfig ?? programGuardConfig() }, { parent: this });
    declareSurroundings(name, { ...args, namespace, guard: this.guard }, this);
    const deployed = pulumi.output(Object.fromEntries(services.map(([service, { outputs }]) => [service, outputs])));
    const known = <T>(value: T) => deployed.apply(() => value);
    this.outputs = {
      stable: known(installed(args).version),
      ...(args.canary === undefined ? {} : { canary: known(args.canary.version) }),
      ...(args.canary?.withdrawn === true ? { withdrawn: known(true as const) } : {}),
      ...(args.previous === undefined ? {} : { previous: known(args.previous.version) }),
      weight: known(args.weight),
      generation: known(args.generation),
      services: deployed,
    };
    this.registerOutputs(this.outputs);
  }

  /** Others may live in the namespace, the rollout's record does: destroying the stack leaves it. */
  private declareNamespace(name: string): pulumi.Output<string> {
    return new k8s.core.v1.Namespace(name, { metadata: { name } }, { parent: this, retainOnDelete: true }).metadata.name;
  }
}
