import { expect } from "chai";
import * as fc from "fast-check";
import { ConfigError, editStackFile, parseStackFile, type StackEdit, type VersionValue } from "../../../components/config";

const FILE = `# Head of the file
encryptionsalt: v1:abc=   # stays
config:
  # who
  canary:namespace: shop

  # what runs
  canary:stable:   'v1.2.0'   # the good one
  canary:canary:
    version: v1.3.0   # the new one
    env: {A: "1"}
  # how much
  canary:weight: 25     # percent
  canary:services:
    shop: {image: shop, port: 8080,   hosts: [shop.example]}   # odd spacing
  kubernetes:context: dev
  canary:token:
    secure: v1:ciphertext
`;

describe("a stack file", () => {
  it("gives the keys of the project without their prefix, encrypted ones unread", () => {
    expect(parseStackFile(FILE)).to.deep.equal({
      namespace: "shop",
      stable: "v1.2.0",
      canary: { version: "v1.3.0", env: { A: "1" } },
      weight: 25,
      services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } },
      token: { secure: "v1:ciphertext" },
    });
    expect(parseStackFile("config:\n  other:weight: 1\n", "other")).to.deep.equal({ weight: 1 });
  });

  it("without config has no keys", () => {
    for (const text of ["", "# nothing\n", "config:\n", "config: {}\n", "encryptionsalt: x\n"]) expect(parseStackFile(text)).to.deep.equal({});
  });

  it("that is no YAML, or whose config is no map, is refused with one sentence", () => {
    expect(() => parseStackFile("config: [")).to.throw(ConfigError, /^the stack file is no valid YAML: .* at line 1, column 10\.$/);
    expect(() => parseStackFile("config: 5")).to.throw(
      ConfigError, "config in the stack file is 5: it must map keys such as canary:weight to values.");
  });

  it("changes in the edited values alone, down to the byte", () => {
    expect(editStackFile(FILE, { stable: "v1.3.0", weight: 50 })).to.equal(
      FILE.replace("'v1.2.0'", "v1.3.0").replace("25     # percent", "50     # percent"));
  });

  it("loses a removed key and keeps the comments around it", () => {
    expect(editStackFile(FILE, { canary: null, weight: 0 })).to.equal(
      FILE.replace(/  canary:canary:\n.*\n.*\n/, "").replace("weight: 25", "weight: 0"));
  });

  it("gets new keys below the rollout keys, in their order", () => {
    const edited = editStackFile(FILE, { previous: "v1.1.0", generation: 7 });
    expect(edited).to.equal(FILE.replace("# percent\n", "# percent\n  canary:previous: v1.1.0\n  canary:generation: 7\n"));
  });

  it("replaces a map by a text and a text by a map on one line", () => {
    const edited = editStackFile(FILE, { stable: { version: "v1.2.0", replicas: 3, env: { B: "x, y" } }, canary: "v1.4.0" });
    expect(edited).to.equal(FILE
      .replace("'v1.2.0'", '{version: v1.2.0, replicas: 3, env: {B: "x, y"}}')
      .replace(/canary:canary:\n.*\n.*\n/, "canary:canary: v1.4.0\n"));
  });

  it("quotes versions that YAML would read as something else", () => {
    for (const version of ["1.10", "0777", "1e3", "no", "null", "0x1f", "12_000"]) {
      expect(editStackFile(FILE, { stable: version })).to.include(`canary:stable:   "${version}"   # the good one`);
    }
  });

  it("keeps Windows line ends", () => {
    const edited = editStackFile(FILE.replaceAll("\n", "\r\n"), { canary: null, weight: 5, generation: 1 });
    expect(edited.replaceAll("\r\n", "")).to.not.match(/[\r\n]/);
    expect(parseStackFile(edited)).to.include({ weight: 5, generation: 1 });
  });

  it("is filled when it has no config yet, or one on one line", () => {
    for (const text of ["", "# only this\n", "config:\n", "config: {}\n", "# c\nconfig: {canary:namespace: shop}\n", "config:\n  canary:namespace: shop"]) {
      const edited = editStackFile(text, { stable: "v1", weight: 0 });
      expect(parseStackFile(edited), text).to.deep.include({ stable: "v1", weight: 0 });
      for (const comment of text.match(/#.*/g) ?? []) expect(edited).to.include(comment);
    }
  });

  it("is refused when an anchor ties a rollout key to another key", () => {
    const text = "config:\n  canary:stable: &v v1\n  canary:previous: *v\n";
    expect(() => editStackFile(text, { stable: "v2" })).to.throw(
      ConfigError, "the stack file uses YAML anchors in its rollout keys: they must be written out before a rollout can edit them.");
  });

  const version = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,20}$/);
  const value: fc.Arbitrary<VersionValue> = fc.oneof(
    version,
    fc.record({ version, env: fc.dictionary(fc.stringMatching(/^[A-Z]{1,4}$/), fc.string()), withdrawn: fc.boolean() }, { requiredKeys: ["version"] }),
  );
  const edit: fc.Arbitrary<StackEdit> = fc.record({
    stable: value,
    canary: fc.option(value, { nil: null }),
    previous: fc.option(value, { nil: null }),
    weight: fc.integer({ min: 0, max: 100 }),
    generation: fc.nat(),
  }, { requiredKeys: [] });
  const comment = fc.stringMatching(/^[a-z ]{0,12}$/).map((text) => `# ${text}`);
  /** Block-style files with comments above and behind every key, in any order. */
  const file = fc.tuple(
    fc.shuffledSubarray([
      ["canary:stable", ["v1"]], ["canary:canary", ["", "  version: v2", "  # inner", "  env:", "    A: 'x'"]], ["canary:weight", ["5"]],
      ["canary:previous", ["v0"]], ["canary:generation", ["3"]], ["canary:namespace", ["shop"]], ["aws:region", ["{a: 1}"]],
      ["canary:services", ["", "  shop:", "    image: shop"]],
    ] as const, { minLength: 1 }),
    fc.array(comment, { minLength: 16, maxLength: 16 }),
    fc.constantFrom("  ", "    "),
  ).map(([entries, comments, indent]) => {
    const lines = entries.flatMap(([key, [first, ...rest]], index) =>
      [comments[2 * index]!, `${key}: ${first}${first === "" ? "" : "   "}${comments[2 * index + 1]!}`, ...rest]);
    return `# head\nconfig:\n${lines.map((line) => `${indent}${line}`).join("\n")}\n# foot\nencryptionsalt: x\n`;
  });

  it("reads back every edit, and nothing else has changed", () => {
    fc.assert(fc.property(file, edit, (text, changes) => {
      const expected = Object.fromEntries(
        Object.entries({ ...parseStackFile(text), ...changes }).filter(([key, to]) => !(key in changes && to === null)));
      expect(parseStackFile(editStackFile(text, changes))).to.deep.equal(expected);
    }), { numRuns: 300 });
  });

  it("keeps every line that belongs to no edited key, in order", () => {
    fc.assert(fc.property(file, edit, (text, changes) => {
      const edited = editStackFile(text, changes).split("\n");
      let from = 0;
      let key = "";
      for (const line of text.split("\n")) {
        key = /^\s+(\w+:\w+):/.exec(line)?.[1] ?? (/^\s*#|^\S/.test(line) && !line.includes("# inner") ? "" : key);
        if (key.replace("canary:", "") in changes) continue;
        const found = edited.indexOf(line, from);
        expect(found, `${line} in\n${edited.join("\n")}`).to.be.at.least(from);
        from = found + 1;
      }
    }), { numRuns: 300 });
  });
});
