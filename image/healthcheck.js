"use strict";
// What the image's HEALTHCHECK runs: exit code 0 when the guard beside it answers on the port that its settings name.
const { readFileSync } = require("node:fs");

/** The guard's port by the file that the Guard component mounts; the default where there is none. */
function port() {
  try {
    return JSON.parse(readFileSync(process.env.CANARY_GUARD_SETTINGS ?? "/etc/canary-guard/settings.json", "utf8")).config.guard.metricsPort ?? 9464;
  } catch {
    return 9464;
  }
}

fetch(`http://127.0.0.1:${port()}/health`, { signal: AbortSignal.timeout(4000) }).then(
  ({ ok }) => process.exit(ok ? 0 : 1),
  (error) => {
    process.stderr.write(`The guard does not answer: ${error.cause?.message ?? error.message}\n`);
    process.exit(1);
  },
);
