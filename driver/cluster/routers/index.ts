import type { StackConfig } from "../../../components/config";
import { gatewayApi } from "./gateway-api";
import { ingressNginx } from "./ingress-nginx";
import type { TrafficRouter } from "./router";

/** The live side of every value of `canary:router`. */
export const ROUTERS: Readonly<Record<StackConfig["router"], TrafficRouter>> = {
  "ingress-nginx": ingressNginx,
  "gateway-api": gatewayApi,
};
