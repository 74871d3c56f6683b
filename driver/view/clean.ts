const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/**
 * The same data, no text of which can move a terminal's cursor or break a line: reasons, names of holders and versions were written by
 * others, and are shown in tables.
 */
export function clean<T>(value: T): T {
  if (typeof value === "string") return value.replace(CONTROL, " ") as T;
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((each: unknown) => clean(each)) as T;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, clean(each as unknown)])) as T;
}
