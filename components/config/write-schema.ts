import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { stackFileSchema } from "./json-schema";

writeFileSync(path.resolve(__dirname, "../../../docs/stack.schema.json"), `${JSON.stringify(stackFileSchema(), null, 2)}\n`);
