/** A TCP proxy in front of a server whose way back can be made to lose everything: what the client sent arrives, no answer does. */
import { connect, createServer, type Server, type Socket } from "node:net";

export class LossyProxy implements Disposable {
  /** true: what the server writes is thrown away. */
  losesAnswers = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(targetPort: number): Promise<LossyProxy> {
    const server = createServer();
    const proxy = new LossyProxy(server);
    server.on("connection", (client) => proxy.#forward(client, targetPort));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy does not listen");
    return address.port;
  }

  /** Every connection ends, without goodbye. New ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.cut();
  }

  #forward(client: Socket, targetPort: number): void {
    const target = connect({ host: "127.0.0.1", port: targetPort, noDelay: true });
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (chunk: Buffer) => {
        if (from === client || !this.losesAnswers) to.write(chunk);
      });
      from.on("error", () => undefined); // "close" follows
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
