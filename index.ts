import * as pulumi from "@pulumi/pulumi";
import { findOperator, Release, readStackConfig } from "./components";
import { refuseStaleFile } from "./components/record/live";

/** The Pulumi program: a function, so that the Automation API can run it any number of times in one process. */
export = async () => {
  try {
    const config = readStackConfig();
    await refuseStaleFile(config);
    return new Release(pulumi.getProject(), await findOperator(config)).outputs;
  } catch (error) {
    reportOnce();
    throw error;
  }
};

/** The Automation API reports what a program throws, and once more for the parts of the stack's outputs that nobody awaits. */
function reportOnce(): void {
  const outputs = pulumi.runtime.getStackResource()?.outputs as unknown as { readonly isKnown: Promise<boolean>; readonly isSecret: Promise<boolean> } | undefined;
  for (const part of [outputs?.isKnown, outputs?.isSecret]) part?.catch(() => undefined);
}
