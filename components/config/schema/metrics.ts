import { z } from "zod";
import { url } from "./common";

/** Where the driver's own metrics go. `pulumi up` reads none of it. */
export const metrics = z.strictObject({
  pushgateway: url.optional().describe("Base URL of a Pushgateway that the driver pushes its metrics to; for CI jobs, which end before anybody scrapes them. Credentials are better given by the variable PUSHGATEWAY_URL."),
});
