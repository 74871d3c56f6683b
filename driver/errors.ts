/** Exit codes of every verb; scripts depend on them. */
export const EXIT = {
  done: 0,
  failed: 1,
  rolledBack: 2,
  held: 3,
  busy: 4,
  usage: 64,
  interruptedReverted: 130,
  interruptedHeld: 131,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure whose message is one sentence for a person; anything else that is thrown is a bug of ours. `--debug` shows the stack of either. */
export class DriverError extends Error {
  constructor(message: string, readonly exitCode: ExitCode = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Wrong arguments or a wrong stack file; nothing was touched. */
export class UsageError extends DriverError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.usage, options);
  }
}

/** Somebody else works on this stack, or a rollout is under way. */
export class BusyError extends DriverError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.busy, options);
  }
}

/** Another driver holds the Lease of the rollout. */
export class LeaseHeldError extends BusyError {}

/** Who held the Lease does not answer any more, and has not done what was asked. */
export class DriverGoneError extends BusyError {}

/** `pulumi up` did not succeed; the message holds what the engine reported. */
export class UpdateFailedError extends DriverError {}

/** `pulumi up` was cancelled by us; how much of it was done, nobody knows. */
export class UpdateCancelledError extends DriverError {}

/** The stack was locked by a dead update of ours, and is free now. */
export class DeadLockError extends DriverError {}

/** Why a rollout stops that would go on by itself: the reason of its abort signal. */
export abstract class StopError extends DriverError {}

/** The person or the CI system asked the driver to stop. */
export class InterruptedError extends StopError {
  constructor(readonly signalName: string) {
    super(`Interrupted by ${signalName}.`, EXIT.interruptedReverted);
  }
}

/** Somebody asked for it with a command of their own, elsewhere. */
export class RequestedError extends StopError {
  constructor(readonly verb: "hold" | "rollback", by: string, reason?: string) {
    super(`${verb === "hold" ? "Hold" : "Rollback"} asked for by ${by}${reason ? ` (${reason})` : ""}.`, EXIT.held);
  }
}

/** Somebody else holds the Lease now; this driver must change nothing more. */
export class LeaseLostError extends StopError {
  constructor(said: string) {
    super(`The Lease of this rollout is lost: ${said}`, EXIT.busy);
  }
}

/** Another stack of the same rollout failed, or was held. */
export class FleetError extends StopError {
  constructor(readonly verb: "hold" | "rollback", stackName: string) {
    super(`${stackName} ${verb === "rollback" ? "is rolled back" : "is held"}, and all stacks of a rollout end alike.`, EXIT.held);
  }
}
