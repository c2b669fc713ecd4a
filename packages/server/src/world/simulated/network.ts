/** Listeners of the simulated process, and connections to them from outside. */
import type { ListenAt, Listener, Socket, World } from "../world.ts";
import type { Owner } from "./event-loop.ts";
import { type EndSurroundings, SocketEnd } from "./socket-pair.ts";

interface Listening {
  readonly at: ListenAt;
  readonly owner: Owner;
  readonly accept: (socket: Socket) => void;
}

const FIRST_FREE_PORT = 40_000;

export class SimulatedNetwork {
  readonly #around: EndSurroundings;
  readonly #listening: Map<number, Listening> = new Map();
  readonly #claimed: Set<number> = new Set();
  #accepted: SocketEnd[] = [];
  #nextPort = FIRST_FREE_PORT;
  #nextClientPort = 1_024;

  constructor(around: EndSurroundings) {
    this.#around = around;
  }

  /** The network as one life of the process sees it. */
  for(owner: Owner): World["network"] {
    return {
      listen: async (at, accept) => {
        const listener = this.claimPort(at.port, () => this.#listening.delete(listener.port));
        this.#listening.set(listener.port, { at, owner, accept });
        return listener;
      },
    };
  }

  /** Throws when another listener of whatever kind has it. `close` frees it. */
  claimPort(wanted: number, closed: () => void): Listener {
    if (this.#claimed.has(wanted)) throw new Error(`listen EADDRINUSE: address already in use :${wanted}`);
    if (wanted === 0) this.#nextPort += 1;
    const port = wanted === 0 ? this.#nextPort : wanted;
    this.#claimed.add(port);
    return {
      port,
      close: async () => {
        this.#claimed.delete(port);
        closed();
      },
    };
  }

  /** The far end of a new connection. Nobody listens: it closes. */
  connect(port: number, ip: string, outside: Owner): Socket {
    const { loop, random, conditions, network } = this.#around;
    const listening = this.#listening.get(port);
    this.#nextClientPort += 1;
    const clientPort = this.#nextClientPort;
    const keepsBoundaries = listening?.at.transport === "websocket";
    const client = new SocketEnd({ ip: "127.0.0.1", port }, keepsBoundaries, outside, this.#around);
    loop.after(random.delayMs(conditions.delayMs), "socket accept", network, () => {
      if (client.isClosed) return;
      if (listening === undefined || !listening.owner.isAlive || this.#listening.get(port) !== listening) {
        client.vanish();
        return;
      }
      const server = new SocketEnd({ ip, port: clientPort }, keepsBoundaries, listening.owner, this.#around);
      this.#accepted = this.#accepted.filter((socket) => !socket.isClosed);
      this.#accepted.push(server);
      listening.accept(server);
      server.join(client);
    });
    return client;
  }

  cut(client: Socket): void {
    if (client instanceof SocketEnd) client.cut();
  }

  /** The process is gone: so are its ports, and its sockets' peers notice. */
  crash(): void {
    this.#listening.clear();
    this.#claimed.clear();
    for (const socket of this.#accepted) socket.vanish();
    this.#accepted = [];
  }
}
