import { clauseOf, statusOf } from "../cluster/answers";
import { DriverError, RequestedError } from "../errors";
import type { Ledger } from "../record/ledger";
import type { Reporter } from "../report/events";
import { mayBeBehind } from "../rollout/recovery";
import type { StackFile } from "../stack/file";
import type { Updates } from "../stack/updates";

/** How often the record is looked at for what others ask, in ms. */
const LOOK_EVERY = 1000;

/** The cluster may be new: the namespace comes with the first update, and the record with it. */
const isMissingNamespace = (error: unknown): boolean => statusOf(error) === 404;

/** Takes the Lease, reads the record, and doubts Pulumi's state where a driver died. @throws DriverError with one sentence, LeaseHeldError when another driver works on the stack */
export async function openLedger(ledger: Ledger, updates: Updates, report: Reporter, patient: boolean): Promise<void> {
  try {
    const dead = await ledger.open(patient);
    const { rollout } = ledger;
    if (mayBeBehind(dead, rollout)) updates.doubt();
    if (dead && rollout && rollout.phase !== "held") report({ event: "note", message: `${dead} died while ${rollout.version} was ${rollout.phase} at weight ${rollout.weight}.` });
  } catch (cause) {
    if (isMissingNamespace(cause)) return;
    if (cause instanceof DriverError) throw cause;
    throw new DriverError(`The rollout record cannot be opened (${clauseOf(cause)}): \`canary doctor\` says what is missing.`, undefined, { cause });
  }
}

/**
 * The driver wrote the record's keys itself, and a checkout may be older: it goes on where it was. A file that was let through by
 * canary:force is what is deployed now: it becomes the newest.
 */
export async function adoptRecord(file: StackFile, ledger: Ledger, report: Reporter): Promise<void> {
  const { generation, force } = file.read();
  const { record } = ledger;
  if (force) {
    const newest = { generation: Math.max(generation, record?.generation ?? 0) + 1, keys: file.keys() };
    file.adopt(newest);
    if (record) await ledger.keys(newest.generation, newest.keys);
    report({ event: "note", message: "canary:force let the stack file through: it is taken for what is deployed, and the key is removed." });
    return;
  }
  if (!record || record.generation <= generation) return;
  file.adopt(record);
  report({ event: "note", message: `The stack file was older than the rollout record (generation ${generation}, the record has ${record.generation}): its rollout keys are written into the file.` });
}

/** Follows what others ask of the driver that holds the Lease. */
export function follow(ledger: Ledger, stop: AbortController, approve: () => void): () => void {
  // What was there before us concerns the rollout that we found, and is that verb's matter: the signal would outlive it.
  const [oldRequest, oldHome] = [ledger.record?.request?.at, ledger.rollout?.sentHome?.at];
  const timer = setInterval(() => {
    if (!ledger.rollout) return;
    void ledger.look().then((record) => {
      const { request, rollout } = record ?? {};
      if (rollout?.sentHome && rollout.sentHome.at !== oldHome && rollout.sentHome.by !== ledger.holder) stop.abort(new RequestedError("rollback", rollout.sentHome.by, "the traffic is home already"));
      else if (!request || request.at === oldRequest) return;
      else if (request.verb === "promote") approve();
      else stop.abort(new RequestedError(request.verb, request.by, request.reason));
    }, () => undefined);
  }, LOOK_EVERY);
  return () => clearInterval(timer);
}
