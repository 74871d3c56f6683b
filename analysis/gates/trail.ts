/** What the last `over` seconds brought (all, when undefined), joined; entries must come in time order. */
export class Trail<T> {
  private entries: { at: number; value: T }[] = [];
  private whole: T | undefined;

  constructor(
    private readonly join: (a: T, b: T) => T,
    private readonly over: number | undefined,
  ) {}

  clear(): void {
    this.entries = [];
    this.whole = undefined;
  }

  /** Adds what was brought by a window that ended at `at` (unix seconds). */
  add(at: number, value: T): void {
    if (this.over === undefined) {
      this.whole = this.whole === undefined ? value : this.join(this.whole, value);
      return;
    }
    const oldest = at - this.over;
    this.entries = [...this.entries.filter((e) => e.at > oldest), { at, value }];
  }

  total(): T | undefined {
    return this.over === undefined ? this.whole : this.entries.map((e) => e.value).reduce<T | undefined>((sum, v) => (sum === undefined ? v : this.join(sum, v)), undefined);
  }
}
