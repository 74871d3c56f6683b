import { z } from "zod";
import { flag, oneOf, text, whole } from "./common";

// The Pod Security Standards' level "restricted" is what every default passes (kubernetes.io/docs/concepts/security/pod-security-standards);
// each way out of it is a key of its own.

const id = whole(0, 2_147_483_647);

const container = {
  allowPrivilegeEscalation: flag(false).describe("Let a process gain more privileges than its parent has. The restricted level forbids it."),
  readOnlyRootFilesystem: flag(true).describe(
    "Mount the image read-only, with an empty directory at /tmp where nothing else is mounted there. Set it to false for an image that writes elsewhere."),
  capabilities: z.array(text(/^[A-Z_]+$/, "it must be a capability such as NET_BIND_SERVICE"), { error: "it must be a list of capabilities" }).default([])
    .describe("Linux capabilities to keep; all others are dropped. The restricted level allows NET_BIND_SERVICE alone."),
};

export const podSecurity = z.strictObject({
  runAsNonRoot: flag(true).describe("Refuse to start an image that runs as root. The restricted level requires it."),
  runAsUser: id.optional().describe("User id of the processes. Default the image's own, which must then be a number."),
  runAsGroup: id.optional().describe("Group id of the processes. Default the image's own."),
  fsGroup: id.optional().describe("Group id that owns the volumes. Default none."),
  seccomp: oneOf(["RuntimeDefault", "Unconfined"]).default("RuntimeDefault").describe("Filter of system calls. The restricted level forbids Unconfined."),
  ...container,
});

export const containerSecurity = z.strictObject({
  runAsUser: id.optional().describe("User id of the processes. Default the pod's."),
  runAsGroup: id.optional().describe("Group id of the processes. Default the pod's."),
  ...container,
});
