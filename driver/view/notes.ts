import { ago, moment, secondsBetween, span } from "./times";
import { isDriven, isGuarded, type Snapshot } from "./snapshot";

/** Something that a person should know, and what to do about it. `bad` needs somebody, `warn` may, `info` needs nobody. */
export interface Note {
  readonly level: "bad" | "warn" | "info";
  readonly text: string;
}

const bad = (text: string): Note => ({ level: "bad", text });
const warn = (text: string): Note => ({ level: "warn", text });
const info = (text: string): Note => ({ level: "info", text });

const sentence = (text: string): string => (/[.!?)]$/.test(text) ? text : `${text}.`);

/** A rollout that nobody drives any more, although it is not held. */
export const isAbandoned = (snapshot: Snapshot): boolean => snapshot.rollout !== undefined && snapshot.rollout.phase !== "held" && snapshot.lease !== undefined && !isDriven(snapshot);

function whatOfTheDriver(snapshot: Snapshot): string {
  const { lease, at } = snapshot;
  if (isGuarded(snapshot)) return `Its driver is gone, and ${lease!.holder} watches over it`;
  if (lease?.holder === undefined) return "Its driver is gone";
  return `Its driver, ${lease.holder}, has said nothing for ${span(secondsBetween(lease.renewedAt ?? "", at) || 0)} and its Lease has run out`;
}

function ofRollout(snapshot: Snapshot): Note[] {
  const { rollout, lease, at, request } = snapshot;
  const notes: Note[] = [];
  if (rollout && isAbandoned(snapshot)) notes.push(bad(`The rollout of ${rollout.version} is unfinished (${rollout.phase}). ${whatOfTheDriver(snapshot)}: go on with \`canary resume\`, or send all traffic home with \`canary rollback\`.`));
  if (rollout?.sentHome) notes.push(bad(`${rollout.sentHome.by} sent all traffic home ${ago(rollout.sentHome.at, at)}; the stack does not know it yet: \`canary rollback\` records it.`));
  if (rollout?.phase === "held") {
    const watched = isDriven(snapshot) || isGuarded(snapshot) ? `${lease?.holder} watches it` : "Nobody watches it";
    notes.push(warn(`${rollout.version} is held at weight ${rollout.weight}${rollout.reason ? `: ${sentence(rollout.reason)}` : "."} ${watched}: go on with \`canary promote\`, \`canary resume\` or \`canary rollback\`.`));
  }
  if (request) notes.push(info(`${request.by} asked for a ${request.verb} ${ago(request.at, at)}${request.reason ? ` (${request.reason})` : ""}.`));
  return notes;
}

function ofStackFile({ wanted, deployed, recorded, stale }: Snapshot, driven: boolean): Note[] {
  if (driven) return [];
  if (stale !== undefined) return [bad(`The stack file is older than the rollout record (generation ${wanted.generation}, the record has ${recorded}: ${stale}): \`canary sync\` writes the record into the file.`)];
  if (!deployed) return [];
  return (["stable", "canary", "weight"] as const)
    .filter((key) => String(deployed[key]) !== String(wanted[key]))
    .map((key) => warn(`The stack file says ${key} ${wanted[key]}, deployed is ${deployed[key]}: \`pulumi preview\` shows what \`pulumi up\` would change.`));
}

function ofLiveObjects({ live, deployed, rollout }: Snapshot): Note[] {
  if (!deployed || rollout?.sentHome) return [];
  return live.flatMap(({ object, weight, weightManager }) =>
    weight === undefined || weight === deployed.weight ? [] : [warn(`The live weight of ${object} is ${weight} where the stack left ${deployed.weight}${weightManager ? ` (changed by ${weightManager})` : ""}: it is left alone until somebody runs an update.`)]);
}

function ofPending({ pending }: Snapshot): Note[] {
  if (pending.length === 0) return [];
  const shown = pending.slice(0, 3).join(", ");
  return [bad(`An update died half-way and left ${pending.length === 1 ? "an operation" : `${pending.length} operations`} pending (${shown}${pending.length > 3 ? ", …" : ""}): \`pulumi refresh\` finds out what came of it.`)];
}

function ofUndo({ undo, at }: Snapshot): Note[] {
  if (!undo) return [];
  const left = secondsBetween(at, undo.until);
  return left > 0 ? [] : [info(`The undo window of ${undo.version} ended ${moment(undo.until)}: \`canary cleanup\` removes it.`)];
}

/** What a snapshot gives reason to say, the most urgent first. Pure. */
export function notesOf(snapshot: Snapshot): Note[] {
  const driven = isDriven(snapshot);
  const notes = [
    ...ofRollout(snapshot),
    ...ofStackFile(snapshot, driven),
    // What moves while a driver works is its work.
    ...(driven ? [] : [...ofLiveObjects(snapshot), ...ofPending(snapshot)]),
    ...ofUndo(snapshot),
    ...snapshot.unknown.map(warn),
  ];
  const order = ["bad", "warn", "info"];
  return notes.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}
