import * as net from "node:net";

/** Forwards every connection that a listening socket of the host accepts to a port inside the namespace. */
export function forward(server: net.Server, port: number): void {
  server.on("connection", (client: net.Socket) => {
    const target = net.connect(port, "127.0.0.1");
    const end = (): void => {
      client.destroy();
      target.destroy();
    };
    for (const socket of [client, target]) socket.setNoDelay(true).on("error", end).on("close", end);
    client.pipe(target).pipe(client);
  });
}
