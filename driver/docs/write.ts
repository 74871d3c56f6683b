import * as fs from "node:fs";
import * as path from "node:path";
import { PAGES } from "./pages";

for (const [name, page] of Object.entries(PAGES)) fs.writeFileSync(path.resolve(__dirname, "../../../docs", name), page());
