import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { UsageError } from "../../../driver/errors";
import { StackFile } from "../../../driver/stack/file";

const TEXT = `config:
  canary:namespace: shop # where it lives
  canary:stable: v1
  canary:services:
    shop: { image: shop, port: 8080, hosts: [shop.example] }
`;

describe("the driver's stack file", () => {
  let dir: string;

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-file-"));
    fs.writeFileSync(path.join(dir, "Pulumi.dev.yaml"), TEXT);
  });
  afterEach(() => fs.rmSync(dir, { recursive: true }));

  it("raises the generation with every edit and keeps comments", () => {
    const file = new StackFile(dir, "org/canary/dev");
    file.edit({ canary: "v2", weight: 5 }).write();
    expect(file.read()).to.deep.include({ weight: 5, generation: 1 });
    expect(fs.readFileSync(file.path, "utf8")).to.include("canary:namespace: shop # where it lives");
  });

  it("puts the old text back, byte for byte, when an edit is undone", () => {
    const file = new StackFile(dir, "dev");
    const { write, undo } = file.edit({ canary: "v2" });
    write();
    undo();
    expect(fs.readFileSync(file.path, "utf8")).to.equal(TEXT);
  });

  it("writes nothing before it is told to, and undoes nothing that somebody has written over", () => {
    const file = new StackFile(dir, "dev");
    const { write, undo } = file.edit({ canary: "v2" });
    expect(file.read().canary).to.equal(undefined);
    write();
    file.edit({ canary: "v3" }).write();
    undo();
    expect(file.read().canary?.version).to.equal("v3");
  });

  it("says when somebody else has changed what the file means, and minds no comment", () => {
    const file = new StackFile(dir, "dev");
    expect(file.editedByOthers()).to.equal(undefined);
    file.edit({ canary: "v2", weight: 5 }).write();
    fs.appendFileSync(file.path, "# a note\n");
    expect(file.editedByOthers()).to.equal(undefined);
    new StackFile(dir, "dev").edit({ weight: 6 }).write();
    expect(file.editedByOthers()).to.equal("Pulumi.dev.yaml was edited during the rollout");
    file.remember();
    expect(file.editedByOthers()).to.equal(undefined);
  });

  it("adopts the keys of a newer record with its generation, and removes what it does not have", () => {
    const file = new StackFile(dir, "dev");
    file.edit({ canary: "v2", weight: 5 }).write();
    file.adopt({ generation: 9, keys: { stable: "v2", previous: { version: "v1", env: { A: "b" } }, weight: 0 } });
    expect(file.keys()).to.deep.equal({ stable: "v2", previous: { version: "v1", env: { A: "b" } }, weight: 0 });
    expect(file.read().generation).to.equal(9);
  });

  it("refuses an edit that would make the file wrong and leaves it as it was", () => {
    const file = new StackFile(dir, "dev");
    expect(() => file.edit({ weight: 50 })).to.throw(UsageError, "canary:weight is 50");
    expect(fs.readFileSync(file.path, "utf8")).to.equal(TEXT);
    expect(fs.readdirSync(dir)).to.deep.equal(["Pulumi.dev.yaml"]);
  });

  it("says which file cannot be read", () => {
    expect(() => new StackFile(dir, "gone").read()).to.throw(UsageError, "Pulumi.gone.yaml cannot be read (it is not there): choose another --stack");
  });
});
