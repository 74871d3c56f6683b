import "./plain";
import * as fs from "node:fs";
import * as path from "node:path";
import Mocha from "mocha";

const SUITES = ["unit", "integration", "extended"] as const;
/** What `npm test` runs: the others are for what changes rarely, and for before a release. */
const USUAL: readonly string[] = ["unit", "integration"];

function testFiles(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  return (fs.readdirSync(dir, { recursive: true }) as string[]).filter((f) => f.endsWith(".test.js")).sort().map((f) => path.join(dir, f));
}

/** Runs the suites that are named, or the usual ones: `npm test`, `npm run test:unit`, `npm test -- integration --grep split`. */
function main(args: readonly string[]): void {
  const grep = args.indexOf("--grep");
  const chosen = SUITES.filter((s) => args.includes(s));
  const mocha = new Mocha({ timeout: 10_000, slow: 2_000, color: process.stdout.isTTY, forbidOnly: Boolean(process.env.CI) });
  if (grep >= 0) mocha.grep(args[grep + 1]!);
  for (const suite of chosen.length > 0 ? chosen : USUAL) testFiles(path.join(__dirname, suite)).forEach((f) => mocha.addFile(f));
  let passed = 0;
  let failed = 0;
  const runner = mocha.run(() => {
    // Nothing that ran is no success either.
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
    process.exit(failed > 0 || passed === 0 ? 1 : 0);
  });
  runner.on("pass", () => passed++).on("fail", () => failed++);
}

main(process.argv.slice(2));
