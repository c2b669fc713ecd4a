/**
 * The core's end of one worker: its rows become calls of the core, and what the core says becomes rows. It knows which of
 * its connections count, so that nothing is left of them when the thread ends.
 */
import type { Outbound, PushedMessage } from "../../delivery/outbound.ts";
import type { SendRequest, SendResult, SendSink } from "../../messaging/send.ts";
import type { Thread, Threads, Timers } from "../../world/world.ts";
import type { CloseReason } from "../close-reasons.ts";
import type { Entrant, RecvackFrame, SendRefusal } from "../core.ts";
import type { GatewayStats } from "../gateway-stats.ts";
import type { LocalCore } from "../local-core.ts";
import { BatchPort } from "./batch-port.ts";
import { type CoreRows, readCoreRows } from "./core-rows.ts";
import { GatewayRowWriter } from "./gateway-rows.ts";
import { PackWriter } from "./pack.ts";
import { type CallName, errorOf, type FromWorker, type WorkerCalls, type WorkerData } from "./worker-messages.ts";

export interface WorkerLinkDeps {
  readonly timers: Pick<Timers, "soon">;
  readonly threads: Threads;
  readonly core: LocalCore;
  readonly data: WorkerData;
  /** Exactly once and last, with the connections that ended with it; undefined: it was told to end. */
  readonly ended: (error: unknown, connections: number) => void;
}

interface OpenConnection {
  readonly id: number;
  readonly ip: string;
  /** Empty before the login. */
  uid: string;
  /** Logged in, and not yet left or kicked. */
  isIn: boolean;
}

interface Waiting {
  resolve(value: never): void;
  reject(error: unknown): void;
}

/** Not of the clock: while this thread hangs itself nothing is counted. */
const SILENT_SECONDS_MAX = 30;

const PROGRAM = new URL(
  import.meta.url.endsWith(".ts") ? "./worker-program.ts" : "./worker-program.js",
  import.meta.url,
);

export class WorkerLink implements CoreRows, SendSink, Outbound {
  readonly #core: LocalCore;
  readonly #thread: Thread;
  readonly #port: BatchPort;
  readonly #rows: GatewayRowWriter;
  readonly #open = new Map<number, OpenConnection>();
  readonly #calls = new Map<number, Waiting>();
  #nextCall = 1;
  #isGone = false;
  /** As the worker told last, which it does every second. */
  stats: GatewayStats | undefined;
  #silentSeconds = 0;
  /** SENDs that the worker has no answer to. */
  unansweredSends = 0;
  /** The greatest id of a connection so far. */
  lastId = 0;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  #failure: unknown;

  constructor({ timers, threads, core, data, ended }: WorkerLinkDeps) {
    this.#core = core;
    const pack = new PackWriter();
    this.#rows = new GatewayRowWriter(pack, () => this.#port.mark());
    this.#port = new BatchPort({
      timers,
      post: (message, buffers) => this.#thread.post(message, buffers),
      pack,
      bytesMax: data.queueBytesMax,
      rows: (rows) => readCoreRows(rows, this),
      // Only `worker-program` is at the other end.
      message: (message) => this.#told(message as FromWorker),
      flushed: () => this.#rows.flushed(),
      drained: () => undefined,
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#thread = threads.start(PROGRAM, data, {
      message: (message) => this.#received(message),
      ended: (error) => {
        const cause = this.#failure ?? error;
        const connections = this.#open.size;
        this.#gone(cause);
        ended(cause, connections);
        resolve();
      },
    });
  }

  /** More is on its way to the worker than it takes. */
  get isBehind(): boolean {
    return this.#port.isFull;
  }

  call<Name extends CallName>(
    name: Name,
    argument: Parameters<WorkerCalls[Name]>[0],
  ): Promise<Awaited<ReturnType<WorkerCalls[Name]>>> {
    if (this.#isGone) return Promise.reject(new Error("the worker has ended"));
    const call = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#port.post({ call, name, argument });
    });
  }

  /** To be called every second: a worker that hangs would hold up everybody's sends once its rows are too many. */
  checkLife(): void {
    if (++this.#silentSeconds < SILENT_SECONDS_MAX) return;
    this.#failure ??= new Error(`nothing was heard of the worker for ${SILENT_SECONDS_MAX} s`);
    this.#thread.end();
  }

  /** At once. */
  end(): void {
    this.#thread.end();
  }

  // ---- Outbound

  recv(message: PushedMessage, to: readonly number[]): void {
    if (!this.#isGone) this.#rows.recv(message, to);
  }

  disconnect(to: readonly number[], reason: number | null, text: string, closeAfterMs: number): void {
    if (this.#isGone) return;
    // Whoever asked for it may rely on it at once; the worker hears of it a little later.
    for (const id of to) this.left(id, "kicked");
    this.#rows.disconnect(to, reason, text, closeAfterMs);
  }

  // ---- SendSink

  answered(request: SendRequest, result: SendResult): void {
    if (this.#isGone) return;
    this.unansweredSends--;
    this.#rows.answered(request.clientSeq, result);
  }

  // ---- CoreRows

  opened(id: number, ip: string): void {
    this.lastId = id;
    const refusal = this.#core.opened(id, ip);
    if (refusal !== undefined) {
      this.#rows.ended(id, refusal);
      return;
    }
    this.#open.set(id, { id, ip, uid: "", isIn: false });
    this.#rows.admitted(id);
  }

  entered(session: Entrant["session"], token: string, keysReason: number): void {
    const { id, uid } = session;
    const connection = this.#open.get(id);
    // It was refused, and has not heard of it yet.
    if (connection === undefined) return;
    const entrant: Entrant = {
      session,
      token,
      agreeOnKeys: () => keysReason,
      decided: (verdict) => {
        if (verdict.kind === "welcome") {
          connection.uid = uid;
          connection.isIn = true;
        }
        this.#rows.decided(id, verdict);
      },
    };
    try {
      this.#core.enter(entrant);
    } catch (error) {
      this.#core.failed(error);
      this.#rows.ended(id, "internal_error");
    }
  }

  sends(requests: readonly SendRequest[], tickets: readonly number[], refusal: SendRefusal | undefined): void {
    const [first] = requests;
    const connection = first && this.#open.get(first.session);
    if (connection?.isIn !== true) {
      // The worker had not heard yet that the session is gone.
      for (const ticket of tickets) this.#rows.forgotten(ticket);
      return;
    }
    this.unansweredSends += requests.length;
    const { ip } = connection;
    const granted = this.#core.granted(ip, requests.length);
    const taken = granted === requests.length ? requests : requests.slice(0, granted);
    if (granted < requests.length) this.#core.refuse(requests.slice(granted), "rate_limit", ip, this);
    if (taken.length === 0) return;
    if (refusal === undefined) this.#core.sending.send(taken, this);
    else this.#core.refuse(taken, refusal, ip, this);
  }

  received(frame: RecvackFrame, sessionId: number): void {
    const connection = this.#open.get(sessionId);
    if (connection?.isIn === true) this.#core.received(frame, connection);
  }

  left(id: number, reason: CloseReason): void {
    const connection = this.#open.get(id);
    if (connection?.isIn !== true) return;
    connection.isIn = false;
    this.#core.left(id, reason);
  }

  closed(id: number, reason: CloseReason): void {
    const connection = this.#open.get(id);
    if (connection === undefined) return;
    this.#open.delete(id);
    this.#core.closed(id, reason, connection.uid, connection.ip);
  }

  // ---- inside

  #received(message: unknown): void {
    try {
      this.#port.received(message);
    } catch (error) {
      // What came behind is lost: the worker can only begin again.
      this.#failure = error;
      this.#port.close();
      this.#thread.end();
    }
  }

  #told(message: FromWorker): void {
    switch (message.kind) {
      case "stats":
        this.stats = message.stats;
        this.#silentSeconds = 0;
        return;
      case "failure":
        this.#core.failed(errorOf(message.error));
        return;
      case "answer":
        this.#calls.get(message.call)?.resolve(message.value as never);
        break;
      case "refusal":
        this.#calls.get(message.call)?.reject(errorOf(message.error));
        break;
    }
    this.#calls.delete(message.call);
  }

  /** Its sockets are closed: in one step everything of its connections ends. */
  #gone(error: unknown): void {
    this.#isGone = true;
    this.#port.close();
    this.unansweredSends = 0;
    const reason = error === undefined ? "server_stopping" : "worker_failed";
    for (const [id, { uid, ip }] of this.#open) {
      this.left(id, reason);
      this.#core.closed(id, reason, uid, ip);
    }
    this.#open.clear();
    for (const waiting of this.#calls.values()) waiting.reject(error ?? new Error("the worker has ended"));
    this.#calls.clear();
  }
}
