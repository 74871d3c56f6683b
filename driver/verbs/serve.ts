import { EXIT, UsageError } from "../errors";
import { DEFAULT_ADDRESS, listenAddress } from "../serve/address";
import { placeOf as announce } from "../serve/listener";
import { RecordExhibit } from "../serve/of-record";
import { serveSite } from "../serve/server";
import { Site } from "../serve/site";
import { checkName } from "../stack/name";
import { placeOf } from "../view/place";
import { quitSignal } from "../view/quit";
import { wavesOf } from "./fleet";
import { reporterOf, type CommonOptions } from "./session";

/** One exhibit for each stack. @throws UsageError when they are not reached in one way */
function exhibits(options: CommonOptions, site: Site): RecordExhibit[] {
  let env: string | undefined;
  const stacks = wavesOf(options).flat();
  // Commas alone name none.
  if (stacks.length === 0) checkName(options.stack);
  return stacks.map((stack) => {
    const at = { ...options, stack };
    const place = placeOf(at);
    const own = JSON.stringify(place.env);
    // Of which a process has one.
    if (env !== undefined && env !== own) throw new UsageError(`The stack ${stack} is reached by another kubeconfig than the others: serve it by a process of its own.`);
    env = own;
    return new RecordExhibit(at, place, site);
  });
}

/**
 * Serves what the records of stacks say, rollout after rollout, until it is interrupted; changes nothing.
 *
 * @returns 0
 * @throws UsageError when a stack is not there, or the address cannot be listened on
 */
export async function serve(options: CommonOptions): Promise<number> {
  const { signal, off } = quitSignal();
  const report = reporterOf(options);
  const site = new Site();
  const shown = exhibits(options, site);
  try {
    await Promise.all(shown.map((exhibit) => exhibit.look()));
    shown.forEach((exhibit) => site.show(exhibit));
    const server = await serveSite(site, options.listen ?? listenAddress(DEFAULT_ADDRESS));
    report({ event: "note", message: announce(server) });
    await Promise.all(shown.map((exhibit) => exhibit.follow(signal)));
    await server.close();
    return EXIT.done;
  } finally {
    shown.forEach((exhibit) => exhibit.close());
    off();
  }
}
