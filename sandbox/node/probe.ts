import { execFile } from "node:child_process";
import * as net from "node:net";
import type { V1Container, V1Probe } from "@kubernetes/client-node";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProbeTarget {
  readonly ip: string;
  readonly container: V1Container;
  /** Command line that runs a program beside the container. */
  wrap(command: readonly string[]): string[];
}

/** A number as it is, a name by the container's ports. */
export function portOf(port: number | string, container: V1Container): number {
  if (typeof port === "number") return port;
  return container.ports?.find((p) => p.name === port)?.containerPort ?? Number(port);
}

async function http(probe: V1Probe, target: ProbeTarget, timeout: number): Promise<string | undefined> {
  const { httpGet } = probe;
  const scheme = (httpGet!.scheme ?? "HTTP").toLowerCase();
  const url = `${scheme}://${httpGet!.host ?? target.ip}:${portOf(httpGet!.port, target.container)}${httpGet!.path ?? "/"}`;
  const headers = new Headers((httpGet!.httpHeaders ?? []).map((h): [string, string] => [h.name, h.value]));
  const response = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(timeout) });
  await response.arrayBuffer();
  return response.status >= 200 && response.status < 400 ? undefined : `HTTP probe failed with statuscode: ${response.status}`;
}

const tcp = (host: string, port: number, timeout: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout });
    const done = (problem?: string): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.on("connect", () => done()).on("timeout", () => done("timed out")).on("error", (e) => done(e.message));
  });

const exec = (command: string[], timeout: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile(command[0]!, command.slice(1), { timeout }, (error) => resolve(error ? `command failed: ${error.message}` : undefined));
  });

/** Asks once; undefined is success, text says what went wrong. */
export async function ask(probe: V1Probe, target: ProbeTarget): Promise<string | undefined> {
  const timeout = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.httpGet) return await http(probe, target, timeout);
    if (probe.tcpSocket) return await tcp(probe.tcpSocket.host ?? target.ip, portOf(probe.tcpSocket.port, target.container), timeout);
    if (probe.exec) return await exec(target.wrap(probe.exec.command ?? []), timeout);
    return "this kind of probe is not supported";
  } catch (error) {
    return `${(error as Error).message}${(error as Error).cause ? `: ${((error as Error).cause as Error).message}` : ""}`;
  }
}

/**
 * Asks again and again and reports each change of the settled result, with the kubelet's defaults: every 10 s, three failures
 * or one success settle it.
 */
export async function watchProbe(probe: V1Probe, target: ProbeTarget, signal: AbortSignal, settled: (ok: boolean, reason: string) => void): Promise<void> {
  const period = (probe.periodSeconds ?? 10) * 1000;
  let successes = 0;
  let failures = 0;
  try {
    await sleep((probe.initialDelaySeconds ?? 0) * 1000, undefined, { signal });
    for (;;) {
      const problem = await ask(probe, target);
      if (signal.aborted) return;
      if (problem === undefined) {
        failures = 0;
        if (++successes === (probe.successThreshold ?? 1)) settled(true, "");
      } else {
        successes = 0;
        if (++failures === (probe.failureThreshold ?? 3)) settled(false, problem);
      }
      await sleep(period, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
