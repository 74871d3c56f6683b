import { z } from "zod";
import { DURATION_PATTERN, parseDuration } from "../units";

// A key's description says what it means and in what unit. Its range and default are stated once, in the code, from which
// docs/stack.schema.json takes them too.

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const text = (pattern: RegExp, rule: string, maxLength = 253) =>
  z.string({ error: rule }).regex(pattern, { error: rule }).max(maxLength, { error: rule });

export const whole = (least: number, most: number) => {
  const rule = `it must be a whole number from ${least} to ${most}`;
  return z.int({ error: rule }).min(least, { error: rule }).max(most, { error: rule });
};

export const flag = (fallback: boolean) => z.boolean({ error: "it must be true or false" }).default(fallback);

export const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `it must be ${values.length === 1 ? "" : "one of "}${values.join(", ")}` });

/** A duration in config, a number of seconds in code. */
export const duration = text(DURATION_PATTERN, "it must be a duration such as 500ms, 90s, 15m or 1h").transform(parseDuration);

/** Kubernetes takes whole seconds only. */
export const wholeSeconds = duration.refine(Number.isInteger, { abort: true, error: "it must be a duration of whole seconds, such as 90s or 15m" });
export const positiveSeconds = wholeSeconds.refine((value) => value >= 1, { error: "it must be at least 1s" });

export const seconds = (fallback: string) => duration.prefault(fallback);

export const label = (rule: string) => text(LABEL, rule, 63);
/** Name of an object inside the pod: a volume, a container, a ConfigMap before its revision's name is put before it. */
export const shortName = label('it must be a name of lower-case letters, digits and "-", at most 63 characters');
/** Name of an object that is in the cluster already. */
export const objectName = text(SUBDOMAIN, 'it must be the name of a Kubernetes object: lower-case letters, digits, "-" and "."');

export const replicas = whole(0, 10_000);
export const port = whole(1, 65_535);
export const path = text(/^\/[^\s?#]*$/, "it must be a path that starts with / and has no spaces", 1024);
/** A path inside something, which it must not leave. */
export const relative = text(/^(?!\/)(?!.*\.\.)\S+$/, "it must be a relative path", 1024);
const URL_RULE = "it must be a URL that starts with http:// or https://";
export const url = text(/^https?:\/\/[^\s/]+\S*$/, URL_RULE, 2048).refine((value) => URL.canParse(value), { error: URL_RULE });
/** Of a server whose API's path comes behind it. */
export const baseUrl = url.refine((value) => !/[?#]/.test(value), { error: "it must be a base URL, without ? and #" });

export const quantity = z.union(
  [
    text(/^[0-9]+(\.[0-9]+)?(m|[kKMGTPE]i?|[eE][0-9]+)?$/, "it must be a Kubernetes quantity such as 250m, 0.5 or 256Mi"),
    z.number().nonnegative().transform(String),
  ],
  { error: "it must be a Kubernetes quantity such as 250m, 0.5 or 256Mi" },
);

/** A part of the Kubernetes API that is passed on as it is and judged by the API server. */
export const kubernetes = (kind: string) => z.record(z.string(), z.unknown(), { error: `it must be a map, a ${kind} of the Kubernetes API` });
