import type { VersionValue } from "./stack-file";

/** Pods by service below which a revision must not go. */
export type Floors = Readonly<Record<string, number>>;

type VersionMap = Exclude<VersionValue, string>;

/** A version as the stack file holds it, with these floors and no others; without any, it is as short as it can be. */
export function withFloors(value: VersionValue, floors: Floors): VersionValue {
  const { services = {}, ...version } = typeof value === "string" ? { version: value } as VersionMap : value;
  const names = [...new Set([...Object.keys(services), ...Object.keys(floors)])];
  const entries = names.map((name) => {
    const { floor: _old, ...rest } = services[name] ?? {};
    return [name, { ...rest, ...(floors[name] === undefined ? {} : { floor: floors[name] }) }] as const;
  }).filter(([, overrides]) => Object.keys(overrides).length > 0);
  const lifted: VersionMap = { ...version, ...(entries.length === 0 ? {} : { services: Object.fromEntries(entries) }) };
  return Object.keys(lifted).length === 1 ? lifted.version : lifted;
}
