import { StackFile } from "../stack/file";
import { openStack } from "../stack/engine";
import type { CommonOptions } from "./session";

interface ServiceOutput {
  readonly url: string;
  readonly revisions: Readonly<Record<string, string>>;
}

/** Prints what is deployed, by the stack's outputs, and what the file asks for where that differs. */
export async function status(options: CommonOptions): Promise<number> {
  const config = new StackFile(options.cwd, options.stack).read();
  const outputs = await (await openStack(options.cwd, options.stack)).outputs();
  const version = (v: unknown): string => (typeof v === "object" && v !== null ? String((v as { version?: unknown }).version) : String(v ?? "none"));
  const deployed = { stable: version(outputs.stable), canary: version(outputs.canary), previous: version(outputs.previous), weight: Number(outputs.weight ?? 0), generation: Number(outputs.generation ?? 0) };
  const wanted = { stable: config.stable?.version ?? "none", canary: config.canary?.version ?? "none", weight: config.weight };
  const differs = (["stable", "canary", "weight"] as const).filter((k) => String(deployed[k]) !== String(wanted[k]));
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ event: "status", stack: options.stack, deployed, wanted, services: outputs.services ?? {} })}\n`);
    return 0;
  }
  const lines = [
    `stack     ${options.stack}, generation ${deployed.generation}`,
    `stable    ${deployed.stable}`,
    `canary    ${deployed.canary}${deployed.canary === "none" ? "" : ` at weight ${deployed.weight}`}`,
    `previous  ${deployed.previous}`,
    ...Object.entries((outputs.services ?? {}) as Record<string, ServiceOutput>).map(([name, s]) => `${name.padEnd(9)} ${s.url}  ${Object.entries(s.revisions).map(([track, revision]) => `${track}: ${revision}`).join(", ")}`),
    ...differs.map((k) => `The stack file says ${k} ${wanted[k]}, deployed is ${deployed[k]}: \`pulumi preview\` shows what \`pulumi up\` would change.`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
