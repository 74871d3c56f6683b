import * as pulumi from "@pulumi/pulumi";
import type { Routing } from "../config";
import type { Unsupported } from "./support";

/** What every router needs to split a service's traffic. */
export interface SplitArgs {
  readonly namespace: pulumi.Input<string>;
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
  readonly routing: Routing;
  /** Percent of new requests to the canary, a whole number 0 … 100. */
  readonly weight: number;
  /** Service of each track, and the port of both, 1 … 65535. */
  readonly stableService: pulumi.Input<string>;
  readonly canaryService: pulumi.Input<string>;
  readonly servicePort: number;
}

/** Names of the objects that a split consists of. */
export interface SplitObjects {
  readonly stableIngress?: string;
  readonly canaryIngress?: string;
  readonly httpRoute?: string;
}

/** A declared split. */
export interface Split extends pulumi.ComponentResource {
  /** Known when all of it is deployed. */
  readonly objects: pulumi.Output<SplitObjects>;
}

/** Nothing that is asked for is silently left out. @throws RunError with a sentence for each thing that the router cannot do */
export function refuse(component: string, unsupported: readonly Unsupported[]): void {
  if (unsupported.length === 0) return;
  const sentences = unsupported.map(({ option, annotation, why }) => `${component}: routing.${option}${annotation === undefined ? "" : `.${annotation}`} must be absent, because ${why}.`);
  throw new pulumi.RunError(sentences.join("\n"));
}

/** The label that every object of a split carries beside the service's name. */
export const labelsOfSplit = (service: string): Record<string, string> => ({ "app.kubernetes.io/name": service, "app.kubernetes.io/managed-by": "pulumi" });
