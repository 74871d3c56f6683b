import { ConfigError, parseConfig, type StackConfig } from "../../components/config";
import { show } from "../../components/config/problems";
import { closest } from "../../components/config/suggest";
import { UsageError } from "../errors";
import { DEFAULT_RESILIENCE, type ResilienceSettings } from "../resilience/policies";
import type { Changes } from "./changes";
import { Rule, version as versionText } from "./text";
import { SETTINGS, type Given, type Setting, type SettingKey, type Settings } from "./table";

type Raw = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Raw => typeof value === "object" && value !== null && !Array.isArray(value);

/** A section of the raw config; `pulumi config set` without --path writes it as JSON. The config was parsed before, so that it is one. */
function section(raw: Raw, key: string): Raw {
  const value = raw[key];
  const decoded: unknown = typeof value === "string" && value.startsWith("{") ? JSON.parse(value) : value;
  return isMap(decoded) ? decoded : {};
}

const over = (base: Raw, changes: Raw | undefined): Raw =>
  Object.fromEntries(Object.entries({ ...base, ...changes }).filter(([, value]) => value !== undefined));

const eachOver = (base: Raw, changes: Readonly<Record<string, Raw>> | undefined): Raw =>
  ({ ...base, ...Object.fromEntries(Object.entries(changes ?? {}).map(([name, fields]) => [name, over(section(base, name), fields)])) });

function changed(raw: Raw, { rollout, analysis, metrics, gates, services }: Changes): Raw {
  const judged = over(section(raw, "analysis"), analysis);
  return {
    ...raw,
    ...(rollout ? { rollout: over(section(raw, "rollout"), rollout) } : {}),
    ...(metrics ? { metrics: over(section(raw, "metrics"), metrics) } : {}),
    ...(analysis || gates ? { analysis: gates ? { ...judged, gates: eachOver(section(judged, "gates"), gates) } : judged } : {}),
    ...(services ? { services: eachOver(section(raw, "services"), services) } : {}),
  };
}

/** `--canary-weight 60`; of a secret, the name alone. */
const said = ({ name, text }: Given<unknown>): string => (text === "" || text === "true" ? name : `${name} ${text}`);

function knownServices({ criticalServices }: Settings, { services }: StackConfig): void {
  const names = Object.keys(services);
  const stranger = criticalServices?.value.find((name) => !names.includes(name));
  if (stranger === undefined) return;
  const guess = closest(stranger, names);
  throw new UsageError(`${criticalServices!.name} names ${JSON.stringify(stranger)}, which is no service of the stack: ${guess ? `did you mean ${guess}?` : `its services are ${names.join(", ")}.`}`);
}

/**
 * A stack's config with what flags and environment set on top. Each setting changes the raw config and the one parser judges the result,
 * so that every rule of the config holds for the settings too.
 *
 * @param raw as {@link parseConfig} takes it
 * @throws ConfigError when the config itself is wrong; UsageError with one sentence that names the flag or the variable and its value
 */
export function withSettings(raw: Raw, settings: Settings): StackConfig {
  let [input, config] = [raw, parseConfig(raw)];
  knownServices(settings, config);
  for (const [key, setting] of Object.entries(SETTINGS) as [SettingKey, Setting<unknown>][]) {
    const given = settings[key];
    if (!given || !setting.change) continue;
    input = changed(input, setting.change(config, given.value));
    try {
      config = parseConfig(input);
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      throw new UsageError(`${said(given)} cannot be used: ${cause.problems.join(" ")}`, { cause });
    }
  }
  return config;
}

/** The settings for the driver's own calls. */
export const resilienceOf = (settings: Settings): ResilienceSettings => ({
  tries: settings.tries?.value ?? DEFAULT_RESILIENCE.tries,
  retryDelay: settings.retryDelay?.value ?? DEFAULT_RESILIENCE.retryDelay,
  retryFactor: settings.retryFactor?.value ?? DEFAULT_RESILIENCE.retryFactor,
  circuitFailures: settings.circuitFailures?.value ?? DEFAULT_RESILIENCE.circuitFailures,
  circuitReset: settings.circuitReset?.value ?? DEFAULT_RESILIENCE.circuitReset,
});

/** @throws UsageError when no version can be named so */
export function checkVersion(argument: string): void {
  try {
    versionText(argument);
  } catch (cause) {
    if (!(cause instanceof Rule)) throw cause;
    throw new UsageError(`The version is ${argument === "" ? "empty" : show(argument)}: ${cause.message}.`, { cause });
  }
}

/**
 * The version that `deploy` was asked for.
 *
 * @throws UsageError when none was named, when it can be none, or when the argument and --tag name different ones
 */
export function deployVersion(argument: string | undefined, { version }: Settings): string {
  if (argument !== undefined) checkVersion(argument);
  if (argument === undefined && !version) throw new UsageError("No version is named: say `canary deploy VERSION`, or name it by --tag or in the variable VERSION.");
  if (argument === undefined) return version!.value;
  if (version?.name === "--tag" && version.value !== argument) throw new UsageError(`The argument names the version ${argument} and --tag ${version.value}: give one of them.`);
  return argument;
}

/**
 * Checks what the caller believes to be stable. Once, before a rollout: its promotion changes the answer.
 *
 * @throws UsageError when another version is stable
 */
export function checkStable({ stable }: StackConfig, { productionVersion: believed }: Settings): void {
  if (!believed || stable?.version === believed.value) return;
  throw new UsageError(`${believed.name} is ${JSON.stringify(believed.value)}, but the stack ${stable ? `has ${stable.version} as its stable version` : "has no stable version yet"}: compare the new version with what is there, then set ${believed.name} to it or leave it out.`);
}

/** What a rollout must be resumed with, for its record: no secrets, and nothing that belongs to one call of the driver. */
export const resumable = (settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([key]) => {
    const { group, secret } = SETTINGS[key as SettingKey] as Setting<unknown>;
    return group === "rollout" && !secret;
  }));
