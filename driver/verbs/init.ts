import { EXIT } from "../errors";
import { openStack } from "../stack/engine";
import { StackFile } from "../stack/file";
import { reporterOf, type CommonOptions } from "./session";

/** Creates the Pulumi stack of a stack file. @throws UsageError when it exists already, or its file is wrong */
export async function init(options: CommonOptions): Promise<number> {
  const { cwd, stack } = options;
  new StackFile(cwd, stack).read();
  await openStack(cwd, stack, true);
  reporterOf(options)({ event: "end", message: `The stack "${stack}" is there: install the first version with \`canary deploy VERSION\`.` });
  return EXIT.done;
}
