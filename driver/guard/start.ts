import { hostname } from "node:os";
import { clusterAccess } from "../cluster/client";
import { isHome, liveTraffic, sendHome } from "../cluster/traffic";
import { GUARD_PREFIX } from "../record/lease";
import { recordStore } from "../record/store";
import { jsonReporter } from "../report/reporters";
import { Guard } from "./guard";
import { heldWatches } from "./held-watch";
import { GuardLease } from "./lease";
import { guardMetrics } from "./metrics";
import { serve } from "./server";
import type { GuardSettings } from "./settings";

/** Runs a guard in its pod until the signal aborts. */
export async function startGuard({ stack, record: name, config, guard }: GuardSettings, signal: AbortSignal): Promise<void> {
  const { namespace, services, rollout: { leaseSeconds } } = config;
  const access = clusterAccess({});
  const report = jsonReporter(process.stdout);
  const log = (message: string): void => report({ event: "note", message });
  const me = `${GUARD_PREFIX}${process.env.CANARY_GUARD_POD ?? hostname()}`;
  const metrics = guardMetrics(stack, namespace, Object.keys(services));
  let ready = false;
  let lookedAt = Date.now();
  const watcher = new Guard({
    me, leaseSeconds, log,
    intervalSeconds: guard.intervalSeconds,
    store: recordStore(access, namespace, name),
    lease: new GuardLease(access, { name, namespace }, me, leaseSeconds),
    isHome: async () => (await liveTraffic(access, config)).every(isHome),
    sendHome: (reason) => sendHome(access, config, `${me}: ${reason}`),
    watch: heldWatches(config, access),
    seen: (book) => {
      metrics.show(book);
      ready ||= book !== undefined;
      lookedAt = Date.now();
    },
  });
  const server = serve(guard.metricsPort, metrics.registry, () => ({ ready, sinceLook: (Date.now() - lookedAt) / 1000 }));
  log(`guarding the rollouts of ${stack}, namespace ${namespace}`);
  await watcher.run(signal);
  server.close();
}
