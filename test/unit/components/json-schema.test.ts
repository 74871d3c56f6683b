import Ajv from "ajv";
import { expect } from "chai";
import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { stackFileSchema } from "../../../components/config/json-schema";
import { accepted } from "./arbitrary-config";
import { EVERY_OPTION, EVERY_OPTION_AUTOSCALED } from "./every-option";
import { stack, type Raw } from "./declare";

const schema = stackFileSchema() as any;
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);
const file = (keys: Raw): Raw => ({ config: Object.fromEntries(Object.entries(stack(keys)).map(([key, value]) => [`canary:${key}`, value])) });
const problemsOf = (data: unknown): string[] => (validate(data) ? [] : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`));
const service = (keys: Raw): Raw => ({ services: { shop: { image: "shop", port: 8080, hosts: ["a.example"], ...keys } } });

/** Keys of config below a schema that have no description. */
function undescribed(part: any, path: string): string[] {
  if (typeof part !== "object" || part === null) return [];
  const own = Object.entries(part.properties ?? {}).flatMap(([key, value]: [string, any]) =>
    [...(value.description === undefined ? [`${path}.${key}`] : []), ...undescribed(value, `${path}.${key}`)]);
  return [...own, ...[...(part.anyOf ?? []), ...(part.oneOf ?? []), part.items, part.additionalProperties].flatMap((each) => undescribed(each, path))];
}

describe("the JSON schema of stack files", () => {
  it("is written to docs/stack.schema.json; `npm run schema` brings it up to date", () => {
    expect(JSON.parse(readFileSync("docs/stack.schema.json", "utf8"))).to.deep.equal(JSON.parse(JSON.stringify(schema)));
  });

  for (const name of ["staging", "production"]) {
    it(`accepts the example Pulumi.${name}.yaml`, () => {
      expect(problemsOf(parse(readFileSync(`Pulumi.${name}.yaml`, "utf8")))).to.deep.equal([]);
    });
  }

  it("accepts a workload of every option, and keys of other projects and of Pulumi", () => {
    for (const workload of [EVERY_OPTION, EVERY_OPTION_AUTOSCALED]) expect(problemsOf(file(service({ workload })))).to.deep.equal([]);
    expect(problemsOf({ secretsprovider: "passphrase", config: { ...file({})["config"] as Raw, "kubernetes:context": "dev" } })).to.deep.equal([]);
  });

  it("accepts every config that the parser accepts", () => {
    fc.assert(fc.property(accepted, (raw) => {
      expect(problemsOf({ config: Object.fromEntries(Object.entries(raw).map(([key, value]) => [`canary:${key}`, value])) })).to.deep.equal([]);
    }), { numRuns: 200 });
  });

  it("accepts a gate whose kind a preset states", () => {
    expect(problemsOf(file({ analysis: { gates: { preset: "C", errors: { critical: false }, latency: false } } }))).to.deep.equal([]);
  });

  const refused: readonly (readonly [string, Raw])[] = [
    ["a misspelt key", { weigth: 5 }],
    ["a misspelt key inside", service({ workload: { replica: 5 } })],
    ["a misspelt key of a gate", { analysis: { gates: { errors: { kind: "ratio", absolut: "5%" } } } }],
    ["a weight above 100", { weight: 101 }],
    ["a duration without a unit", { rollout: { warmUp: 10 } }],
    ["a missing port", service({ port: undefined })],
  ];
  for (const [what, keys] of refused) {
    it(`refuses ${what}`, () => expect(problemsOf(JSON.parse(JSON.stringify(file(keys))))).to.not.deep.equal([]));
  }

  it("describes every key of the stack's own schema", () => {
    const { "canary:analysis": analysis, ...others } = schema.properties.config.properties;
    const { gates, ...measured } = analysis.properties;
    const parts = [...Object.entries(others), ...Object.entries(measured), ...Object.entries(schema.definitions)];
    expect(parts.flatMap(([key, part]) => undescribed({ properties: { [key]: key in schema.definitions ? { ...(part as object), description: "" } : part } }, "")))
      .to.deep.equal([]);
    expect(gates.description).to.be.a("string");
  });
});
