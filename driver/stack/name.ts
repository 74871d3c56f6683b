import { UsageError } from "../errors";
import { named } from "../text-file";

/** As Pulumi has it: letters, digits, "-", "_" and ".", with organization and project before it or not. */
const NAME = /^([A-Za-z0-9_.-]{1,100}\/){0,2}[A-Za-z0-9_.-]{1,100}$/;

/** @throws UsageError when no stack can be named so: the name becomes a part of paths */
export function checkName(stack: string): void {
  if (NAME.test(stack) && stack.split("/").every((part) => !/^\.+$/.test(part))) return;
  throw new UsageError(`--stack is ${stack === "" ? "empty" : named(JSON.stringify(stack).length > 302 ? `${stack.slice(0, 80)}…` : JSON.stringify(stack))}: a stack's name has letters, digits, "-", "_" and ".", or is organization/project/stack.`);
}
