/**
 * A generator's share of a traffic run: `prepare` logs everyone in, `start` lets them send, `mark` begins what is
 * measured, `finishWindow` ends it, `drain` waits for the answers, `settle` for the deliveries.
 */
import { encodeFrame, LATEST_VERSION, PacketType, Setting } from "@wukong-ts/protocol";
import { delay, inParallel } from "../in-parallel.ts";
import type { Encryption, Flow, Transport } from "../scenario/scenario.ts";
import type { HostPort } from "../server/target.ts";
import { Connection, type ConnectionEvents } from "./connection.ts";
import { DeliveryLedger, type DeliveryVerdict, type StreamEnd } from "./delivery-ledger.ts";
import { FlowState, type FlowWindow } from "./flow-state.ts";
import { isGenuine } from "./genuine-recv.ts";
import { createLayout, type Layout, type Share } from "./layout.ts";
import { Outgoing } from "./outgoing.ts";
import { peersOf } from "./peers.ts";
import { loginPersistently } from "./persistent-login.ts";
import { SendFrames } from "./send-frames.ts";
import { Stream } from "./stream.ts";

export interface TrafficPlan {
  /** The prefix of all uids and channel ids. */
  readonly users: string;
  /** The prefix of all message numbers, of RUN_CHARS characters. */
  readonly run: string;
  readonly flows: readonly Flow[];
  readonly share: Share;
  readonly transport: Transport;
  readonly address: HostPort;
  readonly version: number;
  readonly encryption: Encryption;
  /** undefined: no tokens. */
  readonly token: string | undefined;
  readonly verification: boolean;
  /** Expected length of the run, to know how much to seal ahead. */
  readonly seconds: number;
}

export interface FlowResult extends FlowWindow {
  /** HDR histograms, encoded. */
  readonly ackLatencies: string;
  readonly deliveryLatencies: string;
}

export interface TrafficResult {
  readonly flows: readonly FlowResult[];
  readonly verdict: DeliveryVerdict;
  /** Sampled RECVs that did not fit their keys or payloads. */
  readonly corrupt: number;
  readonly sampled: number;
  /** Connections that the server closed. */
  readonly lost: number;
  /** Deliveries of which the time of sending is not known here. */
  readonly unmeasured: number;
  readonly sealedLate: number;
  /** By reason code. */
  readonly refusals: Readonly<Record<number, number>>;
  readonly firstError: string | undefined;
}

const LOGINS_AT_A_TIME = 64;
/** Sockets of one loopback source address; the system has about 28,000 ports for each. */
const CONNECTIONS_PER_ADDRESS = 15_000;
const SEALED_AHEAD_MAX = 600_000;
/** A closed loop is not expected to be faster, as a whole and for each SEND in flight. */
const CLOSED_LOOP_PER_SECOND_MAX = 60_000;
const ONE_IN_FLIGHT_PER_SECOND_MAX = 4_000;
const PING_MS = 60_000;
const PING = encodeFrame({ type: PacketType.ping }, LATEST_VERSION);
/** Until every line that the server has closed is seen as closed. */
const CUT_READERS_MS = 2_000;
const SAMPLE_EVERY = 512;
/** An open loop does not queue more than this in front of a line that takes nothing. */
const QUEUED_BYTES_MAX = 4 << 20;
const SUCCESS = 1;
/** Of all streams together, and of each. */
const TIMES_KEPT = 2 ** 18;
const TIMES_KEPT_MIN = 2 ** 8;
const TIMES_KEPT_MAX = 2 ** 15;

export class TrafficRun implements ConnectionEvents {
  readonly #plan: TrafficPlan;
  readonly #layout: Layout;
  readonly #outgoing = new Outgoing();
  readonly #ledger = new DeliveryLedger();
  readonly #flows: readonly FlowState[];
  readonly #connections: Connection[] = [];
  readonly #streams = new Map<number, Stream>();
  /** One reader of each channel that waits for deliveries, by the channel's first stream. */
  readonly #observers = new Map<number, Connection>();
  readonly #refusals: Record<number, number> = {};
  #isSending = false;
  #corrupt = 0;
  #sampled = 0;
  #received = 0;
  #disordered = 0;
  #lost = 0;
  #unmeasured = 0;
  #pacer: NodeJS.Timeout | undefined;
  #pinger: NodeJS.Timeout | undefined;
  #firstError: string | undefined;

  constructor(plan: TrafficPlan) {
    this.#plan = plan;
    this.#layout = createLayout(plan.users, plan.flows, plan.share);
    this.#flows = plan.flows.map((flow, index) => {
      const all = this.#layout.streams.filter((stream) => stream.flow === index).length;
      const mine = this.#layout.seats.filter((seat) => seat.flow === index && seat.stream >= 0).length;
      return new FlowState(flow, mine / all);
    });
  }

  /** Acknowledged and delivered since the last `mark`. */
  get progress(): { readonly acknowledged: number; readonly delivered: number } {
    let acknowledged = 0;
    let delivered = 0;
    for (const flow of this.#flows) {
      acknowledged += flow.acknowledged;
      delivered += flow.delivered;
    }
    return { acknowledged, delivered };
  }

  async prepare(): Promise<void> {
    const plan = this.#plan;
    await inParallel(this.#layout.seats, LOGINS_AT_A_TIME, async (seat, index) => {
      const newcomer = new Connection(
        seat,
        {
          transport: plan.transport,
          address: plan.address,
          localAddress: localAddressOf(index, plan.address.host),
          version: plan.version,
          token: plan.token ?? "",
          recvacks: plan.flows[seat.flow]!.recvacks,
          run: plan.run,
        },
        this.#outgoing,
        this,
      );
      const connection = await loginPersistently(newcomer);
      if (connection.isEncrypted === (plan.encryption === "off")) {
        const fix = "start it with disableEncryption accordingly";
        throw new Error(`the scenario wants encryption ${plan.encryption}, the server decides otherwise: ${fix}`);
      }
      this.#connections.push(connection);
      if (seat.isStalled) connection.stopReading();
      else connection.account = this.#ledger.open(seat.streamBase, seat.streamCount, seat.stream);
      if (seat.stream >= 0) this.#addStream(connection);
      const observes = plan.flows[seat.flow]!.inFlightUntil === "delivered";
      if (observes && seat.stream < 0 && !seat.isStalled) this.#observers.set(seat.streamBase, connection);
    });
    this.#sealAhead();
  }

  start(): void {
    this.#isSending = true;
    this.#pinger = setInterval(() => this.#ping(), PING_MS);
    const nowMs = performance.now();
    for (const state of this.#flows) {
      state.openLoop?.start(nowMs);
      if (state.openLoop !== undefined) continue;
      for (const stream of state.streams) {
        this.#fill(stream, state.flow, nowMs);
        stream.connection.flush();
      }
    }
    if (this.#flows.some((state) => state.openLoop !== undefined)) this.#pace();
  }

  mark(): void {
    for (const state of this.#flows) state.reset();
  }

  finishWindow(): void {
    for (const state of this.#flows) state.window = state.counts();
  }

  /** No more SENDs; waits until all are answered, or for `withinMs`. */
  async drain(withinMs: number): Promise<readonly StreamEnd[]> {
    this.#isSending = false;
    clearTimeout(this.#pacer);
    const endMs = performance.now() + withinMs;
    while (performance.now() < endMs && this.#unanswered() > 0) await delay(20);
    return [...this.#streams.values()].map((stream) => stream.end());
  }

  /** Waits until everything has arrived, or until nothing has for `quietMs`. */
  async settle(ends: readonly StreamEnd[], quietMs: number): Promise<TrafficResult> {
    const byStream = new Map(ends.map((end) => [end.stream, end]));
    let verdict = this.#ledger.verdict(byStream);
    let lastMs = performance.now();
    while (verdict.missing > 0 && performance.now() - lastMs < quietMs) {
      const before = this.#ledger.received;
      await delay(50);
      if (this.#ledger.received !== before) lastMs = performance.now();
      verdict = this.#ledger.verdict(byStream);
    }
    clearInterval(this.#pinger);
    await this.#findCutReaders();
    for (const connection of this.#connections) connection.close();
    return this.#result(verdict);
  }

  acknowledged(connection: Connection, n: number, reason: number, nowMs: number): void {
    const stream = this.#streams.get(connection.seat.stream);
    if (stream === undefined) return;
    const sentMs = stream.times.at(n);
    if (!stream.answered(n, reason)) return;
    const state = this.#flows[connection.seat.flow]!;
    if (reason === SUCCESS) {
      state.acknowledged++;
      if (sentMs !== undefined && (state.window === undefined || state.openLoop !== undefined)) {
        state.ackLatencies.record(nowMs - sentMs);
      }
    } else {
      state.refused++;
      this.#refusals[reason] = (this.#refusals[reason] ?? 0) + 1;
    }
    if (this.#isSending && state.openLoop === undefined) this.#fill(stream, state.flow, nowMs);
  }

  received(
    connection: Connection,
    stream: number,
    n: number,
    messageSeq: number,
    nowMs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { seat } = connection;
    if (seat.isStalled) return;
    if (!this.#ledger.receive(connection.account + stream - seat.streamBase, n)) return;
    const state = this.#flows[seat.flow]!;
    state.delivered++;
    if (messageSeq <= connection.lastSeq) this.#disordered++;
    else connection.lastSeq = messageSeq;
    const sender = this.#streams.get(stream);
    const sentMs = sender?.times.at(n);
    if (sentMs === undefined) this.#unmeasured++;
    else if (state.window === undefined || state.openLoop !== undefined) state.deliveryLatencies.record(nowMs - sentMs);
    if (this.#plan.verification && this.#received++ % SAMPLE_EVERY === 0) {
      this.#sampled++;
      if (!isGenuine(connection, bytes, start, end, state.choice.payloads)) this.#corrupt++;
    }
    if (sender !== undefined && connection === this.#observers.get(seat.streamBase)) {
      sender.observed(n);
      if (this.#isSending && state.openLoop === undefined) {
        // What this connection has to say goes out first: the outgoing bytes are one connection's at a time.
        connection.flush();
        this.#fill(sender, state.flow, nowMs);
        sender.connection.flush();
      }
    }
  }

  foreign(): void {
    this.#firstError ??= "a message that is not of this run arrived";
  }

  lost(connection: Connection): void {
    this.#lost++;
    if (!connection.seat.isStalled) this.#firstError ??= `the server closed the connection of ${connection.seat.uid}`;
  }

  /** Sends until the window is full. */
  #fill(stream: Stream, flow: Flow, nowMs: number): void {
    const observes = flow.inFlightUntil === "delivered";
    while (stream.inFlight < flow.window && (!observes || stream.unobserved < flow.window)) {
      stream.send(nowMs);
      if (observes) stream.expectObserver();
    }
  }

  /** Who does not read does not see either that the server has closed his line. */
  async #findCutReaders(): Promise<void> {
    const stalled = this.#connections.filter((connection) => connection.seat.isStalled);
    if (stalled.length === 0) return;
    for (const connection of stalled) connection.resumeReading();
    await delay(CUT_READERS_MS);
  }

  /** Who only reads would be taken for gone. */
  #ping(): void {
    for (const connection of this.#connections) {
      if (!connection.isOpen) continue;
      connection.send(PING);
      connection.flush();
    }
  }

  #addStream(connection: Connection): void {
    const { seat } = connection;
    const state = this.#flows[seat.flow]!;
    const { flow } = state;
    const bySetting = this.#plan.encryption === "bySetting";
    const frames = new SendFrames({
      version: this.#plan.version,
      cipher: bySetting ? undefined : connection.cipher,
      setting: bySetting ? Setting.noEncrypt : 0,
      run: this.#plan.run,
      stream: seat.stream,
      channelId: seat.channelId,
      channelType: seat.channelType,
      peers: peersOf(flow),
      choice: state.choice,
    });
    const stream = new Stream(seat.stream, connection, frames, timesKept(this.#layout.streams.length));
    state.streams.push(stream);
    this.#streams.set(seat.stream, stream);
  }

  #sealAhead(): void {
    const left = SEALED_AHEAD_MAX / Math.max(1, this.#flows.length);
    for (const { flow, streams } of this.#flows) {
      if (streams.length === 0) continue;
      const closedLoop = ONE_IN_FLIGHT_PER_SECOND_MAX * flow.window * streams.length;
      const perSecond = flow.perSecond > 0 ? flow.perSecond : Math.min(CLOSED_LOOP_PER_SECOND_MAX, closedLoop);
      const wanted = Math.min(left, perSecond * (this.#plan.seconds + 1)) / streams.length;
      for (const stream of streams) stream.frames.seal(Math.ceil(wanted));
    }
  }

  /** Sends what is due and comes again in a millisecond. */
  #pace(): void {
    const nowMs = performance.now();
    for (const state of this.#flows) {
      const { flow, openLoop, streams } = state;
      if (openLoop === undefined) continue;
      const touched = new Map<Stream, number[]>();
      for (let dueMs = openLoop.take(nowMs); dueMs !== undefined; dueMs = openLoop.take(nowMs)) {
        const stream = streams[state.next++ % streams.length]!;
        const due = touched.get(stream) ?? [];
        const { connection } = stream;
        const isFull = connection.queuedBytes > QUEUED_BYTES_MAX || stream.inFlight + due.length >= flow.inFlightMax;
        if (isFull || !connection.isOpen) state.shed++;
        else {
          due.push(dueMs);
          touched.set(stream, due);
        }
      }
      for (const [stream, due] of touched) {
        for (const dueMs of due) stream.send(dueMs);
        stream.connection.flush();
      }
    }
    this.#pacer = setTimeout(() => this.#pace(), 1);
  }

  #unanswered(): number {
    let count = 0;
    for (const stream of this.#streams.values()) if (stream.connection.isOpen) count += stream.inFlight;
    return count;
  }

  #result(verdict: DeliveryVerdict): TrafficResult {
    let sealedLate = 0;
    for (const stream of this.#streams.values()) sealedLate += stream.frames.sealedLate;
    return {
      flows: this.#flows.map((state) => ({
        ...(state.window ?? state.counts()),
        ackLatencies: state.ackLatencies.encode(),
        deliveryLatencies: state.deliveryLatencies.encode(),
      })),
      verdict: { ...verdict, disorder: Math.max(verdict.disorder, this.#disordered) },
      corrupt: this.#corrupt,
      sampled: this.#sampled,
      lost: this.#lost,
      unmeasured: this.#unmeasured,
      sealedLate,
      refusals: this.#refusals,
      firstError: this.#firstError,
    };
  }
}

/** So that deliveries that come late still find when their message was sent, within 3 MB for all streams. */
function timesKept(streams: number): number {
  const share = 2 ** Math.floor(Math.log2(TIMES_KEPT / streams));
  return Math.min(TIMES_KEPT_MAX, Math.max(TIMES_KEPT_MIN, share));
}

/** undefined: the system's choice. */
export function localAddressOf(index: number, host: string): string | undefined {
  if (!host.startsWith("127.") || index < CONNECTIONS_PER_ADDRESS) return undefined;
  return `127.0.1.${Math.floor(index / CONNECTIONS_PER_ADDRESS)}`;
}
