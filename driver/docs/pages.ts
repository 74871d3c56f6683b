import { configPage } from "./config-page";
import { verbsPage } from "./verbs-page";

/** Pages that are made of the code, by their file in docs/. */
export const PAGES: Readonly<Record<string, () => string>> = { "config.md": configPage, "verbs.md": verbsPage };

