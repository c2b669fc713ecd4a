/** For the tests of this folder: timers that run when told, a peer that records, and waiting without a clock. */
import { once } from "node:events";
import { connect, type Socket as NetSocket } from "node:net";
import type { ListenAt, Listener, Socket, SocketEvents, Timers, World } from "../world.ts";
import { createNetwork } from "./network.ts";

export interface ManualTimers extends Timers {
  /** How many are waiting. */
  readonly count: number;
  runAll(): void;
}

export function createManualTimers(): ManualTimers {
  const waiting = new Set<() => void>();
  return {
    get count() {
      return waiting.size;
    },
    after(_delayMs, run) {
      waiting.add(run);
      return { cancel: () => void waiting.delete(run) };
    },
    soon: (run) => void setImmediate(run),
    runAll() {
      const due = [...waiting];
      waiting.clear();
      for (const run of due) run();
    },
  };
}

/** One accepted socket and everything it was told, in order. */
export interface Accepted {
  readonly socket: Socket;
  readonly chunks: Uint8Array[];
  /** "bytes", "alive", "drained", "closed". */
  readonly told: string[];
}

export interface TestListener {
  readonly listener: Listener;
  readonly accepted: Accepted[];
  readonly timers: ManualTimers;
  /** The first accepted socket, when it is there. */
  readonly first: () => Promise<Accepted>;
}

export async function listenForTest(
  transport: ListenAt["transport"],
  options: Partial<ListenAt> & { readonly onBytes?: (accepted: Accepted) => void } = {},
): Promise<TestListener> {
  const timers = createManualTimers();
  const network: World["network"] = createNetwork(timers);
  const accepted: Accepted[] = [];
  const at = { transport, host: "127.0.0.1", port: 0, messageBytesMax: 100_000, handshakeTimeoutMs: 1_000, ...options };
  const listener = await network.listen(at, (socket) => {
    const one: Accepted = { socket, chunks: [], told: [] };
    const events: SocketEvents = {
      bytes(chunk) {
        one.chunks.push(chunk);
        one.told.push("bytes");
        options.onBytes?.(one);
      },
      alive: () => void one.told.push("alive"),
      drained: () => void one.told.push("drained"),
      closed: () => void one.told.push("closed"),
    };
    socket.bind(events);
    accepted.push(one);
  });
  const first = async (): Promise<Accepted> => {
    await waitFor(() => accepted.length > 0);
    return accepted[0]!;
  };
  return { listener, accepted, timers, first };
}

/** A plain TCP peer that records what it gets and never complains. */
export interface Peer {
  readonly net: NetSocket;
  received(): Buffer;
  /** The other side has ended or reset the connection. */
  readonly isOver: boolean;
}

export async function connectPeer(port: number): Promise<Peer> {
  const net = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  net.on("error", () => undefined);
  const chunks: Buffer[] = [];
  const peer = {
    net,
    received: () => Buffer.concat(chunks),
    get isOver() {
      return net.readableEnded || net.destroyed;
    },
  };
  net.on("data", (chunk) => chunks.push(chunk));
  await once(net, "connect");
  return peer;
}

/** Turns of the event loop, however many it takes; the test's own timeout is the limit. */
export async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** So many turns that what should not happen would have happened. */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
