import { createPrometheus, type PrometheusSource, type ServerHealth } from "../../analysis";
import { ServiceUnavailable } from "./policies";
import type { Account, Dependencies } from "./registry";

/**
 * The stack's Prometheus servers, asked with the driver's resilience settings. Each of them is registered: what its own circuit in the
 * client says, and a probe of its own, which also asks a server that fails over to another.
 *
 * @param servers base URLs, at least one
 */
export function openPrometheus(servers: readonly string[], dependencies: Dependencies): PrometheusSource {
  const { settings } = dependencies;
  const source = createPrometheus({ ...settings, servers: [...servers], cache: 0 });
  const accounts = source.health().map(({ server }, i) =>
    dependencies.register("prometheus", server, { circuit: () => source.health()[i]!.circuit, probe: (signal) => signOfLife(servers[i]!, signal) }));
  let seen = source.health();
  const keepAccounts = (): void => {
    const now = source.health();
    now.forEach((health, i) => keep(accounts[i]!, seen[i]!, health));
    seen = now;
  };
  return {
    query: (promql, options) => source.query(promql, options).finally(keepAccounts),
    health: () => source.health(),
    close: () => source.close(),
  };
}

function keep(account: Account, before: ServerHealth, now: ServerHealth): void {
  if (now.failures > before.failures) account.failed(new ServiceUnavailable(now.lastFailure ?? "no answer"));
  else if (now.lastAnswer !== before.lastAnswer) account.succeeded();
}

/** Asks one server, once, whether it answers queries. */
async function signOfLife(server: string, signal?: AbortSignal): Promise<void> {
  const source = createPrometheus({ servers: [server], tries: 1, cache: 0 });
  try {
    const reading = await source.query("vector(1)", signal ? { signal } : {});
    if (reading.kind === "query-failed") throw new ServiceUnavailable(reading.reason);
  } finally {
    source.close();
  }
}
