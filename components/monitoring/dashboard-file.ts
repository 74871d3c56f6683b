import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { ProfileName } from "../../analysis/metering/profiles";

/** Whose counters a dashboard compares the tracks by; the app's own tell versions only. */
export type DashboardSource = ProfileName;

/** One dashboard is generated for each (`npm run dashboard`). */
export const SOURCES: readonly DashboardSource[] = ["ingress-nginx", "traefik", "traefik-gateway", "app"];

/** What makes the dashboard one stack's. */
export interface DashboardNames {
  /** Unique in a Grafana; longer than Grafana's 40 characters, its end becomes a hash. */
  readonly uid: string;
  readonly title: string;
  /** Values that its variables have at first. */
  readonly namespace: string;
  readonly service: string;
}

interface Dashboard {
  uid: string;
  title: string;
  readonly templating: { readonly list: { readonly name: string; current?: { text: string; value: string } }[] };
}

/** The files lie beside the sources, and compiled code does not; `pulumi up` runs the sources, the driver what was compiled of them. */
const BESIDE = path.join(__dirname, "dashboards");
const FOLDER = fs.existsSync(BESIDE) ? BESIDE : path.resolve(__dirname, "../../../components/monitoring/dashboards");

/** Where the generated dashboard of a source is. */
export const dashboardFile = (source: DashboardSource): string => path.join(FOLDER, `${source}.json`);

const LONGEST_UID = 40;
const shortened = (uid: string): string =>
  uid.length <= LONGEST_UID ? uid : `${uid.slice(0, LONGEST_UID - 9)}-${createHash("sha256").update(uid).digest("hex").slice(0, 8)}`;

/** The dashboard of a stack as JSON: the generated one with the stack's names. */
export function dashboardOf(source: DashboardSource, { uid, title, ...values }: DashboardNames): string {
  const dashboard = JSON.parse(fs.readFileSync(dashboardFile(source), "utf8")) as Dashboard;
  dashboard.uid = shortened(uid);
  dashboard.title = title;
  for (const variable of dashboard.templating.list) {
    const value = values[variable.name as keyof typeof values];
    if (value !== undefined) variable.current = { text: value, value };
  }
  return JSON.stringify(dashboard);
}
