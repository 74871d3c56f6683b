/** A failure that a person can act on: its message is all they need, no stack trace is shown. */
export class SandboxError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SandboxError";
  }
}
