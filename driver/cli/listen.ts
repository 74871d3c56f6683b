import { Option, type Command } from "commander";
import { DEFAULT_ADDRESS, listenAddress } from "../serve/address";

const VARIABLE = "CANARY_LISTEN";
const HOW = `a host and a port, or a port alone, which is then for this machine only (env: ${VARIABLE})`;

// Templates of CI systems set what they do not know to an empty text.
const address = (text: string) => (text.trim() === "" ? undefined : listenAddress(text));

const option = (help: string): Option => new Option("--listen <address>", help).env(VARIABLE).argParser(address);

/** Adds `--listen` to a verb that rolls out. */
export const withListen = (command: Command): Command => command.addOption(option(`serve status, metrics and a live page meanwhile: ${HOW}`));

/** Adds `--listen` to the verb that does nothing else. */
export const withAddress = (command: Command): Command => command.addOption(option(`where: ${HOW}`).default(listenAddress(DEFAULT_ADDRESS), DEFAULT_ADDRESS));
