export { checkStable, checkVersion, deployVersion, resilienceOf, resumable, withSettings } from "./apply";
export { chooseCluster, type ChosenCluster } from "./cluster";
export { deployOptions, rolloutOptions, stackOptions } from "./options";
export { CALLING, readSettings, type Environment, type Flags } from "./read";
export { SETTINGS, type Given, type Group, type Settings } from "./table";
