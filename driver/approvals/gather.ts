import { setImmediate as soon, setTimeout as sleep } from "node:timers/promises";
import { duration } from "../../analysis/units";
import type { Approval, WindowApproval } from "../../components/config";
import { UsageError } from "../errors";
import type { StepEvent } from "../rollout/machine";
import { placeOf, type Rollout } from "../rollout/rollout";
import { questionOf, type Place } from "./question";
import { approverOf, askUntilAnswered } from "./server";
import { clockOf, isOpen, openingAt } from "./window";

type Named<A extends Approval = Approval> = readonly [name: string, approval: A];

/** Nobody objects. */
const YES: StepEvent = { type: "approved" };
const NEVER = new Promise<never>(() => undefined);
/** How often a window is looked at while it is closed, in ms: the machine's clock may be set. */
const LOOK_AGAIN = 60_000;

const consequence = (what: "hold" | "rollback", reason: string): StepEvent => (what === "hold" ? { type: "hold", reason } : { type: "failed", why: "approval", reason });
const ofKind = <K extends Approval["kind"]>(all: readonly Named[], kind: K) => all.filter((named): named is Named<Extract<Approval, { readonly kind: K }>> => named[1].kind === kind);

/** Everybody whose yes one place of a rollout needs, asked at once. */
class Gathering {
  private readonly asked = Date.now();
  private readonly all: readonly Named[];

  constructor(private readonly rollout: Rollout, private readonly place: Place, private readonly signal: AbortSignal) {
    this.all = Object.entries(rollout.config.rollout.approvals).filter(([, approval]) => placeOf(approval, rollout.config) === place);
  }

  /** Approved when all have said yes, and every window is open at that moment; otherwise what the first no asks for. */
  async answer(): Promise<StepEvent> {
    const { insisted = NEVER } = this.rollout.context;
    if (await Promise.race([insisted.then(() => true), soon(false)])) return this.overruled();
    this.announce();
    const asking = [this.askPerson(), ...ofKind(this.all, "webhook").map((named) => this.askServer(named))];
    const everybody = firstRefusal(asking).then((refusal) => refusal ?? this.untilOpen());
    const event = await Promise.race([everybody, insisted.then(() => undefined)]);
    return event ?? this.overruled();
  }

  /** Who is waited for; a window that is open is not. */
  private announce(): void {
    const { version, config, context } = this.rollout;
    const now = Date.now();
    const waiting = this.all.flatMap(([name, approval]) => {
      if (approval.kind === "webhook") return [name];
      if (approval.kind === "person") return [`${name} (a person, by \`canary promote\`)`];
      return isOpen(approval, now) ? [] : [`${name} (from ${clockOf(approval, openingAt(approval, now).opens)})`];
    });
    if (waiting.length === 0) return;
    const what = this.place === "promotion" ? "its promotion" : `weight ${config.rollout.stages[this.place]!.weight}`;
    const least = Math.min(...this.all.map(([, { deadlineSeconds }]) => deadlineSeconds));
    const message = `waits for a yes to ${what}: ${waiting.join(", ")}, for ${duration(least)} at most`;
    context.report({ event: "ask", message: `${version} ${message}` });
    this.write(message);
  }

  private write(message: string): void {
    const { ledger } = this.rollout.context;
    void ledger.anyway(ledger.note(`${this.rollout.version}: ${message}`));
  }

  private say(message: string): void {
    this.rollout.context.report({ event: "note", message });
    this.write(message);
  }

  private overruled(): StepEvent {
    if (this.all.length > 0) this.say("`canary promote` insists: nobody else is waited for");
    return YES;
  }

  /** The person who runs the driver is asked before a promotion; before a stage only where an approval says so. */
  private async askPerson(): Promise<StepEvent> {
    const { context, version, config } = this.rollout;
    const people = ofKind(this.all, "person");
    const promoting = this.place === "promotion";
    if (!promoting && people.length === 0) return YES;
    const said = context.confirm(promoting ? `Promote ${version}?` : `Raise ${version} to weight ${config.rollout.stages[this.place as number]!.weight}?`, this.signal);
    if (people.length > 0) return this.inTime(people, async (signal) => {
      const answer = await said;
      if (answer === true) return YES;
      const [name, { onNo }] = people[0]!;
      if (answer === false) return consequence(onNo, `The answer to ${name} was no.`);
      // Nobody is at a terminal: `canary promote` is the only answer left, and the race is for it.
      return untilAborted(signal);
    });
    return (await said) === true ? YES : { type: "hold", reason: "It passed every stage, and nobody said yes to its promotion (--yes says it beforehand)." };
  }

  private askServer(named: Named<Extract<Approval, { readonly kind: "webhook" }>>): Promise<StepEvent> {
    const [name, approval] = named;
    const { dependencies } = this.rollout.context;
    const until = this.asked + approval.deadlineSeconds * 1000;
    return this.inTime([named], async (signal) => {
      const reply = await askUntilAnswered(approverOf(name, approval, process.env, dependencies), {
        question: () => questionOf(this.rollout, this.place, name, { at: this.asked, until }),
        everySeconds: approval.everySeconds, signal,
        silent: (why) => this.say(`${name} gives no answer (${why}): it is asked again every ${duration(approval.everySeconds)}, and that is no yes`),
      });
      const reason = reply.reason === undefined ? "" : `: ${reply.reason}`;
      if (reply.says === "no") return consequence(approval.onNo, `${name} said no${reason}.`);
      this.say(`${name} said yes${reason}`);
      return YES;
    });
  }

  /** What came of it, or of the earliest deadline. */
  private async inTime(of: readonly Named[], act: (signal: AbortSignal) => Promise<StepEvent>): Promise<StepEvent> {
    const [name, { deadlineSeconds, onDeadline }] = [...of].sort((a, b) => a[1].deadlineSeconds - b[1].deadlineSeconds)[0]!;
    const late = AbortSignal.timeout(Math.max(0, this.asked + deadlineSeconds * 1000 - Date.now()));
    try {
      return await act(AbortSignal.any([this.signal, late]));
    } catch (error) {
      this.signal.throwIfAborted();
      if (late.aborted) return consequence(onDeadline, `${name} gave no answer within ${duration(deadlineSeconds)}.`);
      if (error instanceof UsageError) return { type: "hold", reason: `${name} cannot be asked: ${error.message}` };
      throw error;
    }
  }

  /** Waits until all windows are open at once: what was allowed while they were closed must not happen then. */
  private async untilOpen(): Promise<StepEvent> {
    const windows: readonly Named<WindowApproval>[] = ofKind(this.all, "window");
    for (;;) {
      const now = Date.now();
      const closed = windows.filter(([, hours]) => !isOpen(hours, now));
      if (closed.length === 0) return YES;
      const late = closed.find(([, { deadlineSeconds }]) => now >= this.asked + deadlineSeconds * 1000);
      if (late) return consequence(late[1].onDeadline, `${late[0]} did not open within ${duration(late[1].deadlineSeconds)}.`);
      const next = Math.min(...closed.flatMap(([, hours]) => [openingAt(hours, now).opens, this.asked + hours.deadlineSeconds * 1000]));
      await sleep(Math.min(LOOK_AGAIN, Math.max(1, next - now)), undefined, { signal: this.signal });
    }
  }
}

/** Rejects when the signal aborts, and does nothing else. */
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });

/** The first that is no yes; undefined when all are. */
function firstRefusal(asking: readonly Promise<StepEvent>[]): Promise<StepEvent | undefined> {
  return new Promise((resolve, reject) => {
    asking.forEach((one) => void one.then((event) => event.type === "approved" || resolve(event), reject));
    void Promise.all(asking).then(() => resolve(undefined), () => undefined);
  });
}

/** Asks everybody whose yes is needed, the person at the terminal included; resolves with what follows from their answers. */
export const gather = (rollout: Rollout, place: Place, signal: AbortSignal): Promise<StepEvent> => new Gathering(rollout, place, signal).answer();
