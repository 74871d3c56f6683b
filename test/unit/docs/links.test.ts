import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { anchorsOf, brokenLink, internalLinks, PAGE_FILES } from "./links";

describe("the links of the pages", () => {
  for (const page of PAGE_FILES) {
    it(`${page}: each leads to a file and a heading that are there`, () => {
      expect(internalLinks(fs.readFileSync(page, "utf8")).map((target) => brokenLink(page, target)).filter((why) => why !== undefined)).to.deep.equal([]);
    });
  }

  it("docs/README.md lists every page", () => {
    const listed = internalLinks(fs.readFileSync("docs/README.md", "utf8")).map((target) => path.join("docs", target.split("#")[0]!));
    expect(PAGE_FILES.filter((page) => page.startsWith("docs/") && page !== "docs/README.md" && !listed.includes(page))).to.deep.equal([]);
  });

  it("are found in text and not in code, with anchors as GitHub makes them", () => {
    expect(internalLinks("[a](b.md#c) ![p](p.svg) [x](https://e.example)\n```\n[n](no.md)\n```\n`[m](no.md)`")).to.deep.equal(["b.md#c", "p.svg"]);
    expect([...anchorsOf("# A `canary:x.<name>`, B & C\n## Twice\n## Twice\n```\n# no\n```")]).to.deep.equal(["a-canaryxname-b--c", "twice", "twice-1"]);
    expect(brokenLink("README.md", "docs/nothing.md")).to.include("is not there");
    expect(brokenLink("README.md", "#no-such-heading")).to.include("has no heading");
  });
});
