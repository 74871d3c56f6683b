import type { VNode } from "preact";
import type { StoryView } from "../report/story-view";
import { Below } from "./below";
import { Comparison, Curves } from "./curves";
import { Gates } from "./gates";
import { Head } from "./head";
import { spanOf } from "./span";
import { Stages, Timeline } from "./stages";

/** What both the report and the live page show: what it came to first, then how, then by what rules. */
export function Body({ view }: { readonly view: StoryView }): VNode {
  const span = spanOf(view);
  return (
    <>
      <Head view={view} />
      <div class="grid">
        <Stages view={view} span={span} />
        <Comparison view={view} />
      </div>
      <Curves view={view} span={span} />
      <Gates view={view} span={span} />
      <Timeline view={view} />
      <Below view={view} />
    </>
  );
}
