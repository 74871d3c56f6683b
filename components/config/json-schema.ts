import { z } from "zod";
import { KINDS } from "../../analysis/gates/metrics";
import { stackConfigSchema } from "./schema";

type JsonSchema = z.core.JSONSchema.BaseSchema;

// Draft 7 is what the language servers of editors know in full.
const OPTIONS = { io: "input", target: "draft-7", unrepresentable: "any" } as const;

/**
 * JSON schema of a `Pulumi.<stack>.yaml` for editors, generated from the parser's schema. It knows every key with its description, type, range
 * and default; rules between keys are the parser's alone.
 */
export function stackFileSchema(project = "canary"): JsonSchema {
  const { $schema: _draft, properties = {}, required = [], definitions, ...rest } = z.toJSONSchema(stackConfigSchema, OPTIONS) as JsonSchema;
  const prefixed = Object.fromEntries(Object.entries(withMetrics(properties as Record<string, JsonSchema>)).map(([key, value]) => [`${project}:${key}`, value]));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Stack file of pulumi-canary",
    type: "object",
    properties: {
      config: {
        ...rest,
        properties: prefixed,
        required: required.map((key) => `${project}:${key}`),
        // Other projects and providers keep their keys in the same map.
        patternProperties: { [`^(?!${project}:)`]: {} },
        additionalProperties: false,
      },
    },
    ...(definitions === undefined ? {} : { definitions }),
  };
}

/** The gates' schema judges metric rules by itself, because a preset may fill them in; here each may have the keys of some kind. */
function withMetrics(properties: Record<string, JsonSchema>): Record<string, JsonSchema> {
  const analysis = properties["analysis"]!;
  const gates = analysis.properties!["gates"] as JsonSchema;
  const rules = Object.values(KINDS).map((kind) => {
    const { $schema: _draft, required: _required, ...rule } = z.toJSONSchema(kind, OPTIONS) as JsonSchema;
    return rule;
  });
  const described = { ...gates, additionalProperties: { description: "A metric rule, or false to leave out one of the preset.", anyOf: [{ const: false }, ...rules] } };
  return { ...properties, analysis: { ...analysis, properties: { ...analysis.properties, gates: described } } };
}
