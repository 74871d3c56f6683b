/** ln Σ exp(values[i]), without overflow; −Infinity for an empty list. */
export function logSumExp(values: ArrayLike<number>): number {
  let top = -Infinity;
  for (let i = 0; i < values.length; i++) top = Math.max(top, values[i] as number);
  if (!Number.isFinite(top)) return top;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp((values[i] as number) - top);
  return top + Math.log(sum);
}

/** ln of the plain average of exp(values[i]). */
export const logMeanExp = (values: ArrayLike<number>): number => logSumExp(values) - Math.log(values.length);

/** `size` points from `from` to `to` inclusive, equally spaced in their logarithm; 0 < from, 0 < to, size ≥ 2. */
export function logSpaced(from: number, to: number, size: number): number[] {
  const step = Math.log(to / from) / (size - 1);
  return Array.from({ length: size }, (_, i) => (i === size - 1 ? to : from * Math.exp(step * i)));
}
