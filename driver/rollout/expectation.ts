import { forecast, type Reading, type TrafficWindow } from "../../analysis";
import type { StackConfig } from "../../components/config";
import type { WatchedService } from "./watch";

/** How many times the baseline's errors the foreseen bad canary fails. */
const FACTOR = 5;

const seconds = (s: number): string => (Number.isFinite(s) ? `${Math.ceil(s)} s` : "never within the cap");

/**
 * How long the gates will need at the traffic that is seen now, in one sentence for the busiest service; undefined without traffic.
 * The dwell of a stage is a floor under the time to advance.
 */
export function expectation(config: StackConfig, baseline: readonly { service: WatchedService; reading: Reading<TrafficWindow> }[]): string | undefined {
  const windows = baseline.flatMap(({ service, reading }) => (reading.kind === "value" && reading.value.stable.requests > 0 ? [{ service, window: reading.value }] : []));
  const [busiest] = windows.sort((a, b) => b.window.stable.requests - a.window.stable.requests);
  if (!busiest) return undefined;
  const { stable, from, to } = busiest.window;
  if (to <= from) return undefined;
  const stages = forecast(config.analysis.gates, { stages: config.rollout.stages }, { seconds: to - from, counts: stable }, config.rollout.capSeconds, busiest.service.judge.options, FACTOR);
  const each = stages.map(({ weight, passSeconds, failSeconds }, i) => {
    const advance = Math.max(passSeconds, config.rollout.stages[i]?.dwellSeconds ?? 0);
    return `${weight} %: on after ${seconds(advance)}, back after ${seconds(failSeconds)}`;
  });
  return `at ${(stable.requests / (to - from)).toFixed(0)} requests a second a canary as good as stable may go on, and one with ${FACTOR} times its errors is sent back, in about: ${each.join("; ")}`;
}
