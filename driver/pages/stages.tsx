import type { VNode } from "preact";
import type { StoryView, TimelineEntry } from "../report/story-view";
import type { Span } from "./chart";
import { Figure } from "./figure";
import { clock, NONE, outOf100, took } from "./format";
import { Time } from "./head";

const VERDICTS: Readonly<Record<string, string>> = { promote: "✔ passed", measured: "✔ measured", rollback: "✘ rolled back", hold: "‖ held" };

/** Stages one by one, and the split that was set beside the one that was served. */
export function Stages({ view, span }: { readonly view: StoryView; readonly span: Span }): VNode {
  const { stages, split, facts, at } = view;
  const planned = facts.stages.map(({ weight }) => weight).join(", ");
  const set: readonly (readonly [number, number])[] = split.set.length > 0 ? [...split.set, [span.to, split.set.at(-1)![1]]] : [];
  return (
    <>
      <section>
        <h2>Stages</h2>
        <div class="scroll">
          {stages.length === 0 ? <p class="nothing">No stage has begun.</p> : (
            <table class="stages">
              <caption>{`Planned weights: ${planned} %`}</caption>
              <thead><tr><th scope="col">Weight</th><th scope="col">Began</th><th scope="col">Took</th><th scope="col">Verdict</th></tr></thead>
              <tbody>
                {stages.map(({ weight, began, served, ended, verdict }, i) => (
                  <tr key={i}>
                    <th scope="row">{outOf100(weight)}</th>
                    <td><Time t={began}>{clock(began)}</Time>{served === undefined ? null : <small>{`served after ${took(served - began)}`}</small>}</td>
                    <td>{took((ended ?? at) - began)}</td>
                    <td class={verdict ? `is-${verdict}` : ""}>{verdict ? (VERDICTS[verdict] ?? verdict) : ended === undefined ? "▶ under way" : NONE}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
      </section>
      <section>
        <h2>Split</h2>
        <Figure
          id="figures-split" title="Share of requests to the canary" span={span} unit={outOf100} most={5} ceiling={100}
          keys={[{ ink: "plain", dashed: true, name: "set" }, { ink: "canary", name: "served" }]}
          lines={[{ ink: "plain", dash: [6, 3], step: true, points: set }, { ink: "canary", points: split.served }]}
        />
      </section>
    </>
  );
}

const SIGNS: Partial<Record<TimelineEntry["event"], string>> = { start: "▶", stage: "▲", split: "✔", verdict: "◆", revert: "▼", promote: "★", end: "■" };

/** A reason that is said again is no news. */
const LONG = 60;
function retold(timeline: readonly TimelineEntry[], index: number): string {
  const { message } = timeline[index]!;
  const told = timeline.slice(0, index).map((before) => before.message.replace(/^[^:]*: /, "").replace(/\.$/, "")).find((reason) => reason.length > LONG && message.includes(reason));
  return told === undefined ? message : message.replace(told, "as above");
}

/** Everything that was said, in its order. */
export function Timeline({ view }: { readonly view: StoryView }): VNode {
  const { timeline, leftOut } = view;
  return (
    <section>
      <h2>Timeline</h2>
      {timeline.length === 0 ? <p class="nothing">Nothing has happened yet.</p> : null}
      <ol class="timeline">
        {timeline.map(({ t, event, verdict }, i) => (
          <li key={i} class={`on-${event}${verdict ? ` is-${verdict}` : ""}`}>
            <Time t={t}>{clock(t)}</Time>
            <span class="sign" aria-hidden="true">{SIGNS[event] ?? "·"}</span>
            <span class="said">{retold(timeline, i)}</span>
          </li>
        ))}
      </ol>
      {leftOut > 0 ? <p class="nothing">{`${leftOut} entries in the middle were left out.`}</p> : null}
    </section>
  );
}
