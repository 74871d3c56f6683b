import { parseDocument, type Document } from "yaml";

/** A text is no YAML that can be read; the message is the reason, a clause without a full stop. */
export class YamlError extends Error {}

/** Anchors are followed so often: a few lines of them can mean millions of values. */
const MOST_ALIASES = 1000;

/** The reader calls itself for every level of nesting, and tells an exhausted stack as an error of its own. */
function reasonOf({ message }: Error): string {
  if (/call stack/i.test(message)) return "it is nested too deeply";
  if (/alias count/i.test(message)) return "its anchors are used too often";
  return message.split("\n")[0]!.replace(/[.:]$/, "");
}

/**
 * A YAML text's first document, `<<` merged as Pulumi's reader does.
 *
 * @throws YamlError
 */
export function parseYaml(text: string): Document.Parsed {
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { prettyErrors: true, merge: true, logLevel: "error" });
  } catch (cause) {
    throw new YamlError(reasonOf(cause as Error), { cause });
  }
  const [error] = document.errors;
  if (error !== undefined) throw new YamlError(reasonOf(error), { cause: error });
  return document;
}

/** What a document means. @throws YamlError */
export function meaningOf(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
  } catch (cause) {
    throw new YamlError(reasonOf(cause as Error), { cause });
  }
}
