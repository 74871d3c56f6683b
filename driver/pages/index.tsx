import { renderToString } from "preact-render-to-string";
import type { StoryView } from "../report/story-view";
import { Body } from "./body";
import { contentPolicy } from "./policy";
import { LIVE_SCRIPT } from "./script";
import { STYLE } from "./style";

export interface PageOptions {
  /** Follows `events` beside it, each message of which is what {@link renderBody} made. Otherwise it has no script. */
  readonly live: boolean;
}

/** What a live page swaps into its `<main>`. */
export const renderBody = (view: StoryView): string => renderToString(<Body view={view} />);

/** A whole HTML document, self-contained. */
export function renderPage(view: StoryView, { live }: PageOptions): string {
  const { version, stack, project } = view.facts;
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={contentPolicy(live)} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${version ?? "Rollout"} on ${project}/${stack}`}</title>
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        {live ? <p id="connection" role="status" /> : null}
        <main>
          <Body view={view} />
        </main>
        {live ? <script dangerouslySetInnerHTML={{ __html: LIVE_SCRIPT }} /> : null}
      </body>
    </html>
  );
  return `<!doctype html>\n${renderToString(page)}\n`;
}
