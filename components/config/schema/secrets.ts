import { z } from "zod";

// What stands in these keys by mistake may be a secret, so that no sentence shows it: rules that begin with "must" are stated without the value.

const VARIABLE_RULE = "must be the name of an environment variable, such as SLACK_WEBHOOK_URL: the secret itself never stands in the stack file, encrypted or not";
const URL_RULE = "must be a URL that starts with http:// or https:// and has no user or password in it: where the address is a secret, name the variable that holds it by urlFrom";

/** Name of the environment variable that holds a secret. */
export const variable = z.string({ error: VARIABLE_RULE }).regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, { error: VARIABLE_RULE });

/** An address that is no secret. */
export const openUrl = z.string({ error: URL_RULE }).max(2048, { error: URL_RULE }).refine(isOpen, { error: URL_RULE });

function isOpen(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === "" && password === "";
}

/** Where something is sent that is signed; spread into a map's keys. */
export const addressed = {
  url: openUrl.optional().describe("Its address, where that is no secret."),
  urlFrom: variable.optional().describe("Name of the environment variable that holds its address."),
  secretFrom: variable.describe("Name of the environment variable that holds the secret by which requests are signed: any text of 16 characters or more, or `whsec_` and base64."),
};

/** An address is given in one way. */
export const hasOneAddress = ({ url, urlFrom }: { readonly url?: string | undefined; readonly urlFrom?: string | undefined }): boolean => (url === undefined) !== (urlFrom === undefined);
export const ONE_ADDRESS = "must have either url or urlFrom";
