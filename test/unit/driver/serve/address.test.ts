import { createServer, type AddressInfo } from "node:net";
import { expect } from "chai";
import { authority, isLoopback, listenAddress } from "../../../../driver/serve/address";
import { UsageError } from "../../../../driver/errors";
import { serveSite } from "../../../../driver/serve/server";
import { Site } from "../../../../driver/serve/site";

describe("the address of the status server", () => {
  it("is a host and a port; without a host it is this machine alone", () => {
    const cases: Record<string, string> = { "127.0.0.1:8090": "127.0.0.1:8090", "8090": "127.0.0.1:8090", ":0": "127.0.0.1:0", "localhost:80": "localhost:80", "[::1]:8090": "[::1]:8090", "0.0.0.0:65535": "0.0.0.0:65535", " ci-runner.internal:9000 ": "ci-runner.internal:9000" };
    for (const [text, expected] of Object.entries(cases)) expect(authority(listenAddress(text)), text).to.equal(expected);
  });

  it("is refused in one sentence when it is none", () => {
    for (const text of ["", "host", "127.0.0.1", "127.0.0.1:", "1.2.3:80", "256.0.0.1:80", "::1:80", "[::1]", "[1.2.3.4]:80", "127.0.0.1:65536", "http://127.0.0.1:80", "-x:80", "a b:80", ":-1"])
      expect(() => listenAddress(text), text).to.throw(UsageError, /^The address ".*" cannot be listened on: it must be a host and a port, such as 127\.0\.0\.1:8090 or \[::1\]:8090, or a port alone\.$/);
  });

  it("is known to be of this machine alone, or not", () => {
    for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "::1"]) expect(isLoopback(host), host).to.equal(true);
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "127.example"]) expect(isLoopback(host), host).to.equal(false);
  });

  it("is refused in one sentence when another process listens there, or the machine does not have it", async () => {
    const other = createServer();
    await new Promise<void>((ready) => other.listen(0, "127.0.0.1", ready));
    const { port } = other.address() as AddressInfo;
    const refusal = (host: string) => serveSite(new Site(), { host, port }).then(() => undefined, (error: Error) => error);
    const taken = await refusal("127.0.0.1");
    expect(taken).to.be.instanceOf(UsageError);
    expect(taken?.message).to.equal(`The address 127.0.0.1:${port} cannot be listened on: another process listens there: choose another port, or end that process.`);
    expect((await refusal("192.0.2.1"))?.message).to.equal(`The address 192.0.2.1:${port} cannot be listened on: this machine has no such address: choose 127.0.0.1, or one of its own.`);
    other.close();
  });
});
