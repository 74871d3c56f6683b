import { spawnSync } from "node:child_process";
import { SandboxError } from "../errors";

const COMMON = ["--net", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child=SIGKILL"];

/** Everything the cluster needs of its network, tried in one go: a bridge and a veth pair. */
const TRIAL = "ip link set lo up && ip link add br0 type bridge && ip link add a0 type veth peer name b0";

const works = (args: string[]): boolean => spawnSync("unshare", [...args, "sh", "-c", TRIAL], { stdio: "ignore" }).status === 0;

/**
 * Arguments of `unshare` for a network, mount and process namespace of the cluster's own: rootless in a user namespace where
 * the kernel allows it, as root otherwise. The process namespace is what makes the cleanup certain: when its first process
 * dies, whatever the reason, the kernel kills all others, and the network goes with the last of them. That is why this is not
 * `ip netns`, whose names and processes outlive a crash.
 *
 * @throws SandboxError when neither way works.
 */
export function unshareArgs(): string[] {
  const rootless = ["--user", "--map-root-user", ...COMMON];
  if (works(rootless)) return rootless;
  if (process.getuid?.() === 0 && works(COMMON)) return COMMON;
  throw new SandboxError(
    "The embedded cluster needs a network namespace with a bridge and veth pairs, and this kernel gives none: allow unprivileged user " +
      "namespaces (sysctl kernel.unprivileged_userns_clone=1, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0) or run as root, " +
      "and have unshare (util-linux) and ip (iproute2) installed.",
  );
}
