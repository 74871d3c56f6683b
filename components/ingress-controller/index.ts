export { IngressController, type IngressControllerArgs } from "./ingress-controller";
