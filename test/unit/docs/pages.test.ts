import { expect } from "chai";
import * as fs from "node:fs";
import { parse } from "yaml";
import { parseConfig, parseStackFile } from "../../../components/config";
import { commandLine } from "../../../driver/cli/program";
import { CONFIG_EXAMPLES } from "../../../driver/docs/config-examples";
import { PAGES } from "../../../driver/docs/pages";
import { helpBelowOptions } from "../../../driver/docs/verbs-page";
import { blocksIn, blocksOf } from "../../docs/blocks";
import { PAGE_FILES } from "./links";

const SHOP = { image: "shop", port: 8080, hosts: ["shop.example"] };

describe("the pages that are made of the code", () => {
  for (const [name, page] of Object.entries(PAGES)) {
    it(`docs/${name} is up to date; \`npm run docs\` brings it there`, () => {
      expect(fs.readFileSync(`docs/${name}`, "utf8") === page(), `docs/${name} differs from what the code says`).to.equal(true);
    });
  }

  it("every example of docs/config.md stands on the page and is accepted by the parser", () => {
    const page = fs.readFileSync("docs/config.md", "utf8");
    for (const [heading, example] of Object.entries(CONFIG_EXAMPLES)) {
      expect(page, heading).to.include(example.trim());
      const minimal = { "canary:namespace": "shop", "canary:services": { shop: SHOP } };
      const config = { ...minimal, ...(parse(example) as object) };
      expect(() => parseConfig(parseStackFile(JSON.stringify({ config }))), heading).to.not.throw();
    }
  });

  it("docs/config.md has a line for every key of the schema", () => {
    const page = fs.readFileSync("docs/config.md", "utf8");
    const keys = Object.keys((JSON.parse(fs.readFileSync("docs/stack.schema.json", "utf8")) as { properties: { config: { properties: object } } }).properties.config.properties);
    expect(keys.filter((key) => !page.includes(`| \`${key}\``))).to.deep.equal([]);
  });

  it("every verb has examples in its help that name the verb, and says its exit codes", () => {
    for (const command of commandLine().commands.filter((c) => !(c as unknown as { _hidden: boolean })._hidden)) {
      const { examples, exits } = helpBelowOptions(command);
      expect(examples.some((line) => line.includes(`canary ${command.name()}`)), command.name()).to.equal(true);
      if (command.name() !== "completion") expect(exits, command.name()).to.match(/^0 |\b2 /);
    }
  });
});

describe("the stack files in the pages", () => {
  const stackFiles = PAGE_FILES.flatMap((file) =>
    [...fs.readFileSync(file, "utf8").matchAll(/^```yaml\n([\s\S]*?)^```$/gm), ...fs.readFileSync(file, "utf8").matchAll(/<<'EOF'\n((?:#.*\n)*config:\n[\s\S]*?)^EOF$/gm)]
      .map(([, text]) => text!)
      .filter((text) => /^config:$/m.test(text) && /canary:services:/.test(text))
      .map((text) => ({ file, text })));

  it("are many", () => expect(stackFiles.length).to.be.greaterThan(8));
  for (const [n, { file, text }] of stackFiles.entries()) {
    it(`${file}, number ${n + 1}, is accepted by the parser`, () => {
      expect(() => parseConfig(parseStackFile(text))).to.not.throw();
    });
  }
});

describe("the command blocks of the pages", () => {
  it("say on every page what the test does otherwise, and some of README and of getting-started are run", () => {
    for (const file of PAGE_FILES) expect(() => blocksIn(file), file).to.not.throw();
    for (const file of ["README.md", "docs/getting-started.md"]) expect(blocksIn(file).some(({ notRun, testOnly }) => notRun === undefined && !testOnly), file).to.equal(true);
  });

  it("know what a comment before them says", () => {
    const [a, b, c] = blocksOf("<!-- not run: a cluster of yours -->\n```sh\nx\n```\n\n<!-- first, in the test: setup\ny\n-->\n\n<!-- exit 2: rolled back -->\n```sh\nz\n```\n");
    expect(a).to.include({ notRun: "a cluster of yours", code: "x", line: 2 });
    expect(b).to.include({ testOnly: true, code: "y" });
    expect(c).to.include({ exit: 2, code: "z" });
  });

  it("refuse a comment without a reason, or one that stands before nothing", () => {
    expect(() => blocksOf("<!-- not run -->\n```sh\nx\n```")).to.throw("gives no reason");
    expect(() => blocksOf("<!-- not run: why -->\n\nwords\n```sh\nx\n```")).to.throw("before no block");
    expect(() => blocksOf("<!-- slow: why -->\n```yaml\nx\n```")).to.throw("not `sh`");
  });
});
