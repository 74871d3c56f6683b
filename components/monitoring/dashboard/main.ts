import * as fs from "node:fs";
import { dashboardFile, SOURCES } from "../dashboard-file";
import { buildDashboard } from "./build";

/** The dashboard of a source as it stands in the repository. */
export const dashboardText = (source: (typeof SOURCES)[number]): string => `${JSON.stringify(buildDashboard(source), null, 2)}\n`;

/** `npm run dashboard`: writes the dashboards anew, after their queries or panels were changed. */
if (require.main === module) for (const source of SOURCES) fs.writeFileSync(dashboardFile(source), dashboardText(source));
