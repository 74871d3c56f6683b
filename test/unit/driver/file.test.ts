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
    file.edit({ canary: "v2", weight: 5 });
    expect(file.read()).to.deep.include({ weight: 5, generation: 1 });
    expect(fs.readFileSync(file.path, "utf8")).to.include("canary:namespace: shop # where it lives");
  });

  it("puts the old text back, byte for byte, when an edit is undone", () => {
    const file = new StackFile(dir, "dev");
    file.edit({ canary: "v2" }).undo();
    expect(fs.readFileSync(file.path, "utf8")).to.equal(TEXT);
  });

  it("refuses an edit that would make the file wrong and leaves it as it was", () => {
    const file = new StackFile(dir, "dev");
    expect(() => file.edit({ weight: 50 })).to.throw(UsageError, "canary:weight is 50");
    expect(fs.readFileSync(file.path, "utf8")).to.equal(TEXT);
    expect(fs.readdirSync(dir)).to.deep.equal(["Pulumi.dev.yaml"]);
  });

  it("says which file cannot be read", () => {
    expect(() => new StackFile(dir, "gone").read()).to.throw(UsageError, "Pulumi.gone.yaml cannot be read: choose another --stack");
  });
});
