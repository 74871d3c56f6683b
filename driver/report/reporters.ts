import pc from "picocolors";
import type { Reporter, RolloutEvent } from "./events";

const MARKS: Partial<Record<RolloutEvent["event"], string>> = {
  start: pc.bold("▶"),
  stage: pc.cyan("▲"),
  split: pc.green("✔"),
  revert: pc.yellow("▼"),
  promote: pc.green("★"),
  ask: pc.yellow("?"),
};

const OUTCOME_MARKS = { promoted: pc.green("✔"), "rolled-back": pc.red("✘"), held: pc.yellow("‖"), interrupted: pc.yellow("‖"), failed: pc.red("✘") };

/** Bounded by the number of services and gates: of a sample's latencies the quantiles are enough. */
const printed = ({ samples, ...event }: Parameters<Reporter>[0]): object =>
  samples ? { ...event, samples: samples.map(({ latency: _, ...sample }) => sample) } : event;

/** One JSON object a line. */
export const jsonReporter = (out: NodeJS.WritableStream): Reporter => (event) =>
  void out.write(`${JSON.stringify({ t: Date.now() / 1000, ...printed(event) })}\n`);

/** Lines for a person; on a terminal the latest observation stands below them and is written over. */
export function textReporter(out: NodeJS.WriteStream): Reporter {
  const began = Date.now();
  let transient = false;
  const clear = (): void => {
    if (transient) out.write("\r\x1b[K");
    transient = false;
  };
  return (event) => {
    const time = pc.dim(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)}s`);
    if (event.event === "observe" || event.event === "update") {
      if (!out.isTTY || event.asking) return;
      clear();
      out.write(`${time}   ${pc.dim(event.message)}`.slice(0, (out.columns ?? 80) + 20));
      transient = true;
      return;
    }
    clear();
    const mark = event.outcome ? OUTCOME_MARKS[event.outcome] : (MARKS[event.event] ?? " ");
    out.write(`${time} ${mark} ${event.message}\n`);
    if (event.event === "verdict") for (const gate of event.gates ?? []) out.write(`          ${pc.dim(`${gate.answer.padEnd(9)} ${gate.sentence}`)}\n`);
  };
}
