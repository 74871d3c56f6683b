import { expect } from "chai";
import { bulkhead } from "cockatiel";
import { answerNothing, answerWith, failingPrometheus, type Failing } from "../../sandbox/demo/prometheus";
import { sharedCluster, shopStack } from "./harness";

const series = (value: string) => ({ metric: { service: "x", code: "200", le: "+Inf" }, values: [[Date.now() / 1000, value]] });

/** Ways in which a Prometheus can fail to know; each with what the held rollout must say of it. */
const FAILINGS: Record<string, { answer: Failing; says: RegExp }> = {
  "is stopped": { answer: "closed", says: /ECONNREFUSED|cannot be reached|refused/i },
  "answers 500": { answer: (_, response) => void response.writeHead(500).end("oops"), says: /500/ },
  "answers NaN": { answer: (_, response) => answerWith(response, { resultType: "matrix", result: [series("NaN")] }), says: /NaN/ },
  "answers nothing": { answer: answerNothing, says: /no series/ },
  "stands still, and tells what it told before": { answer: "still", says: /newer|old|stale|since|no new/i },
  "answers text instead of JSON": { answer: (_, response) => void response.end("<html>please log in</html>"), says: /JSON|log in|text/i },
};

describe("a rollout whose Prometheus", function () {
  this.timeout(300_000);
  const results = new Map<string, Promise<{ exitCode: number; message: string; promotes: boolean; weight: number }>>();

  /** Three at once: each mostly waits, but six drivers on two cores would wait for each other. */
  before(async () => {
    const { cluster } = await sharedCluster();
    const policy = bulkhead(3, Infinity);
    for (const [i, [how, { answer }]] of Object.entries(FAILINGS).entries()) {
      const run = async () => {
        const prometheus = await failingPrometheus(cluster.url("prometheus"));
        const shop = await shopStack(`blind${i}`, {
          rollout: { stages: [{ weight: 50, dwell: "2s" }, { weight: 100 }], warmUp: "0s", verifyTimeout: "20s", cap: "60s" },
          analysis: { prometheus: prometheus.url, source: "traefik", scrapeInterval: "1s" },
        });
        await shop.canary("deploy", "v1", "--yes");
        const load = shop.background(40);
        let promotes = false;
        const deployed = await shop.canaryWatched(["deploy", "v2", "--yes"], (event) => {
          if (event.event === "split") prometheus.fail(answer);
          if (event.event === "promote") promotes = true;
        });
        const last = deployed.events.at(-1);
        const weight = ((await shop.canary("status")).events[0] as unknown as { deployed: { weight: number } }).deployed.weight;
        await load.stop();
        prometheus.close();
        return { exitCode: deployed.exitCode, message: last?.message ?? deployed.stderr, promotes, weight };
      };
      results.set(how, policy.execute(run));
    }
    await Promise.allSettled(results.values());
  });

  for (const [how, { says }] of Object.entries(FAILINGS))
    it(`${how} is held with the reason, neither promoted nor reverted`, async () => {
      const { exitCode, message, promotes, weight } = await results.get(how)!;
      expect({ exitCode, promotes, weight }, message).to.deep.equal({ exitCode: 3, promotes: false, weight: 50 });
      expect(message).to.match(/^v2 is held at weight 50: No metrics for 20 s: /);
      expect(message).to.match(says);
    });
});
