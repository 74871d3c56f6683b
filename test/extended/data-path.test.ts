import * as fs from "node:fs";
import * as tls from "node:tls";
import { expect } from "chai";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { kubernetes, shopStack, type Shop } from "../integration/harness";
import { ask, askMany, eventually, tally } from "../integration/requests";

const NAMESPACE = "data-path";
const host = (name: string): string => `${name}.${NAMESPACE}.example`;
const service = (name: string, routing: object, replicas = 1): object =>
  ({ image: SHOP_IMAGE, port: 8080, hosts: [host(name)], workload: { replicas, drain: "1s", progressDeadline: "60s" }, routing });

/** Retry, timeout, bulkhead and fallback where the requests are, as Traefik does them for the annotations that the components declare. */
describe("the data path on Traefik", function () {
  this.timeout(180_000);
  let shop: Shop;
  const statuses = async (name: string, count: number): Promise<Record<string, number>> =>
    tally((await askMany(count, () => ask(shop.cluster, host(name)))).map(({ status }) => status));

  before(async () => {
    const image = (tag: string): object => ({ image: `${SHOP_IMAGE}:${tag}` });
    const services = {
      rated: service("rated", { limits: { requestsPerMinute: 2, burst: 1 } }),
      slow: service("slow", { timeouts: { read: "1s" }, retries: { attempts: 1 }, limits: { connections: 3 } }),
      flaky: service("flaky", { retries: { attempts: 8, on: [500] } }),
      hidden: service("hidden", { fallback: { service: "rated-stable", on: [500] } }),
      empty: service("empty", { fallback: { service: "rated-stable" } }, 0),
      address: { ...service("address", { session: { kind: "client-ip" } }, 2), hosts: [host("address"), "*.wild.example"] },
      secure: { ...service("secure", { tls: [{ hosts: ["localhost"], secretName: "localhost" }] }), hosts: ["localhost"] },
    };
    const stable = { version: "v1", services: { slow: image("slow"), flaky: image("bad"), hidden: image("bad") } };
    shop = await shopStack(NAMESPACE, { services, stable });
    const { code, output } = await shop.pulumi("up", "--yes", "--skip-preview");
    expect(code, output).to.equal(0);
    await eventually(async () => expect((await ask(shop.cluster, "a.wild.example")).status).to.equal(200));
  });

  it("ends a request whose answer stays away for longer than the read timeout with 504", async () => {
    expect(await statuses("slow", 20)).to.include.keys("504");
  });

  it("answers 429 to one client's request beyond the limit of open ones", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(shop.cluster, host("slow"))));
    expect(tally(answers.map(({ status }) => status))).to.include({ 429: 9 });
  });

  it("answers 429 to one client's request beyond the rate", async () => {
    expect(await statuses("rated", 6)).to.deep.equal({ 200: 2, 429: 4 });
  });

  it("tries a failed request again until it succeeds", async () => {
    expect(await statuses("flaky", 100)).to.deep.equal({ 200: 100 });
  });

  it("gives the fallback's answer instead of an error", async () => {
    expect(await statuses("hidden", 60)).to.deep.equal({ 200: 60 });
  });

  it("counts what retries and fallbacks hide, so that the gates see it", async () => {
    const errors = async (name: string): Promise<number> => {
      const query = encodeURIComponent(`sum(traefik_service_requests_total{code="500",service=~"${NAMESPACE}-${name}-.*"})`);
      const answer = (await (await fetch(`${shop.cluster.url("prometheus")}/api/v1/query?query=${query}`)).json()) as { data: { result: { value: [number, string] }[] } };
      return Number(answer.data.result[0]?.value[1] ?? 0);
    };
    await eventually(async () => expect(Math.min(await errors("flaky"), await errors("hidden"))).to.be.greaterThan(0));
  });

  it("gives the fallback's answer where no pod is there", async () => {
    const answer = await ask(shop.cluster, host("empty"));
    expect([answer.status, answer.version]).to.deep.equal([200, "v1"]);
  });

  it("keeps a client's address on one pod", async () => {
    const { core } = await kubernetes();
    await askMany(40, () => ask(shop.cluster, host("address")));
    const { items } = await core.listNamespacedPod({ namespace: NAMESPACE, labelSelector: "app.kubernetes.io/name=address" });
    const served = await Promise.all(items.map(async ({ metadata }) => {
      const metrics = await core.connectGetNamespacedPodProxyWithPath({ name: `${metadata!.name}:8080`, namespace: NAMESPACE, path: "metrics" });
      return Number(/^http_requests_total\{.*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
    }));
    expect(served).to.have.length(2).and.include(0);
    expect(Math.max(...served)).to.be.at.least(40);
  });

  it("serves every host below a wildcard", async () => {
    expect((await ask(shop.cluster, "b.wild.example")).version).to.equal("v1");
  });

  it("ends TLS with the Secret's certificate, and redirects plain requests to it", async () => {
    const { core } = await kubernetes();
    const certificate = fs.readFileSync(shop.cluster.files.ca, "utf8");
    const data = { "tls.crt": certificate, "tls.key": fs.readFileSync(shop.cluster.files.file("apiserver", "apiserver.key"), "utf8") };
    await core.createNamespacedSecret({ namespace: NAMESPACE, body: { metadata: { name: "localhost" }, type: "kubernetes.io/tls", stringData: data } });
    expect((await ask(shop.cluster, "localhost")).status).to.equal(308);
    await eventually(async () => expect(await certificateOf(shop.cluster.url("ingress"), "localhost")).to.equal(certificate.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/)![0].replace(/-----.*?-----|\s/g, "")));
  });
});

/** The certificate that a server shows for a name, as base64. */
function certificateOf(url: string, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: "127.0.0.1", port: Number(new URL(url).port), servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().raw.toString("base64"));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
