import type { BuildProgress } from "./build";

/** How often a log without a terminal gets a sign of life, in ms. */
const LOG_EVERY = 30_000;

export interface BuildLine {
  readonly update: BuildProgress;
  done(): void;
}

/** Seconds as `4m 05s` or `12s`. */
export function elapsed(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, "0")}s`;
}

/** One line per module on standard error: rewritten in place on a terminal, repeated now and then in a log. */
export function buildReporter(count: number, cache: string, estimate: string): { start(title: string): BuildLine } {
  const out = process.stderr;
  out.write(`Building ${count} tool${count === 1 ? "" : "s"} from Go modules into ${cache}; once, ${estimate} on two cores when nothing is cached.\n`);
  let index = 0;
  return {
    start(title) {
      const label = `[${++index}/${count}] ${title}`;
      const began = Date.now();
      let step = "starting";
      let logged = 0;
      const paint = (): void => {
        const text = `${label}: ${step}, ${elapsed(Date.now() - began)}`;
        if (out.isTTY) out.write(`\r\x1b[K${text.slice(0, (out.columns ?? 80) - 1)}`);
        else if (Date.now() - logged >= LOG_EVERY) {
          logged = Date.now();
          out.write(`${text}\n`);
        }
      };
      const timer = setInterval(paint, 1000);
      timer.unref();
      paint();
      return {
        update(what, done, of) {
          step = of ? `${what} ${done} of ${of} packages` : what;
        },
        done() {
          clearInterval(timer);
          out.write(`${out.isTTY ? "\r\x1b[K" : ""}${label}: built in ${elapsed(Date.now() - began)}\n`);
        },
      };
    },
  };
}
