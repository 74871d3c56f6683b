import { DEFAULT_RESILIENCE, ServiceCalls, type CallLimits, type ResilienceSettings } from "./policies";

export type Circuit = "closed" | "open" | "half-open";

/** How a service that the driver depends on was, when it was last asked. */
export interface DependencyHealth {
  readonly name: string;
  /** Without credentials. */
  readonly address: string;
  /** The last call was answered, or there was none yet. */
  readonly healthy: boolean;
  /** Open: it is left alone for a while. */
  readonly circuit: Circuit;
  /** Calls in a row without an answer. */
  readonly failures: number;
  /** One sentence; kept after it is well again. */
  readonly lastError?: string;
  /** When that was, as ISO 8601. */
  readonly lastErrorAt?: string;
  /** Since when it is healthy, or is not, as ISO 8601; absent before the first call. */
  readonly since?: string;
}

export interface Registration {
  /** State of the circuit in front of it. Default: there is none, so closed. */
  readonly circuit?: () => Circuit;
  /** Asks it for a sign of life; rejects when there is none. Default: only real calls tell. */
  readonly probe?: (signal?: AbortSignal) => Promise<unknown>;
}

/** What calls to one service came to. */
export class Account {
  private failures = 0;
  private since: Date | undefined;
  private last: { readonly error: Error; readonly at: Date } | undefined;

  constructor(readonly name: string, readonly address: string, public registration: Registration) {}

  get lastError(): string | undefined {
    return this.last?.error.message;
  }

  succeeded(): void {
    if (this.failures > 0 || this.since === undefined) this.since = new Date();
    this.failures = 0;
  }

  /** The same error is counted once, however many layers report it. */
  failed(error: Error): void {
    if (this.last?.error === error) return;
    this.last = { error, at: new Date() };
    if (this.failures === 0) this.since = this.last.at;
    this.failures++;
  }

  health(): DependencyHealth {
    const circuit = this.registration.circuit?.() ?? "closed";
    return {
      name: this.name,
      address: this.address,
      healthy: this.failures === 0 && circuit !== "open",
      circuit,
      failures: this.failures,
      ...(this.last ? { lastError: this.last.error.message, lastErrorAt: this.last.at.toISOString() } : {}),
      ...(this.since ? { since: this.since.toISOString() } : {}),
    };
  }
}

/** The services that a driver depends on: one registry a process, with the settings for calls to all of them. */
export class Dependencies {
  private readonly accounts = new Map<string, Account>();

  constructor(readonly settings: ResilienceSettings = DEFAULT_RESILIENCE) {}

  /** The account of a service; the one that is there already when it was registered before, with the new circuit and probe. */
  register(name: string, address: string, registration: Registration = {}): Account {
    const key = `${name} ${address}`;
    const account = this.accounts.get(key) ?? new Account(name, address, registration);
    account.registration = registration;
    this.accounts.set(key, account);
    return account;
  }

  /** Registers a service and gives the guarded way to call it. */
  calls(name: string, address: string, service: string, limits: CallLimits, probe?: Registration["probe"]): ServiceCalls {
    const account = this.register(name, address);
    const calls = new ServiceCalls(service, account, this.settings, limits);
    account.registration = { circuit: () => calls.circuit, ...(probe ? { probe } : {}) };
    return calls;
  }

  /** Every service in the order of registration, as its last call found it. */
  snapshot(): readonly DependencyHealth[] {
    return [...this.accounts.values()].map((account) => account.health());
  }

  /** Asks every service that can be probed, all at once, and tells how they are then. Never rejects but when `signal` aborts. */
  async check(signal?: AbortSignal): Promise<readonly DependencyHealth[]> {
    await Promise.all([...this.accounts.values()].map(async (account) => {
      const { probe } = account.registration;
      if (!probe) return;
      try {
        await probe(signal);
        account.succeeded();
      } catch (error) {
        signal?.throwIfAborted();
        account.failed(error as Error);
      }
    }));
    return this.snapshot();
  }
}
