import type { PrometheusSource, QueryOptions, Reading, Series } from "../../../analysis";

/** A Prometheus of the test's own: answers by the exact query, no series for any other, and remembers what was asked. */
export class FakeSource implements PrometheusSource {
  readonly asked: string[] = [];
  answers: Record<string, Series[] | Reading<Series[]>> = {};

  query(promql: string, _options?: QueryOptions): Promise<Reading<Series[]>> {
    this.asked.push(promql);
    const answer = this.answers[promql];
    if (answer === undefined) return Promise.resolve({ kind: "no-series", query: promql });
    return Promise.resolve(Array.isArray(answer) ? { kind: "value", value: answer } : answer);
  }

  health = () => [];
  close = () => {};
}

export const series = (labels: Record<string, string>, ...points: [number, number][]): Series => ({ labels, samples: points.map(([t, v]) => ({ t, v })) });
