import type { Clock, GateAnswer } from "./gates/gate";
import { duration } from "./units";

/** `promote` means: advance to the next stage. Everything that led to it stands in `gates`. */
export interface Verdict {
  verdict: "promote" | "rollback" | "hold" | "undecided";
  /** One or more sentences for a person. */
  reason: string;
  gates: GateAnswer[];
}

/** What a metric as a whole answers: any failure fails it, anything undecided that could allow it keeps it undecided. */
function answerOf(gates: readonly GateAnswer[]): GateAnswer["answer"] {
  if (gates.some((g) => g.answer === "fail")) return "fail";
  const allowing = gates.filter((g) => g.decides !== "rollback" && g.answer !== "not-applicable");
  if (allowing.some((g) => g.answer === "undecided")) return "undecided";
  return allowing.length > 0 ? "pass" : "not-applicable";
}

/**
 * Joins the answers of all gates. A critical failure rolls back at once. When the dwell is over and every critical metric passes the
 * rollout advances, unless a metric that is not critical fails, which holds it for review. Anything else stays undecided until the cap and
 * holds then. `blind` says why telemetry is missing at present: then nothing passes, and nothing counts as failure.
 */
export function decide(gates: GateAnswer[], now: Clock, blind: string | undefined): Verdict {
  const sentences = (chosen: readonly GateAnswer[]): string => chosen.map((g) => `${g.metric}: ${g.sentence}`).join(" ");
  const failed = gates.filter((g) => g.critical && g.answer === "fail");
  if (failed.length > 0) return { verdict: "rollback", reason: sentences(failed), gates };
  const metrics = new Map<string, GateAnswer[]>();
  for (const g of gates) if (g.critical) metrics.set(g.metric, [...(metrics.get(g.metric) ?? []), g]);
  const answers = [...metrics].map(([metric, own]) => ({ metric, own, answer: answerOf(own) }));
  const open = answers.filter((a) => a.answer === "undecided");
  const passes = blind === undefined && open.length === 0 && answers.some((a) => a.answer === "pass");
  const late = now.elapsedSeconds >= now.capSeconds;
  if (passes && now.elapsedSeconds >= now.dwellSeconds) {
    const doubtful = gates.filter((g) => !g.critical && g.answer === "fail");
    if (doubtful.length > 0) return { verdict: "hold", reason: `Held for review. ${sentences(doubtful)}`, gates };
    return { verdict: "promote", reason: `Every critical metric passes (${answers.filter((a) => a.answer === "pass").map((a) => a.metric).join(", ")}).`, gates };
  }
  if (passes) return { verdict: "undecided", reason: `Every critical metric passes; the dwell of ${duration(now.dwellSeconds)} is not over.`, gates };
  const waiting = open.flatMap((a) => a.own.filter((g) => g.answer === "undecided" && g.decides !== "rollback"));
  const why = blind !== undefined ? `Telemetry is missing: ${blind}` : waiting.length > 0 ? sentences(waiting) : "No critical gate can judge this stage.";
  return late
    ? { verdict: "hold", reason: `Not decided within ${duration(now.capSeconds)}. ${why}`, gates }
    : { verdict: "undecided", reason: why, gates };
}

/**
 * One verdict of several services or regions that move together: any rollback rolls all back, any hold holds, and only when every one
 * promotes do all. Gates keep their metric name, prefixed with the part's name.
 */
export function joinVerdicts(parts: Readonly<Record<string, Verdict>>): Verdict {
  const named = Object.entries(parts);
  const verdict = (["rollback", "hold", "undecided", "promote"] as const).find((v) => named.some(([, part]) => part.verdict === v)) ?? "undecided";
  const decisive = named.filter(([, part]) => part.verdict === verdict);
  return {
    verdict,
    reason: named.length === 1 ? (decisive[0]?.[1].reason ?? "") : decisive.map(([name, part]) => `${name}: ${part.reason}`).join(" "),
    gates: named.flatMap(([name, part]) => (named.length === 1 ? part.gates : part.gates.map((g) => ({ ...g, metric: `${name}/${g.metric}` })))),
  };
}
