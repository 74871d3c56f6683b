import type { V1CustomResourceDefinition } from "@kubernetes/client-node";

type Schema = Record<string, unknown>;

const text: Schema = { type: "string" };
const map = (values: Schema): Schema => ({ type: "object", additionalProperties: values });
const list = (items: Schema): Schema => ({ type: "array", items });
const object = (properties: Record<string, Schema>, required: string[] = []): Schema => ({ type: "object", properties, required });

const relabeling = object({ sourceLabels: list(text), separator: text, targetLabel: text, regex: text, replacement: text, action: { ...text, enum: ["replace", "labeldrop"] } });

/** The fields of the operator's resources that ours use, with their types and patterns; any other one is refused, so that a misspelt field is found. */
const KINDS: Readonly<Record<string, { plural: string; spec: Schema }>> = {
  ServiceMonitor: {
    plural: "servicemonitors",
    spec: object({
      selector: object({ matchLabels: map(text) }),
      endpoints: list(object({
        port: text, path: text, interval: { ...text, pattern: "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$" },
        honorLabels: { type: "boolean" }, relabelings: list(relabeling), metricRelabelings: list(relabeling),
      })),
    }, ["selector", "endpoints"]),
  },
  PrometheusRule: {
    plural: "prometheusrules",
    spec: object({
      groups: list(object({
        name: { ...text, minLength: 1 },
        rules: list(object({ alert: text, record: text, expr: { "x-kubernetes-int-or-string": true }, for: text, labels: map(text), annotations: map(text) }, ["expr"])),
      }, ["name"])),
    }),
  },
};

/** Definitions of the Prometheus operator's resources, as much of them as is needed to have an API server judge ours. */
export const operatorCrds = (): V1CustomResourceDefinition[] =>
  Object.entries(KINDS).map(([kind, { plural, spec }]) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.monitoring.coreos.com` },
    spec: {
      group: "monitoring.coreos.com",
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: object({ spec }, ["spec"]) } }],
    },
  }));
