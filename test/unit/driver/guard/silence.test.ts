import { expect } from "chai";
import type { LeaseSeen } from "../../../../driver/guard/lease";
import { deaf, listen, standingOf, type Silence } from "../../../../driver/guard/silence";

const lease = (holder: string | undefined, renewed: string, seconds = 30): LeaseSeen => ({ ...(holder ? { holder } : {}), renewed, seconds, object: {} });

/** Looks at a Lease that says the same, at these times. */
const hears = (said: LeaseSeen | undefined, ...times: number[]): Silence => times.reduce<Silence | undefined>((before, now) => listen(before, said, now), undefined)!;

describe("the guard's clock of a Lease", () => {
  it("counts from its own first sight of a renewal, whatever the holder's clock says", () => {
    for (const renewed of ["1999-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"]) {
      expect(hears(lease("ci", renewed), 100).seconds).to.equal(0);
      expect(hears(lease("ci", renewed), 100, 105, 110).seconds).to.equal(10);
    }
  });

  it("begins anew with every renewal and every other holder", () => {
    const before = hears(lease("ci", "a"), 0, 10);
    expect(listen(before, lease("ci", "b"), 11).seconds).to.equal(0);
    expect(listen(before, lease("you", "a"), 11)).to.include({ seconds: 0, heldBy: "you" });
    expect(listen(before, undefined, 11).seconds).to.equal(0);
  });

  it("remembers who let the Lease run out after a guard has taken it", () => {
    const taken = listen(hears(lease("ci", "a"), 0, 10), lease("guard/a", "b"), 11);
    expect(taken.heldBy).to.equal("ci");
    expect(listen(taken, lease("guard/a", "c"), 12).heldBy).to.equal("ci");
    expect(hears(lease("guard/b", "a"), 0).heldBy).to.equal("guard/b");
  });

  it("does not count time in which the API server could not be asked: the driver could not renew then either", () => {
    const before = hears(lease("ci", "a"), 0, 10);
    expect(listen(deaf(before), lease("ci", "a"), 500).seconds).to.equal(10);
    expect(listen(listen(deaf(before), lease("ci", "a"), 500), lease("ci", "a"), 505).seconds).to.equal(15);
  });

  it("does not believe a silence in which the guard itself was stopped", () => {
    expect(hears(lease("ci", "a"), 0, 3600).seconds).to.equal(15);
  });

  it("tells whose the Lease is, by the duration that its holder gave", () => {
    const after = (seconds: number): Silence => ({ of: "", seconds });
    expect(standingOf(undefined, after(0), "guard/a", 30)).to.equal("absent");
    expect(standingOf(lease(undefined, "a"), after(0), "guard/a", 30)).to.equal("free");
    expect(standingOf(lease("guard/a", "a"), after(99), "guard/a", 30)).to.equal("mine");
    expect(standingOf(lease("ci", "a", 60), after(60), "guard/a", 30)).to.equal("theirs");
    expect(standingOf(lease("ci", "a", 60), after(60.1), "guard/a", 30)).to.equal("silent");
  });
});
