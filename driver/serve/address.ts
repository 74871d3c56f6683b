import { show } from "../../components/config/problems";
import { isIP } from "node:net";
import { UsageError } from "../errors";

/** Where a server listens. */
export interface ListenAddress {
  /** An IP address or a host name, without brackets. */
  readonly host: string;
  /** 0: the system chooses one. */
  readonly port: number;
}

export const DEFAULT_ADDRESS = "127.0.0.1:8090";

/** This machine alone: not even its neighbours can ask. */
export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host === "::ffff:127.0.0.1" || (isIP(host) === 4 && host.startsWith("127."));

/** As a URL writes it. */
export const authority = ({ host, port }: ListenAddress): string => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

const HOST_NAME = /^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$/;

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `PORT`. Without a host it is 127.0.0.1: whoever wants to be asked by others says so.
 *
 * @throws UsageError when it is none
 */
export function listenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]:|([^:]*):)?(\d{1,5})$/.exec(text.trim()) ?? [];
  const host = bracketed ?? (plain || "127.0.0.1");
  const port = Number(digits);
  const known = bracketed === undefined ? isIP(host) === 4 || (HOST_NAME.test(host) && !/^[\d.]+$/.test(host)) : isIP(host) === 6;
  if (digits === undefined || port > 65_535 || !known) throw new UsageError(`The address ${show(text)} cannot be listened on: it must be a host and a port, such as 127.0.0.1:8090 or [::1]:8090, or a port alone.`);
  return { host, port };
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there: choose another port, or end that process",
  EACCES: "this user may not listen there: choose a port above 1023",
  EADDRNOTAVAIL: "this machine has no such address: choose 127.0.0.1, or one of its own",
  ENOTFOUND: "its name is not known: choose an IP address",
};

/** Why a server could not listen, in one sentence. */
export const notListening = (at: ListenAddress, cause: NodeJS.ErrnoException): UsageError =>
  new UsageError(`The address ${authority(at)} cannot be listened on: ${WHY[cause.code ?? ""] ?? cause.message}.`, { cause });
