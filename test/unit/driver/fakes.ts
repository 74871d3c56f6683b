import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { KubernetesClient } from "../../../driver/cluster/client";
import type { Reporter } from "../../../driver/report/events";
import type { RolloutContext } from "../../../driver/rollout/context";
import { StackFile } from "../../../driver/stack/file";

/** A stack file with some rollout keys, in a folder of its own. */
export function stackFile(keys: string): StackFile {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-driver-"));
  fs.writeFileSync(path.join(dir, "Pulumi.dev.yaml"), `config:
  canary:namespace: shop
${keys}
  canary:services:
    shop: { image: shop, port: 8080, hosts: [shop.example] }
`);
  return new StackFile(dir, "dev");
}

export interface Scene {
  readonly context: RolloutContext;
  readonly file: StackFile;
  /** What each `pulumi up` found in the file. */
  readonly ups: string[];
  readonly patches: string[];
  readonly messages: string[];
  interrupt(reason: Error): void;
}

export interface SceneOptions {
  /** Called before an update counts as done; throws to fail it. */
  readonly up?: (n: number) => void;
  /** Throws to fail the live patches. */
  readonly patch?: () => void;
}

/** A context whose engine and cluster only keep account of what they are asked. */
export function scene(keys: string, { up, patch }: SceneOptions = {}): Scene {
  const file = stackFile(keys);
  const [ups, patches, messages]: [string[], string[], string[]] = [[], [], []];
  const controller = new AbortController();
  const patched = (what: string) => async ({ name }: { name: string }): Promise<object> => {
    patch?.();
    patches.push(`${what} ${name}`);
    return {};
  };
  const cluster = {
    core: { readNamespacedService: async () => ({ spec: { selector: { revision: "stable" } } }), patchNamespacedService: patched("Service") },
    networking: { patchNamespacedIngress: patched("Ingress") },
  } as unknown as KubernetesClient;
  const report: Reporter = (event) => void messages.push(event.message);
  const engine = {
    async up() {
      const { stable, canary, previous, weight } = file.read();
      up?.(ups.length);
      ups.push(`stable ${stable?.version} canary ${canary ? `${canary.version}${canary.withdrawn ? " withdrawn" : ""}` : "none"} previous ${previous?.version ?? "none"} weight ${weight}`);
      return { changes: {}, seconds: 0 };
    },
    outputs: async () => ({}),
  };
  const context: RolloutContext = { file, engine, cluster: async () => cluster, report, signal: controller.signal, confirm: async () => true };
  return { context, file, ups, patches, messages, interrupt: (reason) => controller.abort(reason) };
}
