import type { Listener, Occasion } from "../report/listeners";
import { authority, type ListenAddress } from "./address";
import { RolloutExhibit } from "./of-rollout";
import { serveSite, type StatusServer } from "./server";
import { Site } from "./site";

/** A server with the stacks of this process that are shown on it. */
interface Shared {
  readonly site: Site;
  readonly server: Promise<StatusServer>;
  users: number;
}

/** By address: the stacks of a fleet are shown together. */
const serving = new Map<string, Shared>();

/** Where a server is, and what whoever started it should know. */
export const placeOf = ({ url, open }: Pick<StatusServer, "url" | "open">): string =>
  `Status at ${url}${open ? ", for everybody who can reach this address: it can be read, and nothing can be changed there" : ""}`;

function start(at: ListenAddress): Shared {
  const site = new Site();
  const shared: Shared = { site, server: serveSite(site, at), users: 0 };
  serving.set(authority(at), shared);
  // Whoever waits for it hears of it.
  shared.server.catch(() => serving.delete(authority(at)));
  return shared;
}

/**
 * Serves a rollout while it runs.
 *
 * @throws UsageError when the address cannot be listened on
 */
export async function serveRollout(occasion: Occasion, at: ListenAddress): Promise<Listener> {
  const there = serving.get(authority(at)) ?? start(at);
  const first = there.users++ === 0;
  const server = await there.server;
  if (first) occasion.note(placeOf(server));
  const exhibit = new RolloutExhibit(occasion, there.site);
  there.site.show(exhibit);
  return {
    hear: (event) => exhibit.hear(event),
    close: async () => {
      const told = exhibit.close();
      if (--there.users > 0) return;
      serving.delete(authority(at));
      await Promise.all([told, server.close()]);
    },
  };
}
