import * as http from "node:http";
import * as https from "node:https";
import { isDeepStrictEqual } from "node:util";

/** How long a connection may be idle, in ms: less than servers and what stands before them allow. */
const IDLE = 30_000;

/**
 * Keeps connections to a server open from one request to the next, so that what sends traffic home need not wait for a new one: two round
 * trips, and the keys.
 */
export class KeptConnections {
  private kept: { readonly agent: http.Agent; readonly options: object } | undefined;

  /** An agent for the same server and credentials as a fresh one, with the connections that are open; a proxy's is given back as it is. */
  instead(fresh: http.Agent): http.Agent {
    const Agent = [http.Agent, https.Agent].find((plain) => fresh.constructor === plain);
    if (!Agent) return fresh;
    const { options } = fresh as https.Agent;
    if (!isDeepStrictEqual(this.kept?.options, options)) this.kept = { options, agent: new Agent({ ...options, keepAlive: true, timeout: IDLE }) };
    return this.kept!.agent;
  }

  /** Where one is dead, all may be: the next request makes its own. */
  forget(): void {
    this.kept = undefined;
  }
}
