import { createHash } from "node:crypto";
import { LIVE_SCRIPT } from "./script";

const sha256 = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Nothing is loaded from anywhere; a live page may ask the server that it came from for events. */
export const contentPolicy = (live: boolean): string =>
  ["default-src 'none'", "style-src 'unsafe-inline'", "base-uri 'none'", "form-action 'none'", ...(live ? [`script-src ${sha256(LIVE_SCRIPT)}`, "connect-src 'self'"] : [])].join("; ");
