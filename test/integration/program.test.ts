import * as fs from "node:fs";
import { expect } from "chai";
import { clopperPearson } from "../../analysis/statistics/intervals";
import { totalOf } from "../../sandbox/demo/load";
import { kubernetes, shopStack, type Shop } from "./harness";

describe("the Pulumi program on the embedded cluster", function () {
  this.timeout(120_000);
  let shop: Shop;

  before(async () => {
    shop = await shopStack("program", { stable: "v1", canary: "v2" });
    const up = await shop.pulumi("up", "--yes", "--skip-preview");
    expect(up.code, up.output).to.equal(0);
  });

  /** Under some load, because the driver waits until the router is seen to serve the weight. */
  async function setTraffic(weight: number): Promise<void> {
    const load = shop.background(100);
    const set = await shop.canary("traffic", String(weight));
    await load.stop();
    expect(set.exitCode, set.stderr).to.equal(0);
    expect(set.events.at(-1)?.message).to.match(new RegExp(`^Weight ${weight} is set and served: `));
  }

  it("serves exactly the weight that is set, from 5 to 100 and back to 0", async () => {
    for (const weight of [5, 25, 50, 100, 0]) {
      await setTraffic(weight);
      const counts = await shop.load(2000);
      const canary = totalOf(counts["v2"]);
      const all = canary + totalOf(counts["v1"]);
      expect(all, JSON.stringify(counts)).to.be.within(1990, 2000);
      if (weight === 0) expect(canary).to.equal(0);
      else if (weight === 100) expect(canary).to.equal(all);
      else {
        const { low, high } = clopperPearson(canary, all, 0.999);
        expect(weight / 100, `${canary} of ${all}`).to.be.within(low, high);
      }
    }
  });

  it("moves the split by a hand-edited weight and `pulumi up`, and previews it as one changed resource", async () => {
    shop.edit(/canary:weight: \d+/, "canary:weight: 30");
    const preview = await shop.pulumi("preview", "--json");
    const { changeSummary } = JSON.parse(preview.output.slice(preview.output.indexOf("{"), preview.output.lastIndexOf("}") + 1)) as { changeSummary: Record<string, number> };
    expect(changeSummary).to.include({ update: 1 }).and.to.have.all.keys("same", "update");
    expect((await shop.pulumi("up", "--yes", "--skip-preview")).code).to.equal(0);
    const counts = await shop.load(1000);
    const { low, high } = clopperPearson(totalOf(counts["v2"]), 1000, 0.999);
    expect(0.3).to.be.within(low, high);
  });

  it("sends a request with the canary header to the canary at weight 0", async () => {
    await setTraffic(0);
    expect(Object.keys(await shop.load(50, 100, { "X-Canary": "always" }))).to.deep.equal(["v2"]);
    expect(Object.keys(await shop.load(50, 100))).to.deep.equal(["v1"]);
  });

  const wrong: [string, RegExp | string, string, string][] = [
    ["a weight of 101", /canary:weight: \d+/, "canary:weight: 101", "canary:weight is 101: it must be a whole number from 0 to 100."],
    ["an unknown key", /canary:weight: /, "canary:weigth: 5\n  canary:weight: ", "canary:weigth is not a known key: did you mean canary:weight?"],
    ["a canary without a version", /canary:canary: .*/, "canary:canary: {image: other}", "canary:canary has no version: it must be a version, or a map with the key version."],
    ["a wrong gate config", "preset: C", "preset: Z", 'canary:analysis.gates.preset is "Z": expected none, A, B, C, D or E.'],
    [
      "a header name that ingress-nginx would drop silently",
      "port: 8080",
      "port: 8080\n      routing: {header: {name: X Canary}}",
      'canary:services.shop.routing.header.name is "X Canary": it must consist of letters, digits and "-", because ingress-nginx silently drops any other header name.',
    ],
  ];
  for (const [what, from, to, sentence] of wrong)
    it(`refuses ${what} in preview with one sentence and touches nothing`, async () => {
      const { networking } = await kubernetes();
      const ingress = async (): Promise<string | undefined> => (await networking.readNamespacedIngress({ name: "shop-canary", namespace: shop.namespace })).metadata?.resourceVersion;
      const before = await ingress();
      const written = fs.readFileSync(shop.stackFile, "utf8");
      shop.edit(from, to);
      try {
        const { code, output } = await shop.pulumi("preview");
        expect(code).to.not.equal(0);
        expect(output).to.include(`error: ${sentence}`);
        expect(output).to.not.match(/\n\s+at .*:\d+:\d+/);
        const driver = await shop.canary("deploy", "v2");
        expect(driver.exitCode).to.equal(64);
        expect(driver.stderr).to.include(sentence);
      } finally {
        fs.writeFileSync(shop.stackFile, written);
      }
      expect(await ingress()).to.equal(before);
    });
});
