/**
 * The provider's await needs a published address and about 10 s for every touched Service; the driver verifies the served split
 * instead, which says more.
 */
export const SKIP_AWAIT = { "pulumi.com/skipAwait": "true" } as const;

/** On objects that a fast revert patches live: without it the next `up` conflicts with the patch's field manager. */
export const PATCHED_LIVE = { "pulumi.com/patchForce": "true" } as const;

/** Prefix of the annotations that ingress-nginx reads. */
export const NGINX = "nginx.ingress.kubernetes.io";

/** Annotations by which ingress-nginx, and Traefik's provider for them, read a canary; the driver patches the weight. */
export const CANARY = `${NGINX}/canary`;
export const CANARY_WEIGHT = `${NGINX}/canary-weight`;
export const CANARY_WEIGHT_TOTAL = `${NGINX}/canary-weight-total`;
export const CANARY_BY_HEADER = `${NGINX}/canary-by-header`;
