import type { VNode } from "preact";
import type { GateCurveView, StoryView } from "../report/story-view";
import type { ChartOptions, Line, Span } from "./chart";
import { Figure, type Key } from "./figure";
import { plain } from "./format";

const QUESTIONS: Readonly<Record<string, string>> = { fail: "Is it worse than stable?", pass: "Is it as good as stable?", absolute: "Does it keep to its limit?" };
const ANSWERS: Readonly<Record<GateCurveView["answer"], string>> = { pass: "✔ pass", fail: "✘ fail", undecided: "○ undecided", "not-applicable": "– not asked" };
const FIRST: readonly GateCurveView["answer"][] = ["fail", "undecided", "pass", "not-applicable"];

interface Drawn extends Pick<ChartOptions, "lines" | "limit"> {
  readonly title: string;
  readonly keys: readonly Key[];
}

/** Evidence against what it takes; of a gate without any, its value against its limit. */
function drawn({ points, logELimit, logEPassLimit, limit, gate }: GateCurveView): Drawn {
  const line = (ink: Line["ink"], of: "logE" | "logEPass" | "value", dash?: readonly number[]): Line => ({ ink, ...(dash ? { dash } : {}), points: points.map((p) => [p.t, p[of]]) });
  if (logELimit === undefined) {
    const known = limit === undefined ? {} : { limit };
    return { title: "Value and limit", lines: [line("canary", "value")], keys: [{ ink: "canary", name: "value" }, ...(limit === undefined ? [] : [LIMIT])], ...known };
  }
  const both = logEPassLimit !== undefined;
  const passing = gate === "pass";
  return {
    title: "Evidence (ln E)",
    limit: logELimit,
    lines: [line(passing ? "good" : "canary", "logE"), ...(both ? [line("good", "logEPass", [6, 3])] : [])],
    keys: [{ ink: passing ? "good" : "canary", name: passing ? "to pass" : "to fail" }, ...(both ? [{ ink: "good" as const, dashed: true, name: `to pass (takes ${plain(logEPassLimit)})` }] : []), { ...LIMIT, name: `takes ${plain(logELimit)}` }],
  };
}

const LIMIT: Key = { ink: "limit", dotted: true, name: "limit" };

/** Evidence that is far from deciding, or has long decided, would flatten what matters. */
const within = (lines: readonly Line[], limit: number): readonly Line[] => lines.map((line) => ({ ...line, points: line.points.map(([t, v]) => [t, v === undefined ? undefined : Math.min(2 * limit, Math.max(-limit, v))] as const) }));

function Gate({ gate, index, span }: { readonly gate: GateCurveView; readonly index: number; readonly span: Span }): VNode {
  const { lines, ...rest } = drawn(gate);
  return (
    <article class={`gate is-${gate.answer}`}>
      <h3>{gate.metric}<small>{QUESTIONS[gate.gate] ?? gate.gate}</small></h3>
      <p class="answer">{ANSWERS[gate.answer]}{gate.critical ? "" : ", not critical"}</p>
      <p class="sentence">{gate.sentence}</p>
      <Figure {...rest} id={`figures-gate-${index}`} span={span} unit={plain} lines={gate.logELimit === undefined ? lines : within(lines, gate.logELimit)} />
    </article>
  );
}

/** Every gate with its sentence, and how its evidence came about; those that failed first. */
export function Gates({ view, span }: { readonly view: StoryView; readonly span: Span }): VNode {
  const gates = [...view.gates].sort((a, b) => FIRST.indexOf(a.answer) - FIRST.indexOf(b.answer) || Number(b.critical) - Number(a.critical));
  return (
    <section>
      <h2>Gates</h2>
      <p class="note">A gate decides when its evidence, the natural logarithm of an E-value, crosses what it takes. What is far below it, or above it, is drawn at the edge.</p>
      {gates.length === 0 ? <p class="nothing">No gate was asked.</p> : null}
      <div class="grid">{gates.map((gate) => <Gate key={`${gate.metric} ${gate.gate}`} gate={gate} index={view.gates.indexOf(gate)} span={span} />)}</div>
    </section>
  );
}
