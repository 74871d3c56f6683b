import * as fs from "node:fs";
import * as path from "node:path";
import { Command, Option } from "commander";
import { positive } from "../../driver/cli/arguments";
import { ensureToolchain } from "../../sandbox/toolchain";
import { growthChart, type GrowthOptions } from "./plot";
import { measureServices, type ServicesPoint } from "./services";
import { measureStacks } from "./stacks";
import { measureWindows } from "./windows";

interface Options {
  readonly only?: "services" | "stacks" | "windows";
  readonly services: readonly number[];
  readonly stacks: readonly number[];
  readonly runs: number;
  readonly plots?: string;
}

const counts = (text: string): number[] => text.split(",").map((count) => positive(count));

function table(points: readonly object[]): void {
  const [first] = points as readonly Readonly<Record<string, number>>[];
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |\n`;
  process.stdout.write(`\n${row(Object.keys(first!))}${row(Object.keys(first!).map(() => "---"))}${points.map((point) => row(Object.values(point).map((value: number) => Number(value.toPrecision(3))))).join("")}\n`);
}

/** Prints the points, and makes a curve of each cost by their number. */
function growth<P extends object>(points: readonly P[], labels: Omit<GrowthOptions, "lines">, number: (point: P) => number, costs: Readonly<Record<string, (point: P) => number>>): GrowthOptions {
  table(points);
  return { ...labels, lines: Object.entries(costs).map(([name, cost]) => ({ name, points: points.map((point) => [number(point), cost(point)] as const) })) };
}

async function services({ services: all, runs }: Options): Promise<GrowthOptions> {
  const tools = await ensureToolchain();
  const points: ServicesPoint[] = [];
  for (const count of all) points.push(await measureServices(tools, count, runs));
  return growth(points, { title: "Services in one stack", x: "services", y: "seconds" }, (p) => p.services, {
    "update of the driver, every weight changes": (p) => p.raise,
    "the same, state written for each object": (p) => p.raiseEach,
    "update of the driver, nothing changes": (p) => p.same,
    "a look at the counters": (p) => p.look,
  });
}

async function stacks({ stacks: all }: Options): Promise<GrowthOptions> {
  return growth(await measureStacks(await ensureToolchain(), all), { title: "Stacks by one command, at once", x: "stacks", y: "seconds" }, (p) => p.stacks, {
    "decision to verified split, slowest stack": (p) => p.slowest,
    "median stack": (p) => p.verified,
    "a stage beyond its dwell, slowest stack": (p) => p.own,
  });
}

async function windows(): Promise<GrowthOptions> {
  // The first is slow, whatever its number: nothing is compiled yet.
  measureWindows(100);
  return growth([10, 100, 1000].map(measureWindows), { title: "Windows of metrics in one rollout", x: "windows", y: "milliseconds" }, (p) => p.windows, {
    "all, a verdict after each": (p) => p.all,
    "the last one and its verdict": (p) => p.last,
  });
}

const PARTS = { services, stacks, windows } as const;

async function main(options: Options): Promise<void> {
  for (const [name, measure] of Object.entries(PARTS)) {
    if (options.only && options.only !== name) continue;
    const growth = await measure(options);
    if (options.plots) fs.writeFileSync(path.join(options.plots, `scale-${name}.svg`), growthChart(growth));
  }
}

const options = new Command("bench:scale").description("how the cost of a rollout grows with services, stacks and windows of metrics; tables and curves")
  .addOption(new Option("--only <what>", "one of the three").choices(Object.keys(PARTS)))
  .option("--services <list>", "in one stack", counts, [1, 10, 50]).option("--stacks <list>", "by one command", counts, [1, 3, 10])
  .option("--runs <n>", "updates of each kind", positive, 3).option("--plots <folder>", "writes the curves there").parse().opts<Options>();
void main(options).then(() => process.exit(0), (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
