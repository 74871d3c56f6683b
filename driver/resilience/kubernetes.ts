import { AsyncLocalStorage } from "node:async_hooks";
import type { HttpLibrary, RequestContext, ResponseContext } from "@kubernetes/client-node";
import { KeptConnections } from "./connections";
import { ServiceUnavailable, type CallLimits, type ServiceCalls } from "./policies";

/** Nobody in the driver waits longer than 5 s for the API server, so that the sentence which names it must come before. */
export const CLUSTER_LIMITS: CallLimits = { timeout: 2, total: 4.5, parallelism: 8 };

const haste = new AsyncLocalStorage<true>();

/**
 * Runs something whose every request to the API server is urgent: it waits neither for a free place nor for a circuit to close. For what
 * sends traffic home, reads included; merge patches and Leases are urgent by themselves.
 */
export const urgently = <T>(act: () => Promise<T>): Promise<T> => haste.run(true, act);

const UNSENT: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name cannot be looked up now",
  EHOSTUNREACH: "there is no way to its host",
  ENETUNREACH: "there is no way to its network",
};
const BROKEN: Readonly<Record<string, string>> = {
  ECONNRESET: "the connection was broken",
  EPIPE: "the connection was broken",
  ETIMEDOUT: "the connection timed out",
  ERR_STREAM_PREMATURE_CLOSE: "the answer broke off",
};

/** A status with which the API server says that it cannot answer now. */
class BusyAnswer extends ServiceUnavailable {
  constructor(service: string, readonly response: ResponseContext) {
    super(`${service} answered HTTP ${response.httpStatusCode}.`);
  }
}

/** What node-fetch throws when a request could not be made or answered; anything else is a bug, and no state of the server. */
function unavailable(service: string, error: unknown): unknown {
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  if (name !== "FetchError" && code === undefined) return error;
  const unsent = code !== undefined && code in UNSENT;
  const why = (code && (UNSENT[code] ?? BROKEN[code])) ?? String(message).replace(/^request to \S+ failed, reason: /, "").replace(/\.$/, "");
  // What is neither, such as a certificate that is not trusted, is the same the next time.
  return new ServiceUnavailable(`${service} cannot be reached: ${why}.`, { unsent, transient: unsent || (code !== undefined && code in BROKEN), cause: error });
}

const pathOf = (request: RequestContext): string => new URL(request.getUrl()).pathname;
const headerOf = (request: RequestContext, name: string): string | undefined =>
  Object.entries(request.getHeaders()).find(([key]) => key.toLowerCase() === name)?.[1];

/** Setting the same fields to the same values twice is no different from once; with a resourceVersion the second would be a conflict. */
function isRepeatable(request: RequestContext): boolean {
  const method = request.getHttpMethod().toString();
  if (method === "GET" || method === "HEAD") return true;
  return method === "PATCH" && headerOf(request, "content-type") === "application/merge-patch+json" && !String(request.getBody()).includes('"resourceVersion"');
}

/** A Lease that is not renewed in time is taken over: its requests find out by themselves that the server is back. */
const isUrgent = (request: RequestContext): boolean =>
  haste.getStore() === true || request.getHttpMethod().toString() === "PATCH" || pathOf(request).startsWith("/apis/coordination.k8s.io/");

/**
 * The HTTP layer of the Kubernetes client, guarded: reads are repeated after network errors, timeouts, 429 and 5xx; writes only where they
 * were certainly not sent; patches and Leases mind no circuit. An answer is read to its end within the time limit. What may be repeated goes
 * over connections that are kept: the server may close one just as it is used.
 */
export function guardedHttp(k8s: typeof import("@kubernetes/client-node"), service: string, calls: ServiceCalls): HttpLibrary {
  const http = new k8s.IsomorphicFetchHttpLibrary();
  const connections = new KeptConnections();
  const once = async (request: RequestContext, signal: AbortSignal): Promise<ResponseContext> => {
    let response: ResponseContext;
    try {
      request.setSignal(signal);
      const { httpStatusCode, headers, body } = await http.send(request).toPromise();
      response = new k8s.ResponseContext(httpStatusCode, headers, new k8s.SelfDecodingBody(Promise.resolve(await body.binary())));
    } catch (error) {
      connections.forget();
      throw unavailable(service, error);
    }
    if (response.httpStatusCode === 429 || response.httpStatusCode >= 500) throw new BusyAnswer(service, response);
    return response;
  };
  const send = async (request: RequestContext): Promise<ResponseContext> => {
    const signal = request.getSignal();
    const fresh = request.getAgent();
    const repeatable = isRepeatable(request);
    const attempt = (limited: AbortSignal): Promise<ResponseContext> => {
      // For each try: of connections that have failed none is asked again.
      if (fresh && repeatable) request.setAgent(connections.instead(fresh));
      return once(request, limited);
    };
    try {
      return await calls.execute(attempt, { urgent: isUrgent(request), again: (error) => repeatable || error.unsent, ...(signal ? { signal } : {}) });
    } catch (error) {
      if (error instanceof BusyAnswer) return error.response;
      throw error;
    }
  };
  return k8s.wrapHttpLibrary({ send });
}
