import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import * as fc from "fast-check";
import { stringify } from "yaml";
import { parseConfig, parseStackFile } from "../../../components/config";
import { accepted } from "../components/arbitrary-config";
import { changed, type Path, type Raw } from "../components/declare";
import { breakage, dotted, HUGE, ODD_VALUES, pathsIn, renamed, runs, slip, TEXT_BREAKAGES, without } from "./breakages";
import { Desk, type Told } from "./desk";
import { CASES, count, expectRefusal, expectSentences } from "./oracle";

const KIND = "stack files";
const FILE = "Pulumi.dev.yaml";
const EXAMPLES = ["Pulumi.staging.yaml", "Pulumi.production.yaml"].map((name) => fs.readFileSync(path.resolve(__dirname, "../../../..", name), "utf8"));
/** Verbs that read the file before anything else; most would change something. */
const VERBS: readonly (readonly string[])[] = [
  ["deploy", "v9", "--yes"], ["status"], ["promote", "--full"], ["rollback"], ["traffic", "50"], ["undo"], ["hold"], ["resume", "--yes"], ["cleanup", "--now"], ["sync"], ["preview", "v9"], ["init"], ["experiment", "v9"], ["monitor", "--duration", "1"], ["deploy", "v9", "--canary-weight", "10"],
];

const textOf = (raw: unknown): string => stringify({ config: Object.fromEntries(Object.entries(raw as object).map(([key, value]) => [`canary:${key}`, value as unknown])) });

/** What an accepted config may not hold, whatever it was made from. */
function expectSane(value: unknown, at: string): void {
  if (typeof value === "number") expect(Number.isFinite(value), `${at} is ${value}`).to.equal(true);
  if (typeof value === "object" && value !== null) for (const [key, each] of Object.entries(value)) expectSane(each, `${at}.${key}`);
}

describe("a malformed stack file", function () {
  this.timeout(240_000);
  const desk = new Desk();
  let turn = 0;
  before(() => desk.start());
  after(() => desk.stop());

  /** Looks with a broken file: accepted on purpose, or refused by every verb in the same words. */
  async function judged(content: string | Uint8Array, named: readonly string[], accept: "never" | "perhaps" | "always", verbs = VERBS): Promise<Told> {
    count(KIND);
    desk.write(FILE, content);
    const told = await desk.stack(["history"]);
    if (told.code === 0) {
      expect(accept, `accepted:\n${content.toString().slice(0, 2000)}`).not.to.equal("never");
      expect(told.changes).to.deep.equal([]);
      expectSane(parseConfig(parseStackFile(content.toString())), "config");
    } else {
      expect(accept, told.stderr).not.to.equal("always");
      expectRefusal(told, named);
      expect(told.stderr).to.include(FILE);
      // Every third one by another verb too: each costs as much as the case.
      if (turn++ % 3 === 0) {
        const again = await desk.stack(verbs[(turn / 3) % verbs.length | 0]!);
        expectRefusal(again, named);
        expect(again.stderr).to.equal(told.stderr);
      }
    }
    expect(fs.readFileSync(desk.path(FILE)).equals(Buffer.from(content)), "the file is as it was").to.equal(true);
    return told;
  }

  const keyOf = (path: Path): string => `canary:${dotted(path)}`;
  /** A sentence names the key or the map that it is in; or what refers to it tells the names that it finds, and where. */
  function namesOf(where: Path): string[] {
    const above = where.slice(0, -1);
    return [keyOf(where), ...(above.length > 0 ? [`${keyOf(above)} `] : []), ` in ${where.at(-1)}`, ` ${dotted(where.slice(-2))} `];
  }

  it("is refused in a sentence with the key's path, or was meant so, when one value is odd", () =>
    fc.assert(fc.asyncProperty(accepted, fc.nat(), fc.constantFrom(...ODD_VALUES), async (raw, choice, odd) => {
      const paths = pathsIn(raw);
      const where = paths[choice % paths.length]!;
      await judged(textOf(changed(raw, where, odd)), namesOf(where), "perhaps");
    }), runs(CASES / 4)));

  it("is refused with the key that is missing, what lacks it, or was meant so", () =>
    fc.assert(fc.asyncProperty(accepted, fc.nat(), async (raw, choice) => {
      const paths = pathsIn(raw);
      const where = paths[choice % paths.length]!;
      const above = where.slice(0, -1);
      // Without the key that told its form, a map is taken for one of another form, which lacks another key.
      await judged(textOf(without(raw, where)), [...namesOf(where), `"${where.at(-1)}"`, ...(above.length > 0 ? namesOf(above) : [])], "perhaps");
    }), runs(CASES / 8)));

  it("is refused with the key that was misspelt, or with what lacks it, or was meant so", () =>
    fc.assert(fc.asyncProperty(accepted, fc.nat(), fc.nat(5), fc.nat(30), async (raw, choice, kind, at) => {
      const paths = pathsIn(raw).filter((each) => typeof each.at(-1) === "string");
      const where = paths[choice % paths.length]!;
      const word = slip(String(where.at(-1)), kind, at);
      await judged(textOf(renamed(raw, where, word)), [keyOf([...where.slice(0, -1), word]), ...namesOf(where), ` ${word}.`, ` ${word},`], "perhaps");
    }), runs(CASES / 8)));

  it("is refused with its name, or means what it says, when something happened to the text", () =>
    fc.assert(fc.asyncProperty(fc.constantFrom(...EXAMPLES), breakage, async (text, { name, at }) => {
      await judged(TEXT_BREAKAGES[name]!(text, at), [FILE], "perhaps");
    }), runs(CASES / 2)));

  for (const [name, make] of Object.entries(HUGE))
    it(`is refused when it is ${name}`, () => judged(make(), [FILE], "never"));

  it("means the same with a byte order mark, Windows' line ends, comments, or other quotes", async () => {
    for (const text of EXAMPLES) {
      for (const same of [`\ufeff${text}`, text.replaceAll("\n", "\r\n"), `# a note\n${text}# the end`, text.replaceAll(/: (v\d\S+)$/gm, ': "$1"'), `---\n${text}`, `${text}\n...\n`]) {
        await judged(same, [], "always");
        expect(parseConfig(parseStackFile(same))).to.deep.equal(parseConfig(parseStackFile(text)));
      }
    }
  });

  it("may use anchors, and `<<` as Pulumi's own reader does", async () => {
    const service = "{image: shop, port: 8080, hosts: [shop.example]}";
    const told = await judged(`common: &common ${service}\nconfig:\n  canary:namespace: shop\n  canary:services:\n    shop: {<<: *common, port: 9000}\n`, [], "always");
    expect(told.stdout).to.include("Nothing was rolled out");
    expect(parseStackFile(fs.readFileSync(desk.path(FILE), "utf8")).services).to.deep.equal({ shop: { image: "shop", port: 9000, hosts: ["shop.example"] } });
  });

  it("is refused when what the driver must know is encrypted", async () => {
    for (const key of ["namespace", "services", "weight", "stable", "rollout", "analysis", "router"])
      await judged(EXAMPLES[0]!.replace(/^ {2}canary:generation.*$/m, `$&\n  canary:${key}: {secure: "v1:abc:def"}`).replace(new RegExp(`^ {2}canary:${key}:(?! \\{secure).*\\n( {3,}.*\\n|\\n)*`, "m"), ""), [`canary:${key}`], "never");
  });

  it("is refused when its cluster is encrypted, or is no text, and says what to do", async () => {
    for (const [key, value, says] of [["kubeconfig", '{secure: "v1:abc"}', "is encrypted"], ["context", "{secure: x}", "is encrypted"], ["context", "5", "is no text"], ["kubeconfig", "[a]", "is no text"], ["context", '""', "is no text"]] as const) {
      const told = await judged(`${EXAMPLES[0]}  kubernetes:${key}: ${value}\n`, [`kubernetes:${key}`], "never", VERBS.filter(([verb]) => verb !== "init"));
      expect(told.stderr).to.include(says);
    }
  });

  it("says why it cannot be read, and what to do", async () => {
    const at = desk.path(FILE);
    const refused = async (why: string, make: () => void): Promise<void> => {
      count(KIND);
      fs.rmSync(at, { recursive: true, force: true });
      make();
      for (const verb of [["history"], ["deploy", "v9", "--yes"]]) {
        const told = await desk.stack(verb);
        expectRefusal(told, [FILE]);
        expect(told.stderr).to.include(`(${why})`).and.to.include("choose another --stack");
      }
    };
    await refused("it is not there", () => undefined);
    await refused("it is a folder", () => fs.mkdirSync(at));
    await refused("it is a link to a file that is not there", () => fs.symlinkSync("nowhere", at));
    await refused("its links lead in a circle", () => fs.symlinkSync(FILE, at));
    fs.rmSync(at);
  });

  it("shows a sentence of each problem, and no more than ten of them", async () => {
    const services = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, { image: "x", port: "no", hosts: [`h${i}.example`] }]));
    const told = await judged(textOf({ namespace: "shop", services } satisfies Raw), ["canary:services.s0.port"], "never");
    expect(told.stderr.trim().split("\n")).to.have.length(11);
    expect(told.stderr).to.include("… and 30 more problems.");
  });

  it("expectations of this suite can fail", () => {
    expect(() => expectSentences("TypeError: Cannot read properties of undefined (reading 'x')\n    at f (/a.js:1:2)\n", "it")).to.throw("a stack trace");
    expect(() => expectSentences("canary: undefined cannot be read.", "it")).to.throw("JavaScript");
    expect(() => expectRefusal({ args: [], code: 64, stdout: "", stderr: `canary: ${FILE} is wrong.\n`, changes: [] }, namesOf(["services", "shop", "port"]))).to.throw("names none of");
  });
});
