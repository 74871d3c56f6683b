import type { ComponentChildren, VNode } from "preact";
import type { StoryView } from "../report/story-view";
import { count, day, machineTime, NONE, outOf100, percent, took } from "./format";
import { lookOf, servedNow } from "./outcome";

export const Time = ({ t, children }: { readonly t: number; readonly children: ComponentChildren }): VNode => <time dateTime={machineTime(t)}>{children}</time>;

const Fact = ({ name, children }: { readonly name: string; readonly children: ComponentChildren }): VNode => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

/** How many of the users met the canary, over all services. */
function Met({ comparison }: StoryView): VNode {
  const sum = comparison.map(({ canary }) => canary).reduce((a, b) => ({ requests: a.requests + b.requests, errors: a.errors + b.errors }), { requests: 0, errors: 0 });
  if (sum.requests === 0) return <>{NONE}</>;
  return <>{`${count(sum.requests)} requests, ${count(sum.errors)} failed (${percent(sum.errors / sum.requests)})`}</>;
}

/** What it came to, who is served, and the figures that are asked first. */
export function Head({ view }: { readonly view: StoryView }): VNode {
  const { facts, verdict, at, ended, now } = view;
  const look = lookOf(view);
  const served = now.served === undefined ? "" : `, ${outOf100(100 * now.served)} seen`;
  return (
    <header class={`head ${look.tone}`}>
      <p class="where">{`${facts.project} / ${facts.stack}, namespace ${facts.namespace}`}</p>
      <h1>
        <span class="sign" aria-hidden="true">{look.sign}</span>
        <span>{facts.version === undefined ? `Rollout ${look.word}` : `${facts.version} ${look.word}`}</span>
      </h1>
      <p class="verdict">{verdict}</p>
      <dl class="facts">
        <Fact name={ended === undefined ? "Served now" : "Served at the end"}>{servedNow(view)}{ended === undefined ? served : ""}</Fact>
        <Fact name="Rollout">{`${facts.from ?? NONE} → ${facts.version ?? NONE}`}</Fact>
        <Fact name="Began (UTC)"><Time t={facts.started}>{day(facts.started)}</Time></Fact>
        <Fact name={ended === undefined ? "Runs for" : "Took"}>{took((ended ?? at) - facts.started)}</Fact>
        <Fact name="Canary served"><Met {...view} /></Fact>
        <Fact name={facts.services.length === 1 ? "Service" : "Services"}>{facts.services.join(", ")}</Fact>
      </dl>
    </header>
  );
}
