import { analyzeRecords, AnalysisError, backtest, createPrometheus, type GateAnswer, type GatesInput, type ProfileName, type SuccessRule, type Verdict } from "../../analysis";
import { printable } from "../cli/printable";
import { EXIT, UsageError, type ExitCode } from "../errors";
import { readText, readYaml } from "../text-file";

export interface AnalyzeFlags {
  readonly gates?: string;
  readonly stages?: readonly number[];
  readonly json?: boolean;
}

export interface BacktestFlags {
  readonly prometheus: string;
  readonly from: number;
  readonly to: number;
  readonly canary: string;
  readonly baseline: string;
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  readonly source: ProfileName;
  readonly success: SuccessRule;
  readonly step: number;
  readonly weight?: number;
  readonly gates?: string;
  readonly json?: boolean;
}

const EXIT_OF: Record<Verdict["verdict"], ExitCode> = { promote: EXIT.done, rollback: EXIT.rolledBack, hold: EXIT.held, undecided: EXIT.held };

/** A day of windows a second is some 20 MB; bytes. */
const MOST_RECORDS = 256 * 1024 * 1024;

/** The `gates` section of a file, or the whole file where it is only that. */
function gatesOf(file: string | undefined): GatesInput | undefined {
  if (file === undefined) return undefined;
  const content = readYaml(file, "name a file with a `gates` section");
  const inner = typeof content === "object" && content !== null && "gates" in content ? content.gates : content;
  return inner as GatesInput;
}

/** Numbers that JSON has no word for are left out. */
const finite = (_: string, value: unknown): unknown => (typeof value === "number" && !Number.isFinite(value) ? undefined : value);

function print(verdict: Verdict, json: boolean | undefined): void {
  if (json) return void process.stdout.write(`${JSON.stringify(verdict, finite)}\n`);
  const values = ({ logE, logEStage, logELimit }: GateAnswer): string =>
    logE === undefined ? "" : `  [ln E ${logE.toFixed(3)}${logEStage === undefined ? "" : `, this stage ${logEStage.toFixed(3)}`}${logELimit === undefined ? "" : `, decides at ${logELimit.toFixed(3)}`}]`;
  const lines = verdict.gates.map((g) => `  ${g.metric.padEnd(12)} ${g.gate.padEnd(10)} ${g.answer.padEnd(15)} ${g.sentence}${values(g)}`);
  process.stdout.write([`${verdict.verdict}: ${verdict.reason}`, ...lines].map((line) => `${printable(line.replaceAll("\n", "\\n"))}\n`).join(""));
}

/** Wrong records, wrong gates and empty history are the person's to mend; nothing was touched. */
async function judged(run: () => Promise<Verdict> | Verdict, json: boolean | undefined): Promise<number> {
  try {
    const verdict = await run();
    print(verdict, json);
    return EXIT_OF[verdict.verdict];
  } catch (cause) {
    if (cause instanceof AnalysisError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}

/** Judges recorded windows (newline-delimited JSON). */
export const analyze = (file: string, { gates, stages, json }: AnalyzeFlags): Promise<number> =>
  judged(() => analyzeRecords(readText(file, "name a file, or - for standard input", MOST_RECORDS), { gates: gatesOf(gates), stages: stages?.map((weight) => ({ weight })) }), json);

/** Judges a span of Prometheus' history in which both versions served. */
export const backtestVerb = (flags: BacktestFlags): Promise<number> =>
  judged(async () => {
    const { service, namespace, port, source: profile, success, from, to, step, weight } = flags;
    const source = createPrometheus({ servers: [flags.prometheus] });
    try {
      const target = { profile, success, namespace, service, port, stableService: `${service}-stable`, canaryService: `${service}-canary`, stableVersion: flags.baseline, canaryVersion: flags.canary };
      return await backtest(source, { target, from, to, step, weight, gates: gatesOf(flags.gates) });
    } finally {
      source.close();
    }
  }, flags.json);
