import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "./config";
import { installed } from "./plan";
import { ServiceRelease, type ServiceOutputs } from "./service-release";

/** A parsed config is such args; written by hand, {@link StackConfig} says what each key means. */
export type ReleaseArgs =
  & Pick<StackConfig, "namespace" | "createNamespace" | "stable" | "canary" | "previous" | "weight" | "generation" | "services" | "ingressClass">
  & {
    /** Keep the values of environment variables encrypted in the state. Default false. */
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

/** A release train: services that move together, with one version pair and one weight. Its name becomes `app.kubernetes.io/part-of`. */
export class Release extends pulumi.ComponentResource {
  /** Known when everything is deployed, so that the outputs of a stack always tell what really runs. */
  readonly outputs: { readonly [K in keyof ReleaseOutputs]: pulumi.Output<NonNullable<ReleaseOutputs[K]>> };

  constructor(name: string, args: ReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:release:Release", name, {}, opts);
    const namespace = args.createNamespace ? this.declareNamespace(args.namespace) : args.namespace;
    const services = Object.entries(args.services).map(([service, config]) =>
      [service, new ServiceRelease(service, { ...args, namespace, service: config, partOf: name }, { parent: this })] as const);
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
