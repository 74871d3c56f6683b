import type { VNode } from "preact";
import type { StoryView } from "../report/story-view";

/** What both the report and the live page show. */
export function Body({ view }: { readonly view: StoryView }): VNode {
  const { facts, timeline, verdict } = view;
  return (
    <>
      <h1>{`${facts.version ?? "No rollout"} on ${facts.project}/${facts.stack}`}</h1>
      <p>{verdict}</p>
      <ol>{timeline.map(({ t, message }) => <li key={t}>{message}</li>)}</ol>
    </>
  );
}
