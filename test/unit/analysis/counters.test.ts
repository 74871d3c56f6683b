import { expect } from "chai";
import fc from "fast-check";
import { CounterReader } from "../../../analysis/metering/counters";
import type { Series } from "../../../analysis";

const series = (labels: Record<string, string>, ...points: [number, number][]): Series => ({ labels, samples: points.map(([t, v]) => ({ t, v })) });
const one = { instance: "a", status: "200" };
const rise = (reader: CounterReader, ...all: Series[]): number => reader.read({ all }).all.reduce((sum, r) => sum + r.delta, 0);

describe("Raw counters", () => {
  it("give no rise at first, and each increment once afterwards, however the readings overlap", () => {
    const reader = new CounterReader();
    expect(rise(reader, series(one, [0, 10], [15, 20]))).to.equal(0);
    expect(rise(reader, series(one, [0, 10], [15, 20], [30, 25]))).to.equal(5);
    expect(rise(reader, series(one, [15, 20], [30, 25]))).to.equal(0);
    expect(rise(reader, series(one, [30, 25], [45, 27], [60, 31]))).to.equal(6);
  });

  it("lose only what a reset hides", () => {
    const reader = new CounterReader();
    rise(reader, series(one, [0, 100]));
    expect(rise(reader, series(one, [0, 100], [15, 110], [30, 4], [45, 9]))).to.equal(10 + 4 + 5);
  });

  it("count a status series from zero when its target was scraped before it was born", () => {
    const reader = new CounterReader();
    rise(reader, series(one, [0, 100]));
    expect(rise(reader, series(one, [0, 100], [15, 100]), series({ instance: "a", status: "500" }, [15, 3]))).to.equal(3);
  });

  it("take the first sample of a new target as its base: nobody knows when it was counted", () => {
    const reader = new CounterReader();
    rise(reader, series(one, [0, 100]));
    expect(rise(reader, series({ instance: "b", status: "200" }, [15, 1000]))).to.equal(0);
    expect(rise(reader, series({ instance: "b", status: "200" }, [30, 1007]))).to.equal(7);
  });

  it("count from zero on a target that was known by other series, such as up", () => {
    const reader = new CounterReader();
    reader.know([series({ __name__: "up", instance: "c" }, [0, 1])]);
    expect(rise(reader, series({ instance: "c", status: "200" }, [15, 8]))).to.equal(8);
  });

  it("do not make each other's targets known within one reading", () => {
    const reader = new CounterReader();
    const { x, n } = reader.read({ n: [series({ instance: "a", name: "n" }, [0, 50])], x: [series({ instance: "a", name: "x" }, [0, 5])] });
    expect([x, n]).to.deep.equal([[], []]);
  });

  it("add up to what was counted, for any increments, resets and readings", () => {
    const event = fc.record({ add: fc.nat(20), reset: fc.boolean(), read: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const reader = new CounterReader();
        const points: [number, number][] = [[0, 7]];
        rise(reader, series(one, ...points));
        let [value, counted, seen] = [7, 0, 0];
        events.forEach(({ add, reset, read }, i) => {
          // A reset that is followed by more than was there before is invisible to anyone.
          if (reset && add < value) value = 0;
          value += add;
          counted += add;
          points.push([i + 1, value]);
          if (read) seen += rise(reader, series(one, ...points));
        });
        seen += rise(reader, series(one, ...points));
        expect(seen).to.equal(counted);
      }),
    );
  });
});
