/**
 * Environment variables by which an app knows who it is, to say so in its answers (`X-Canary-Backend`): the revision, and the version.
 * Not the track, which a pod may change without a restart. From the pod's own labels, because a revision's name is made of its template.
 */
export const IDENTITY = {
  CANARY_BACKEND: { field: "metadata.labels['canary.dev/revision']" },
  CANARY_VERSION: { field: "metadata.annotations['canary.dev/version']" },
} as const;
