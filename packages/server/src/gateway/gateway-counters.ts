/**
 * What the gateway counts for its operators. The hot path bumps plain numbers in typed arrays and nothing else; a snapshot
 * of them is plain data.
 */
import type { Session } from "../delivery/session.ts";
import type { SendRequest } from "../messaging/send.ts";
import { Histogram, type HistogramSnapshot, SECONDS } from "../observe/histogram.ts";
import type { CloseReason } from "./close-reasons.ts";

/** By the protocol's packet types; 0: what was no packet, and the error that answered it. */
const PACKET_TYPES = 16;
const REASONS = 32;
const DEVICES = ["app", "web", "pc", "other"] as const;
const SESSION_KINDS = 4 * DEVICES.length;

interface SessionCount {
  readonly transport: "tcp" | "websocket";
  readonly protocol: "wkproto" | "jsonrpc";
  readonly device: (typeof DEVICES)[number];
  readonly count: number;
}

/** CONNECTs by what became of them: "success", or the reason of the close. */
type ConnectCounts = Readonly<Record<string, number>>;

/** Plain data. */
export interface CountersSnapshot {
  readonly sessionsBy: readonly SessionCount[];
  readonly connects: ConnectCounts;
  /** By packet type; 0: what was no packet, and errors. Out: queued to be written. */
  readonly framesIn: readonly number[];
  readonly bytesIn: readonly number[];
  readonly framesOut: readonly number[];
  readonly bytesOut: readonly number[];
  /** By reason. */
  readonly sendacks: readonly number[];
  /** Of one SEND at a time. */
  readonly sendackSeconds: HistogramSnapshot;
}

export class GatewayCounters {
  readonly framesIn: Float64Array = new Float64Array(PACKET_TYPES);
  readonly bytesIn: Float64Array = new Float64Array(PACKET_TYPES);
  readonly framesOut: Float64Array = new Float64Array(PACKET_TYPES);
  readonly bytesOut: Float64Array = new Float64Array(PACKET_TYPES);
  /** By reason. */
  readonly sendacks: Float64Array = new Float64Array(REASONS);
  /** From the read that brought the SEND to its queued SENDACK, of one SEND at a time. */
  readonly #sendackSeconds = new Histogram(SECONDS);
  #timed: SendRequest | undefined;
  #timedFromMs = 0;
  readonly #sessions = new Float64Array(SESSION_KINDS);
  readonly #connects: Record<string, number> = { success: 0 };

  /** One of a batch, unless another is still timed. */
  time(request: SendRequest | undefined, receivedMs: number): void {
    if (this.#timed !== undefined) return;
    this.#timed = request;
    this.#timedFromMs = receivedMs;
  }

  answered(request: SendRequest, reason: number, clock: { monotonicMs(): number }): void {
    this.sendacks[reason]!++;
    if (request !== this.#timed) return;
    this.#timed = undefined;
    this.#sendackSeconds.observe((clock.monotonicMs() - this.#timedFromMs) / 1000);
  }

  connected(outcome: "success" | CloseReason): void {
    this.#connects[outcome] = (this.#connects[outcome] ?? 0) + 1;
  }

  /** `by`: 1 at the login, -1 at the end. */
  session(session: Session, isWebSocket: boolean, isJson: boolean, by: 1 | -1): void {
    const device = Math.min(session.deviceFlag, DEVICES.length - 1);
    this.#sessions[((isWebSocket ? 2 : 0) + (isJson ? 1 : 0)) * DEVICES.length + device]! += by;
  }

  snapshot(): CountersSnapshot {
    return {
      sessionsBy: this.#sessionCounts,
      connects: this.#connectCounts,
      framesIn: [...this.framesIn],
      bytesIn: [...this.bytesIn],
      framesOut: [...this.framesOut],
      bytesOut: [...this.bytesOut],
      sendacks: [...this.sendacks],
      sendackSeconds: this.#sendackSeconds.snapshot(),
    };
  }

  get #connectCounts(): ConnectCounts {
    const refused = Object.fromEntries(CONNECT_REFUSALS.map((reason) => [reason, 0]));
    return { ...refused, ...this.#connects };
  }

  get #sessionCounts(): readonly SessionCount[] {
    return [...this.#sessions].map((count, index) => ({
      transport: index >= 2 * DEVICES.length ? "websocket" : "tcp",
      protocol: Math.floor(index / DEVICES.length) % 2 === 1 ? "jsonrpc" : "wkproto",
      device: DEVICES[index % DEVICES.length]!,
      count,
    }));
  }
}

/** What a CONNECT may be refused with. */
const CONNECT_REFUSALS: readonly CloseReason[] = [
  "bad_uid",
  "bad_device_id",
  "reserved_id",
  "auth_failed",
  "banned",
  "bad_client_key",
  "login_unavailable",
];
