import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../config";
import { TrafficSplit } from "../traffic-split";
import { GatewaySplit } from "./gateway-split";
import type { Split, SplitArgs } from "./split";

/** What of a stack's config says how its traffic is split. */
export type RouterChoice = Pick<StackConfig, "router" | "ingressClass" | "gateway">;

interface Declaration extends SplitArgs, RouterChoice {
  /** Name of the newest revision that serves: the canary's, or stable's where there is none. */
  readonly newestRevision: string;
}

const SPLITS: Readonly<Record<StackConfig["router"], (name: string, args: Declaration, opts: pulumi.ComponentResourceOptions) => Split>> = {
  "ingress-nginx": (name, args, opts) => new TrafficSplit(name, args, opts),
  "gateway-api": (name, { gateway, ...args }, opts) => {
    if (gateway === undefined) throw new pulumi.RunError("canary:gateway is missing: with canary:router gateway-api it must name the Gateway that the routes attach to.");
    return new GatewaySplit(name, { ...args, gateway }, opts);
  },
};

/** Declares the split of a service as the stack's router needs it. @throws RunError when the router's Gateway is not named */
export const declareSplit = (name: string, args: Declaration, opts: pulumi.ComponentResourceOptions): Split => SPLITS[args.router](name, args, opts);
