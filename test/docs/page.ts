import { expect } from "chai";
import { blocksIn } from "./blocks";
import { Terminal } from "./shell";

/** Runs the shell blocks of a page in order, in one terminal in a fresh copy, as a reader does. */
export function runsPage(file: string, { slow }: { slow: boolean }): void {
  describe(`the commands of ${file}${slow ? ", the long ones too" : ""}`, function () {
    // A block may build the tools.
    this.timeout(3_600_000);
    let terminal: Terminal;
    let broken = false;
    before(() => (terminal = new Terminal()));
    after(() => terminal.close());

    for (const block of blocksIn(file)) {
      if (block.notRun !== undefined || (block.slow && !slow)) continue;
      const [first = ""] = block.code.split("\n").filter((line) => line.trim() !== "");
      it(`line ${block.line}${block.testOnly ? " (the test's own)" : ""}: ${first}${block.exit === 0 ? "" : `, exit code ${block.exit}`}`, async function () {
        // That one says what is wrong; what follows builds upon it.
        if (broken) this.skip();
        const { exit, output } = await terminal.run(block.code, { stopAtFailure: block.exit === 0 });
        broken = exit !== block.exit;
        expect(exit, output.slice(-4000)).to.equal(block.exit);
      });
    }
  });
}
