import { withoutUser } from "../text-file";
import { ServiceUnavailable } from "./policies";
import type { Dependencies } from "./registry";

/** What the Pulumi CLI says when its backend could not be asked; any other failure is an answer. */
const BACKEND_TROUBLE = /connection (refused|reset)|i\/o timeout|TLS handshake timeout|no such host|temporary failure in name resolution|unexpected EOF|\b(429|500|502|503|504)\b.*(status|error|response|gateway|unavailable)|(status|error|response).*\b(429|500|502|503|504)\b/i;

/** A CLI call starts a process, which may take seconds; times in seconds. */
const LIMITS = { timeout: 60, total: 120, parallelism: 2 };

/** Runs a read of the stack's state, again where the backend could not be asked. Not for `up`: a half-done update is no failed call. */
export type StackReads = <T>(read: () => Promise<T>) => Promise<T>;

/**
 * Guards what the driver reads through the Pulumi CLI: outputs, history, the exported state.
 *
 * @param backend its URL, e.g. of `PULUMI_BACKEND_URL`
 */
export function stackReads(dependencies: Dependencies, backend: string): StackReads {
  const address = withoutUser(backend);
  const service = `The Pulumi backend ${address}`;
  const calls = dependencies.calls("pulumi", address, service, LIMITS);
  return (read) =>
    calls.execute(async () => {
      try {
        return await read();
      } catch (error) {
        const [line] = BACKEND_TROUBLE.exec((error as Error).message) ?? [];
        throw line === undefined ? error : new ServiceUnavailable(`${service} cannot be asked: ${line}.`, { cause: error });
      }
    });
}
