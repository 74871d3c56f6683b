export { dashboardOf, type DashboardNames, type DashboardSource } from "./dashboard-file";
export { Monitoring, type MonitoredService, type MonitoringArgs } from "./monitoring";
export { findOperator } from "./operator";
export { rulesOf, type Rule, type RuleGroup, type RulesArgs } from "./rules";
export type { GuardMetrics } from "./scrape";
