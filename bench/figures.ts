export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Median, fastest and slowest of some times in seconds. */
export const seconds = (values: readonly number[]): string => `median ${median(values).toFixed(2)} s (${Math.min(...values).toFixed(2)} … ${Math.max(...values).toFixed(2)})`;
