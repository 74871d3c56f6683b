import * as fs from "node:fs";
import * as path from "node:path";
import { Command, Option } from "commander";
import { positive } from "../../driver/cli/arguments";
import { ensureToolchain } from "../../sandbox/toolchain";
import { growthChart, type GrowthOptions } from "./plot";
import { measureServices, type ServicesPoint } from "./services";
import { measureStacks, type StacksPoint } from "./stacks";
import { measureWindows, type WindowsPoint } from "./windows";

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

const line = <P>(name: string, points: readonly P[], x: (point: P) => number, y: (point: P) => number): GrowthOptions["lines"][number] => ({ name, points: points.map((point) => [x(point), y(point)] as const) });

async function services({ services: all, runs }: Options): Promise<GrowthOptions> {
  const tools = await ensureToolchain();
  const points: ServicesPoint[] = [];
  for (const count of all) points.push(await measureServices(tools, count, runs));
  table(points);
  const of = (name: string, y: (point: ServicesPoint) => number): GrowthOptions["lines"][number] => line(name, points, (p) => p.services, y);
  return {
    title: "Services in one stack", x: "services", y: "seconds",
    lines: [of("pulumi up, every weight changes", (p) => p.raise), of("the same, state kept at its end only", (p) => p.raiseLast), of("pulumi up, nothing changes", (p) => p.same), of("a look at the counters", (p) => p.look)],
  };
}

async function stacks({ stacks: all }: Options): Promise<GrowthOptions> {
  const points = await measureStacks(await ensureToolchain(), all);
  table(points);
  const of = (name: string, y: (point: StacksPoint) => number): GrowthOptions["lines"][number] => line(name, points, (p) => p.stacks, y);
  return { title: "Stacks by one command, at once", x: "stacks", y: "seconds", lines: [of("decision to verified split, slowest stack", (p) => p.slowest), of("median stack", (p) => p.verified), of("a stage beyond its dwell, slowest stack", (p) => p.own)] };
}

async function windows(): Promise<GrowthOptions> {
  measureWindows(100);
  const points = [10, 100, 1000].map(measureWindows);
  table(points);
  const of = (name: string, y: (point: WindowsPoint) => number): GrowthOptions["lines"][number] => line(name, points, (p) => p.windows, y);
  return { title: "Windows of metrics in one rollout", x: "windows", y: "milliseconds", lines: [of("all, a verdict after each", (p) => p.all), of("the last one and its verdict", (p) => p.last)] };
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
