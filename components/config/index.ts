export { ConfigError, linesOf } from "./problems";
export { withFloors, type Floors } from "./floors";
export { parseConfig, serviceConfig } from "./parse";
export { stackConfigSchema } from "./schema";
export { editStackFile, parseStackFile, type StackEdit, type VersionValue } from "./stack-file";
export { parseDuration } from "./units";
export type * from "./types";
