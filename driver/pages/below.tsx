import type { VNode } from "preact";
import { stringify } from "yaml";
import type { StoryView } from "../report/story-view";
import { clock, NONE } from "./format";

/** A journal's time, which others may have written. */
const at = (iso: string): string => (Number.isFinite(Date.parse(iso)) ? clock(Date.parse(iso) / 1000) : iso);

/** By what rules it was rolled out, what was written down, and what is not known. */
export function Below({ view }: { readonly view: StoryView }): VNode {
  const { journal, facts, missing } = view;
  return (
    <>
      {missing.length === 0 ? null : (
        <section>
          <h2>What is missing</h2>
          <ul>{missing.map((sentence) => <li key={sentence}>{sentence}</li>)}</ul>
        </section>
      )}
      <section>
        <h2>Config</h2>
        <p class="note">As it was in force, flags and environment included. Times are in seconds, shares are fractions, weights are percent.</p>
        <pre>{stringify(facts.config, { lineWidth: 0 })}</pre>
      </section>
      <section>
        <h2>Journal</h2>
        {journal.length === 0 ? <p class="nothing">There is none.</p> : (
          <div class="scroll">
            <table class="journal">
              <thead><tr><th scope="col">UTC</th><th scope="col">Kind</th><th scope="col">Weight</th><th scope="col">What</th></tr></thead>
              <tbody>
                {journal.map(({ seq, at: iso, kind, weight, message }) => (
                  <tr key={seq}><td>{at(iso)}</td><td>{kind}</td><td>{weight ?? NONE}</td><td>{message}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <footer>{`${facts.verb ? `canary ${facts.verb}` : "canary"} on ${facts.project}/${facts.stack}${facts.id ? `, rollout ${facts.id}` : ""}`}</footer>
    </>
  );
}
