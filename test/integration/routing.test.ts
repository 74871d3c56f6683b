import { expect } from "chai";
import type { V1Ingress } from "@kubernetes/client-node";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { kubernetes, shopStack, type Shop } from "./harness";
import { ask, askMany, cookiesOf, eventually, tally, type Answer } from "./requests";

const NGINX = "nginx.ingress.kubernetes.io";
const HOST = (service: string): string => `${service}.routing.example`;
const service = (routing: object, replicas = 1): object => ({ image: SHOP_IMAGE, port: 8080, workload: { replicas, drain: "1s", progressDeadline: "60s" }, routing });
const named = (services: Record<string, object>): object => Object.fromEntries(Object.entries(services).map(([name, each]) => [name, { ...each, hosts: [HOST(name)] }]));

/**
 * ingress-nginx's own canary cases, against stacks that the components declare, on Traefik. What Traefik answers differently is asserted as
 * Traefik answers it and marked so; the reasons are in docs/routers.md.
 */
describe("ingress-nginx's canary cases on Traefik", function () {
  this.timeout(240_000);
  let shop: Shop;
  const to = (name: string, headers: Record<string, string> = {}): Promise<Answer> => ask(shop.cluster, HOST(name), headers);
  const versionOf = async (name: string, headers: Record<string, string> = {}): Promise<string> => (await to(name, headers)).version;
  const split = async (name: string, count: number): Promise<Record<string, number>> => tally((await askMany(count, () => to(name))).map(({ version }) => version));

  async function up(): Promise<void> {
    const { code, output } = await shop.pulumi("up", "--yes", "--skip-preview");
    expect(code, output).to.equal(0);
  }

  const set = async (weight: number): Promise<void> => {
    shop.edit(/canary:weight: "?\d+"?/, `canary:weight: ${weight}`);
    await up();
  };

  before(async () => {
    const services = named({
      plain: service({ header: { name: "CanaryByHeader" }, cookie: "Canary-By-Cookie" }),
      exact: service({ header: { name: "CanaryByHeader", value: "DoCanary" }, weightTotal: 1000 }),
      pattern: service({ header: { name: "CanaryByHeader", pattern: "^Do[A-Z][a-z]+y$" }, weightTotal: 200 }),
      session: service({ session: { kind: "cookie", name: "sid", sameSite: "Lax" } }, 2),
      odd: service({}),
    });
    shop = await shopStack("routing", { services, stable: "v1", canary: "v2", weight: 0 });
    await up();
    // Traefik takes the services up one after the other.
    await eventually(async () => {
      expect(await versionOf("session", { "X-Canary": "always" })).to.equal("v2");
      expect(await versionOf("plain", { CanaryByHeader: "always" })).to.equal("v2");
      expect(await versionOf("odd", { "X-Canary": "always" })).to.equal("v2");
    });
  });

  describe("by header", () => {
    it("without the header, or with a value that means nothing, a request goes to stable", async () => {
      expect(await versionOf("plain")).to.equal("v1");
      expect(await versionOf("plain", { CanaryByHeader: "badheadervalue" })).to.equal("v1");
    });

    it("always goes to the canary and never to stable", async () => {
      expect(await versionOf("plain", { CanaryByHeader: "always" })).to.equal("v2");
      expect(await versionOf("plain", { CanaryByHeader: "never" })).to.equal("v1");
    });

    it("an exact value goes to the canary, and nothing else does: always and never mean nothing then", async () => {
      const seen = await Promise.all(["DoCanary", "always", "never", "badheadervalue", "docanary"].map((value) => versionOf("exact", { CanaryByHeader: value })));
      expect(seen).to.deep.equal(["v2", "v1", "v1", "v1", "v1"]);
    });

    it("a pattern goes to the canary where it matches", async () => {
      const seen = await Promise.all(["DoCanary", "DoCanarlly", "Docanary", "always"].map((value) => versionOf("pattern", { CanaryByHeader: value })));
      expect(seen).to.deep.equal(["v2", "v2", "v1", "v1"]);
    });
  });

  it("by cookie, always goes to the canary, never to stable, and any other value by the weight", async () => {
    const seen = await Promise.all(["always", "never", "badcookievalue"].map((value) => versionOf("plain", { cookie: `Canary-By-Cookie=${value}` })));
    expect(seen).to.deep.equal(["v2", "v1", "v1"]);
  });

  it("the header is looked at before the cookie", async () => {
    expect(await versionOf("plain", { CanaryByHeader: "never", cookie: "Canary-By-Cookie=always" })).to.equal("v1");
    expect(await versionOf("plain", { CanaryByHeader: "always", cookie: "Canary-By-Cookie=never" })).to.equal("v2");
  });

  describe("with Ingresses that no stack declares so", () => {
    const namespace = "routing";
    const ingress = (name: string, host: string, track: string, annotations: Record<string, string> = {}): V1Ingress => ({
      metadata: { name, namespace, annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${NGINX}/${key}`, value])) },
      spec: { ingressClassName: "nginx", rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: `odd-${track}`, port: { number: 80 } } } }] } }] },
    });
    const byHeader = { canary: "true", "canary-by-header": "CanaryByHeader" };
    const create = async (body: V1Ingress): Promise<void> => void (await (await kubernetes()).networking.createNamespacedIngress({ namespace, body }));
    const status = async (host: string, value: string): Promise<[number, string]> => {
      const answer = await ask(shop.cluster, host, { CanaryByHeader: value });
      return [answer.status, answer.version];
    };

    it("a canary Ingress alone answers 404, and works as soon as its main one is there", async () => {
      const host = "late.routing.example";
      await create(ingress("late-canary", host, "canary", byHeader));
      // The controller has read what came before an Ingress that it serves.
      await create(ingress("after", "after.routing.example", "stable"));
      await eventually(async () => expect(await status("after.routing.example", "never")).to.deep.equal([200, "v1"]));
      expect(await status(host, "always")).to.deep.equal([404, "none"]);
      await create(ingress("late-main", host, "stable"));
      await eventually(async () => expect([await status(host, "always"), await status(host, "never")]).to.deep.equal([[200, "v2"], [200, "v1"]]));
    });

    it("a canary goes on when its main Ingress is modified, and by its new header when it is itself", async () => {
      const host = "changed.routing.example";
      await create(ingress("changed-main", host, "stable"));
      await create(ingress("changed-canary", host, "canary", byHeader));
      await eventually(async () => expect(await status(host, "always")).to.deep.equal([200, "v2"]));
      const { networking } = await kubernetes();
      await networking.replaceNamespacedIngress({ name: "changed-main", namespace, body: ingress("changed-main", host, "stable", { "proxy-read-timeout": "7" }) });
      expect(await status(host, "never")).to.deep.equal([200, "v1"]);
      await networking.replaceNamespacedIngress({ name: "changed-canary", namespace, body: ingress("changed-canary", host, "canary", { ...byHeader, "canary-by-header": "CanaryByHeader2" }) });
      await eventually(async () => expect(await status(host, "always")).to.deep.equal([200, "v1"]));
      expect((await ask(shop.cluster, host, { CanaryByHeader2: "always" })).version).to.equal("v2");
      expect((await ask(shop.cluster, host, { CanaryByHeader2: "never" })).version).to.equal("v1");
    });

    it("a header value beats a pattern, which is why the parser refuses both together", async () => {
      const host = "both.routing.example";
      await create(ingress("both-main", host, "stable"));
      await create(ingress("both-canary", host, "canary", { ...byHeader, "canary-by-header-value": "DoCanary", "canary-by-header-pattern": "^Do[A-Z][a-z]+y$" }));
      await eventually(async () => expect(await status(host, "DoCanary")).to.deep.equal([200, "v2"]));
      expect(await status(host, "DoCanarlly")).to.deep.equal([200, "v1"]);
    });
  });

  describe("by weight", () => {
    it("0 sends every request to stable, whatever the total", async () => {
      for (const name of ["plain", "exact", "pattern"]) expect(await split(name, 100), name).to.deep.equal({ v1: 100 });
    });

    it("50 percent, as 50 of 100, 500 of 1000 and 100 of 200, sends at least 80 of 200 requests to each side", async () => {
      await set(50);
      for (const name of ["plain", "exact", "pattern"])
        await eventually(async () => {
          const { v1 = 0, v2 = 0 } = await split(name, 200);
          expect([v1 >= 80, v2 >= 80, v1 + v2], `${name}: ${v1} and ${v2}`).to.deep.equal([true, true, 200]);
        });
    });

    it("100 percent, as 100 of 100 and 1000 of 1000, sends every request to the canary, but not one that says never", async () => {
      await set(100);
      for (const name of ["plain", "exact"]) await eventually(async () => expect(await split(name, 100), name).to.deep.equal({ v2: 100 }));
      expect(await versionOf("plain", { CanaryByHeader: "never" })).to.equal("v1");
      expect(await versionOf("plain", { cookie: "Canary-By-Cookie=never" })).to.equal("v1");
    });
  });

  describe("with session affinity", () => {
    /** A new session on a version, and the cookies that it was given. */
    const session = async (version: string): Promise<string> => {
      const met = await eventually(async () => {
        const answer = await to("session");
        expect(answer.version).to.equal(version);
        return answer;
      });
      return cookiesOf(met);
    };
    const served = async (cookie: string, count = 20): Promise<Record<string, number>> =>
      tally((await askMany(count, () => to("session", { cookie }))).map(({ version }) => version));

    before(async () => {
      await set(50);
    });

    it("a session stays on the track that it met first, by a cookie that this rollout alone uses", async () => {
      const [onStable, onCanary] = [await session("v1"), await session("v2")];
      expect(onCanary).to.match(/^(sid-[0-9a-f]{8}(-wrr)?=\w+(; )?){2}$/);
      expect([await served(onStable), await served(onCanary)]).to.deep.equal([{ v1: 20 }, { v2: 20 }]);
    });

    it("Traefik otherwise than ingress-nginx: the header is looked at before the session", async () => {
      expect((await to("session", { cookie: await session("v2"), "X-Canary": "never" })).version).to.equal("v1");
    });

    it("a session that is stuck to the canary goes home when the canary Service does, at whatever weight", async () => {
      const { core } = await kubernetes();
      const cookie = await session("v2");
      const service = (track: string) => ({ name: `session-${track}`, namespace: "routing" });
      const [stable, canary] = [await core.readNamespacedService(service("stable")), await core.readNamespacedService(service("canary"))];
      await core.replaceNamespacedService({ ...service("canary"), body: { ...canary, spec: { ...canary.spec, selector: stable.spec?.selector } } });
      await eventually(async () => expect(await served(cookie)).to.deep.equal({ v1: 20 }));
      // What somebody else changed, the next update takes back: the Service carries patchForce.
      const { code, output } = await shop.pulumi("up", "--yes", "--skip-preview", "--refresh");
      expect(code, output).to.equal(0);
      await eventually(async () => expect(await served(cookie)).to.deep.equal({ v2: 20 }));
    });

    it("Traefik otherwise than ingress-nginx: weight 0 alone takes a stuck session home, and 100 takes one from stable", async () => {
      const [onStable, onCanary] = [await session("v1"), await session("v2")];
      const { networking } = await kubernetes();
      const weigh = async (weight: string): Promise<void> => {
        const key = { name: "session-canary", namespace: "routing" };
        const body = await networking.readNamespacedIngress(key);
        body.metadata!.annotations![`${NGINX}/canary-weight`] = weight;
        await networking.replaceNamespacedIngress({ ...key, body });
      };
      await weigh("0");
      await eventually(async () => expect(await served(onCanary)).to.deep.equal({ v1: 20 }));
      await weigh("100");
      await eventually(async () => expect(await served(onStable)).to.deep.equal({ v2: 20 }));
    });
  });
});
