import { setTimeout as sleep } from "node:timers/promises";
import { answerNothing, failingPrometheus, type Failing, type FailingPrometheus } from "../../../sandbox/demo/prometheus";
import type { FaultCase } from "../case";
import type { Scene } from "../scene";

const API = /kube-apiserver /;
const ETCD = /etcd --/;
const PROMETHEUS = /prometheus --config/;
const TRAEFIK = /traefik --/;
const AGENT = /node\/agent\.js/;
const LINE = /cluster\/line\.js/;

const AFTER_A_PAUSE = { exits: [0, 3], says: /held at weight \d+: /, ends: ["v2"], alone: true } as const;

const LIARS = new Map<Scene, FailingPrometheus>();

/** A Prometheus of a scene's own, which begins to lie and is honest again when it is mended. */
const lying = (how: Failing): Pick<FaultCase, "prepare" | "fault" | "mend"> => ({
  async prepare(s) {
    const liar = await failingPrometheus(s.cluster.url("prometheus"));
    LIARS.set(s, liar);
    s.edit(s.cluster.url("prometheus"), liar.url);
  },
  fault: async (s) => LIARS.get(s)!.fail(how),
  async mend(s) {
    s.edit(LIARS.get(s)!.url, s.cluster.url("prometheus"));
    LIARS.get(s)!.close();
  },
});

const BLIND = { exits: [3], says: /held at weight \d+: .*(No metrics|no data|no series|newer)/i, ends: ["v2"] } as const;

const LONG = { rollout: { stages: [{ weight: 20, dwell: "5s" }, { weight: 50, dwell: "1s" }] } };

/** The router hears nothing of the API server until it is mended, and then of all that it has missed. */
const deaf = (version: string) => ({
  exits: [3], ends: ["v1"], alone: true,
  says: /The router was told to send all traffic home and does not: .* at weight 0\. The canary's pods are kept/,
  next: () => ["rollback"],
  fault: async (s: Scene) => s.signal(LINE, "SIGSTOP"),
  async mend(s: Scene) {
    s.signal(LINE, "SIGCONT");
    for (const deadline = Date.now() + 60_000; Date.now() - s.lastOf(version) < 2000 && Date.now() < deadline; ) await sleep(250);
  },
});

/** Parts of the cluster that stop, hang or die. */
export const CLUSTER_CASES: readonly FaultCase[] = [
  { name: "API server hangs for 4 s", ...AFTER_A_PAUSE, fault: (s) => s.freeze(API, 4) },
  { name: "API server hangs for 20 s, longer than the Lease lasts", ...AFTER_A_PAUSE, fault: (s) => s.freeze(API, 20) },
  { name: "API server is killed", ...AFTER_A_PAUSE, fault: async (s) => s.signal(API, "SIGKILL") },
  {
    name: "API server is slow: 0.3 s of every 0.4 s it stands still", ...AFTER_A_PAUSE,
    fault: async (s) => {
      for (let n = 0; n < 50; n++) {
        await s.freeze(API, 0.3);
        await sleep(100);
      }
    },
  },
  { name: "etcd hangs for 20 s", ...AFTER_A_PAUSE, fault: (s) => s.freeze(ETCD, 20) },
  { name: "etcd is killed", ...AFTER_A_PAUSE, fault: async (s) => s.signal(ETCD, "SIGKILL") },
  { name: "Prometheus hangs until it is held", exits: [3], says: /No metrics for 20 s|no data/, ends: ["v2"], alone: true, fault: async (s) => s.signal(PROMETHEUS, "SIGSTOP"), mend: async (s) => s.signal(PROMETHEUS, "SIGCONT") },
  { name: "Prometheus is killed", ...AFTER_A_PAUSE, fault: async (s) => s.signal(PROMETHEUS, "SIGKILL") },
  { name: "Prometheus answers that there is nothing", ...BLIND, ...lying(answerNothing) },
  { name: "Prometheus tells the same for ever", ...BLIND, ...lying("still") },
  { name: "ingress controller is killed", exits: [0, 3], says: /held at weight \d+: /, ends: ["v2"], alone: true, hurts: true, fault: async (s) => s.signal(TRAEFIK, "SIGKILL") },
  { name: "ingress controller is deaf while a good release is raised", values: LONG, ...deaf("v2"), when: ({ event }) => event === "split" },
  { name: "ingress controller is deaf when a bad release goes home", version: "bad", ...deaf("bad"), when: (event) => event.event === "observe" && ((event as { served?: number }).served ?? 0) > 0.05 },
  { name: "node agent is killed, and every pod with it", exits: [0, 2, 3], says: /rolled back|held at weight/, ends: ["v1", "v2"], alone: true, hurts: true, fault: async (s) => s.signal(AGENT, "SIGKILL") },
];
