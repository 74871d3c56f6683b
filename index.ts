import * as pulumi from "@pulumi/pulumi";
import { Release, readStackConfig } from "./components";

/** The Pulumi program: a function, so that the Automation API can run it any number of times in one process. */
export = async () => {
  const release = new Release(pulumi.getProject(), readStackConfig());
  return release.outputs;
};
