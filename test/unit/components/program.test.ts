import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import program = require("../../../index");

const services = { shop: { image: "shop", port: 8080, hosts: ["shop.example"], workload: { env: { TOKEN: "hush" } } } };

/** Runs the program as the engine does: every value a text, the keys with their prefix. */
async function run(config: Record<string, string>, secretKeys: readonly string[] = []) {
  const specs: unknown[] = [];
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      if (type.endsWith(":Deployment")) specs.push(inputs.spec);
      return { id: name, state: inputs };
    },
    call: ({ inputs }) => inputs,
  }, "canary", "test");
  pulumi.runtime.setAllConfig({ "canary:namespace": "shop", "canary:services": JSON.stringify(services), ...config }, [...secretKeys]);
  const outputs = await program();
  const weight = await new Promise<number>((resolve) => outputs.weight.apply(resolve));
  return { weight, secret: specs.some((spec) => pulumi.runtime.isRpcSecret(spec)), specs: JSON.stringify(specs) };
}

describe("the program", () => {
  after(() => pulumi.runtime.setAllConfig({}));

  it("runs any number of times in one process, each time with the config of then", async () => {
    expect((await run({ "canary:stable": "v1" })).weight).to.equal(0);
    expect((await run({ "canary:stable": "v1", "canary:canary": "v2", "canary:weight": "25" })).weight).to.equal(25);
  });

  it("leaves the keys of other projects alone", async () => {
    expect((await run({ "canary:stable": "v1", "kubernetes:context": "dev", "aws:weight": "101" })).weight).to.equal(0);
  });

  it("refuses bad config with one sentence, without a trace, as an error that Pulumi prints plainly", async () => {
    const error = await run({ "canary:stable": "v1", "canary:weigth": "5" }).then(() => undefined, (reason: Error) => reason);
    expect(pulumi.RunError.isInstance(error)).to.equal(true);
    expect([error?.message, error?.stack]).to.deep.equal(Array(2).fill("canary:weigth is not a known key: did you mean canary:weight?"));
  });

  it("keeps variables secret when their key is, and only then", async () => {
    const secret = await run({ "canary:stable": "v1" }, ["canary:services"]);
    expect(secret.secret).to.equal(true);
    expect(secret.specs).to.include('{"name":"TOKEN","value":"hush"}');
    expect((await run({ "canary:stable": "v1" })).secret).to.equal(false);
  });
});
