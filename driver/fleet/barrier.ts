/** A place where a number of parties wait for each other. */
export class Barrier {
  private readonly arrived = new Set<string>();
  private open!: () => void;
  private readonly opened = new Promise<void>((resolve) => (this.open = resolve));

  /** @param parties how many must arrive, at least 1 */
  constructor(private readonly parties: number) {}

  /** Resolves when all parties have arrived. A party may arrive twice. */
  arrive(party: string): Promise<void> {
    this.arrived.add(party);
    if (this.arrived.size >= this.parties) this.open();
    return this.opened;
  }
}
