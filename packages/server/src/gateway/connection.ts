/**
 * One client connection: bytes → frames, its state, and its end.
 *
 *   new ──CONNECT──► entering ──accepted──► ready ──► closing ──► closed
 *    └────────────────┴────refused, bad bytes, too late──►┘
 *
 * Where the core is in the same thread a login is decided at once; else what a client sends behind its CONNECT waits.
 * All SENDs of one read go to `Sending` as one batch. While too many of them are unanswered the socket is not read, so
 * nothing is refused only because it was pipelined. Nothing a peer sends throws out of here: whatever goes wrong closes
 * this connection with a named reason.
 */

import {
  allocateFromPool,
  type Connect,
  type Frame,
  looksLikeJson,
  PacketType,
  ProtocolError,
  Reason,
  type Send,
  Setting,
} from "@wukong-ts/protocol";
import type { Sealer } from "@wukong-ts/sealing";
import type { LiveConnection, Traffic } from "../delivery/live-connections.ts";
import type { Session } from "../delivery/session.ts";
import type { SendRequest, SendResult, SendSink } from "../messaging/send.ts";
import type { Socket, SocketEvents, Timer, World } from "../world/world.ts";
import { BinaryWire } from "./binary-wire.ts";
import { CLOSE_REASONS, type CloseReason } from "./close-reasons.ts";
import { connackFor, judgeIds, negotiatedVersion } from "./connect.ts";
import type { Core, Refusal } from "./core.ts";
import type { EndOfTurn, EndOfTurnTask } from "./end-of-turn.ts";
import type { GatewayCounters } from "./gateway-counters.ts";
import type { GatewayOptions } from "./gateway-options.ts";
import { sendRequestFrom } from "./handlers/send.ts";
import { JsonWire } from "./json-wire.ts";
import { agreeOnKeys, type KeyAgreement } from "./key-agreement.ts";
import { bytesOf, Outbox, type OutboxOwner } from "./outbox.ts";
import type { OutboxFlush } from "./outbox-flush.ts";
import { OverloadRest } from "./overload-rest.ts";
import type { OutboundItem, RecvSource } from "./recv-frames.ts";
import { costOfSend, SendWindow } from "./send-window.ts";
import type { Wire } from "./wire.ts";

/** What a connection needs of the gateway that owns it. */
export interface ConnectionHost {
  readonly world: Pick<World, "clock" | "timers" | "random">;
  readonly options: GatewayOptions;
  readonly core: Core;
  readonly turns: EndOfTurn;
  readonly flush: OutboxFlush;
  readonly sealer: Sealer;
  readonly counters: GatewayCounters;
  /** The core is behind: `endOfTurn` once it has caught up. */
  waits(connection: Connection): void;
  /** `count` SENDs were accepted (or, negative, answered). */
  unanswered(count: number): void;
  /** The socket is gone. Comes exactly once and last. */
  closed(connection: Connection, reason: CloseReason): void;
  /** For the log. */
  failed(error: unknown): void;
}

/** Frames handled in one turn; the rest waits for the next, so that one client cannot hold the others up. */
const FRAMES_PER_TURN_MAX = 1_024;
/** More bytes than any CONNECT has. */
const CONNECT_BYTES_MAX = 128 * 1024;
/** In place of a payload that cannot be opened. */
const NOTHING = new Uint8Array(0);
/** One frame per write over TCP up to this version: its SDK decodes one frame per read. */
const ONE_FRAME_PER_WRITE_UP_TO_VERSION = 2;

export class Connection implements SendSink, SocketEvents, EndOfTurnTask, OutboxOwner {
  readonly id: number;
  readonly ip: string;
  /** Set when ready. */
  session: Session | undefined;
  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  /** undefined until the first byte that is no white space. */
  #wire: Wire | undefined;
  readonly #acceptedMs: number;
  #state: "new" | "entering" | "ready" | "closing" | "closed" = "new";
  #lastInboundMs: number;
  readonly #window: SendWindow;
  readonly #rest: OverloadRest;
  /** What the outbox does not count. */
  readonly #traffic = {
    inMessages: 0,
    inMessageBytes: 0,
    inPackets: 0,
    inPacketBytes: 0,
    outMessages: 0,
    outMessageBytes: 0,
  };
  #hasLeadingSpace = false;
  /** The socket is paused and frames wait in the wire. */
  #isHeld = false;
  #isDraining = false;
  /** The sealer's, while the session has keys. */
  #slot: number | undefined;
  #isInTurn = false;
  #closeReason: CloseReason = "client_closed";
  #closeTimer: Timer | undefined;
  /** Set when the socket was told to close: by then it must be gone. */
  #goneByMs: number | undefined;

  constructor(id: number, socket: Socket, host: ConnectionHost) {
    this.id = id;
    this.ip = socket.remote.ip;
    this.#host = host;
    this.#socket = socket;
    this.#acceptedMs = host.world.clock.monotonicMs();
    this.#lastInboundMs = this.#acceptedMs;
    this.#window = new SendWindow(host.options);
    this.#rest = new OverloadRest(host.world.timers);
    this.#outbox = new Outbox(socket, host.flush, host.options, this);
  }

  get isReady(): boolean {
    return this.#state === "ready";
  }

  /** Output that waits in the server or in its socket. */
  get pendingBytes(): number {
    return this.#outbox.pendingBytes;
  }

  /** undefined: not logged in, or being closed. */
  snapshot(nowMs: number): LiveConnection | undefined {
    const { session } = this;
    if (session === undefined || this.#state !== "ready") return undefined;
    return {
      session,
      ip: this.ip,
      port: this.#socket.remote.port,
      ageMs: nowMs - this.#acceptedMs,
      idleMs: nowMs - this.#lastInboundMs,
      pendingBytes: this.pendingBytes,
      ...this.#traffic,
      outPackets: this.#outbox.framesAdded,
      outPacketBytes: this.#outbox.bytesAdded,
    };
  }

  /** Adds what it has moved so far. */
  addTrafficTo(sum: { -readonly [Name in keyof Traffic]: number }): void {
    const traffic = this.#traffic;
    sum.inMessages += traffic.inMessages;
    sum.inMessageBytes += traffic.inMessageBytes;
    sum.inPacketBytes += traffic.inPacketBytes;
    sum.outMessages += traffic.outMessages;
    sum.outMessageBytes += traffic.outMessageBytes;
    sum.outPacketBytes += this.#outbox.bytesAdded;
  }

  // ---- from the socket

  bytes(chunk: Uint8Array): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#lastInboundMs = this.#host.world.clock.monotonicMs();
    this.#traffic.inPacketBytes += chunk.length;
    const wire = this.#wire ?? this.#detect(chunk);
    if (wire === undefined) return;
    try {
      wire.push(chunk);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (!this.#isHeld) this.#pump(wire);
    if (this.#state === "new" && wire.bufferedBytes > CONNECT_BYTES_MAX) this.close("connect_expected", "now");
  }

  alive(): void {
    this.#lastInboundMs = this.#host.world.clock.monotonicMs();
  }

  drained(): void {
    this.#outbox.drained();
  }

  closed(): void {
    if (this.#state === "closed") return;
    if (this.#state !== "closing") this.#leave(this.#closeReason);
    this.#state = "closed";
    this.#closeTimer?.cancel();
    this.#rest.cancel();
    this.#outbox.shut();
    // After the queue is gone: nothing will be sealed for it any more.
    if (this.#slot !== undefined) this.#host.sealer.release(this.#slot);
    this.#slot = undefined;
    this.#host.closed(this, this.#closeReason);
  }

  // ---- from the gateway

  /** More input was left than a turn may handle, or answers made room for it. */
  endOfTurn(): void {
    this.#isInTurn = false;
    if (this.#isHeld && this.#wire !== undefined) this.#pump(this.#wire);
  }

  /** It is not read until it is known that there is room for it. */
  awaitAdmission(): void {
    this.#hold();
  }

  admitted(): void {
    // Something may have come all the same.
    if (this.#wire !== undefined) this.#continueNextTurn();
    else if (!this.#isDraining) this.#letGo();
  }

  recv(source: RecvSource): void {
    const { session } = this;
    if (this.#state !== "ready" || session === undefined) return;
    try {
      const frame = this.#wire?.recv(source, session);
      if (frame === undefined) return;
      this.#put(PacketType.recv, frame);
      this.#traffic.outMessages++;
      this.#traffic.outMessageBytes += source.message.payload.length;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Told why unless `reason` is null; RECVs end now, the socket is closed after `closeAfterMs`. */
  kick(reason: number | null, text: string, closeAfterMs: number): void {
    if (this.#state !== "ready") return;
    if (reason !== null && this.#wire !== undefined)
      this.#put(PacketType.disconnect, this.#wire.disconnect(reason, text));
    this.close("kicked", "after-flush", closeAfterMs);
  }

  /** Reads nothing more; what was accepted is still answered. */
  drain(): void {
    this.#isDraining = true;
    this.#hold();
  }

  /** The limits on silence. */
  sweep(nowMs: number): void {
    const { options } = this.#host;
    if (this.#state === "new" || this.#state === "entering") {
      if (nowMs - this.#acceptedMs >= options.unauthenticatedMs) this.close("connect_timeout", "now");
    } else if (this.#state === "ready") {
      // A client that is not read cannot be heard.
      if (!this.#isHeld && nowMs - this.#lastInboundMs >= options.idleMs) this.close("idle", "after-flush");
    } else if (this.#goneByMs !== undefined && nowMs >= this.#goneByMs) {
      this.#socket.close("now");
    }
  }

  /** The first reason counts. "now" drops what is queued; else it is written first, and the socket closed after `delayMs`. */
  close(reason: CloseReason, how: "after-flush" | "now", delayMs = 0): void {
    if (this.#state === "closed") return;
    if (this.#state !== "closing") {
      this.#leave(reason);
      this.#state = "closing";
      this.#closeReason = reason;
      // Bytes are thrown away from now on, but the client's own close must be seen.
      if (this.#isHeld) this.#socket.resume();
      if (how === "after-flush" && delayMs > 0) {
        this.#closeTimer = this.#host.world.timers.after(delayMs, () => this.#closeSocket("after-flush"));
        return;
      }
    }
    this.#closeSocket(how);
  }

  // ---- from the outbox

  outboxOverflowed(): void {
    this.close("slow_reader", "now");
  }

  outboxFailed(error: unknown): void {
    this.#fail(error);
  }

  // ---- from messaging

  answered(request: SendRequest, result: SendResult): void {
    this.#window.answered(request.payload);
    this.#host.unanswered(-1);
    this.#host.counters.answered(request, result.reason, this.#host.world.clock);
    try {
      if (this.#wire !== undefined) this.#put(PacketType.sendack, this.#wire.sendack(request, result));
    } catch (error) {
      this.#fail(error);
    }
    if (result.reason === Reason.rateLimit) this.#beginRest();
    else this.#rest.answeredWell();
    if (this.#isHeld && !this.#rest.isOn && this.#window.hasRoomAgain) this.#continueNextTurn();
  }

  // ---- inside

  #beginRest(): void {
    if (this.#rest.isOn || this.#state !== "ready") return;
    this.#hold();
    this.#rest.begin(() => {
      if (this.#isHeld) this.#continueNextTurn();
    });
  }

  /** Takes frames until there are none, the turn is over or too much is unanswered. */
  #pump(wire: Wire): void {
    if (this.#isDraining) return;
    if (this.#host.core.isBehind) {
      this.#hold();
      this.#host.waits(this);
      return;
    }
    const sends: Send[] = [];
    let failure: unknown;
    try {
      this.#takeFrames(wire, sends);
    } catch (error) {
      failure = error ?? new Error("nothing was thrown");
    }
    try {
      // What came whole before a bad frame is still sent.
      if (sends.length > 0) this.#send(sends, wire);
    } catch (error) {
      failure = error;
    }
    if (failure !== undefined) this.#fail(failure);
  }

  #takeFrames(wire: Wire, sends: Send[]): void {
    const { counters } = this.#host;
    let sendBytes = 0;
    for (let taken = 0; this.#state === "new" || this.#state === "ready"; taken++) {
      if (this.#rest.isOn || this.#window.isFull(sends.length, sendBytes)) {
        this.#hold();
        return;
      }
      if (taken === FRAMES_PER_TURN_MAX) {
        this.#hold();
        this.#continueNextTurn();
        return;
      }
      const frame = wire.next();
      if (frame === undefined) {
        this.#letGo();
        return;
      }
      this.#traffic.inPackets++;
      counters.framesIn[frame.type]!++;
      counters.bytesIn[frame.type]! += wire.frameBytes;
      if (frame.type === 0) this.#put(0, frame.answer);
      else if (this.#state === "new") this.#connect(frame, wire);
      else if (frame.type === PacketType.send) {
        sends.push(frame);
        sendBytes += costOfSend(frame.payload);
      } else this.#handle(frame, wire);
    }
  }

  /** undefined: only white space so far. */
  #detect(chunk: Uint8Array): Wire | undefined {
    const { options, world } = this.#host;
    const isJson = options.disableJsonRpc ? false : looksLikeJson(chunk);
    if (isJson === undefined) {
      this.#hasLeadingSpace = true;
      return undefined;
    }
    if (isJson) {
      this.#socket.isText = true;
      this.#wire = new JsonWire(options.frameBytesMax, world.random);
    } else if (this.#hasLeadingSpace) {
      // No frame that a client may send begins with white space.
      this.close("malformed_frame", "after-flush");
    } else {
      this.#wire = new BinaryWire(options.frameBytesMax);
    }
    return this.#wire;
  }

  #connect(frame: Frame, wire: Wire): void {
    if (frame.type !== PacketType.connect) {
      this.#refuse(wire, CLOSE_REASONS.connect_expected);
      this.close("connect_expected", "after-flush");
      return;
    }
    wire.version = negotiatedVersion(frame);
    const isOldSdk = !wire.isJson && wire.version <= ONE_FRAME_PER_WRITE_UP_TO_VERSION;
    this.#outbox.oneFramePerWrite = isOldSdk && !this.#socket.keepsBoundaries;
    const refusal = judgeIds(frame);
    if (refusal !== undefined) {
      this.#turnAway(refusal, frame, wire);
      return;
    }
    const { world, options, core } = this.#host;
    const { uid, deviceId, deviceFlag, token, clientKey } = frame;
    const { version } = wire;
    const session = { id: this.id, uid, deviceId, deviceFlag, version, connectedAtMs: world.clock.wallMs() };
    let keys: KeyAgreement | undefined;
    this.#state = "entering";
    core.enter({
      session,
      token,
      agreeOnKeys() {
        if (options.disableEncryption || wire.isJson) return Reason.success;
        keys = agreeOnKeys(clientKey, world.random);
        if (keys !== undefined) return Reason.success;
        return clientKey === "" ? Reason.clientKeyIsEmpty : Reason.authFail;
      },
      decided: (verdict) => {
        // Meanwhile it may have gone.
        if (this.#state !== "entering") return;
        if (verdict.kind === "welcome") this.#welcome({ ...session, deviceLevel: verdict.level }, frame, wire, keys);
        else this.#turnAway(verdict, frame, wire);
      },
    });
    // Not decided yet: what comes behind the CONNECT waits.
    if (this.#isEntering) this.#hold();
  }

  #welcome(session: Session, frame: Connect, wire: Wire, keys: KeyAgreement | undefined): void {
    const { counters } = this.#host;
    counters.connected("success");
    const connack = connackFor(frame, Reason.success, keys, this.#here(session.connectedAtMs));
    this.#put(PacketType.connack, wire.connack(connack, ""));
    if (wire instanceof BinaryWire && keys !== undefined) {
      wire.isSealed = true;
      this.#slot = this.#outbox.slot = this.#host.sealer.addSession(keys.key, keys.iv);
    }
    this.session = session;
    this.#state = "ready";
    counters.session(session, this.#socket.keepsBoundaries, wire.isJson, 1);
    if (this.#isHeld) this.#continueNextTurn();
  }

  #turnAway(refusal: Refusal, frame: Connect, wire: Wire): void {
    this.#host.counters.connected(refusal.close);
    const at = this.#here(this.#host.world.clock.wallMs());
    if (refusal.kind === "cut") {
      // Who waits for an answer gets one; in the binary protocol the close is the answer.
      if (wire.isJson) {
        const reason = refusal.close === "login_unavailable" ? Reason.systemError : Reason.authFail;
        const refused = connackFor(frame, reason, undefined, at);
        this.#put(PacketType.connack, wire.connack(refused, CLOSE_REASONS[refusal.close]));
      }
      this.close(refusal.close, "after-flush");
      return;
    }
    const refused = connackFor(frame, refusal.reason, undefined, at);
    this.#put(PacketType.connack, wire.connack(refused, CLOSE_REASONS[refusal.close]));
    this.close(refusal.close, "after-flush", this.#host.options.refusedCloseMs);
  }

  #here(wallMs: number): { readonly wallMs: number; readonly nodeId: number } {
    return { wallMs, nodeId: this.#host.options.nodeId };
  }

  get #isEntering(): boolean {
    return this.#state === "entering";
  }

  #refuse(wire: Wire, text: string): void {
    const refusal = wire.refusal(text);
    if (refusal !== undefined) this.#put(0, refusal);
  }

  /** Queues it and counts it by its packet type, 0 for what has none. */
  #put(type: number, item: OutboundItem): void {
    if (!this.#outbox.add(item)) return;
    const { counters } = this.#host;
    counters.framesOut[type]!++;
    counters.bytesOut[type]! += bytesOf(item);
  }

  #handle(frame: Frame, wire: Wire): void {
    switch (frame.type) {
      case PacketType.recvack:
        if (this.session !== undefined) this.#host.core.received(frame, this.session);
        return;
      case PacketType.ping:
        this.#put(PacketType.pong, wire.pong());
        return;
      case PacketType.disconnect:
        this.close("client_disconnected", "after-flush");
        return;
      default:
        // Known to the codec but nothing a client should send now (a second CONNECT, SUB, …): ignored, as in v2.2.5,
        // unless it is a request and waits for an answer.
        this.#refuse(wire, "not now: the session is connected");
        return;
    }
  }

  /** All SENDs of one read: opened together, then one batch. */
  #send(all: readonly Send[], wire: Wire): void {
    const { session } = this;
    if (session === undefined) return;
    const { core } = this.#host;
    const granted = core.granted(this.ip, all.length);
    const sends = granted === all.length ? all : all.slice(0, granted);
    const payloads =
      wire instanceof BinaryWire && wire.isSealed ? this.#open(sends) : sends.map((send) => send.payload);
    const requests: SendRequest[] = [];
    let unreadable: SendRequest[] | undefined;
    for (const [index, frame] of sends.entries()) {
      const payload = payloads[index];
      this.#window.accepted(payload ?? NOTHING);
      if (payload === undefined) {
        unreadable ??= [];
        unreadable.push(sendRequestFrom(frame, session, NOTHING, wire.seqMax));
        continue;
      }
      this.#traffic.inMessages++;
      this.#traffic.inMessageBytes += payload.length;
      requests.push(sendRequestFrom(frame, session, payload, wire.seqMax));
    }
    this.#host.unanswered(all.length);
    // They are not even opened.
    if (granted < all.length) {
      const refused = all.slice(granted).map((frame) => sendRequestFrom(frame, session, NOTHING, wire.seqMax));
      for (const { payload } of refused) this.#window.accepted(payload);
      core.refuse(refused, "rate_limit", this.ip, this);
    }
    if (unreadable !== undefined) core.refuse(unreadable, "undecodable", this.ip, this);
    if (requests.length === 0) return;
    this.#host.counters.time(requests[0], this.#lastInboundMs);
    core.sending.send(requests, this);
  }

  /** The plain payloads; undefined: the msgKey is wrong, or the payload cannot be decrypted. */
  #open(sends: readonly Send[]): readonly (Uint8Array | undefined)[] {
    const slot = this.#slot;
    // The socket is gone and the key with it: nothing can be opened any more.
    if (slot === undefined) return sends.map(() => undefined);
    const isPlain = (send: Send): boolean =>
      this.#host.options.allowNoEncrypt && (send.setting & Setting.noEncrypt) !== 0;
    const sealed = sends.filter((send) => !isPlain(send));
    const opened = this.#host.sealer.openAll(sealed, new Array<number>(sealed.length).fill(slot), allocateFromPool);
    if (sealed.length === sends.length) return opened;
    let next = 0;
    return sends.map((send) => (isPlain(send) ? send.payload : opened[next++]));
  }

  #hold(): void {
    if (this.#isHeld || this.#state === "closing" || this.#state === "closed") return;
    this.#isHeld = true;
    this.#socket.pause();
  }

  #letGo(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    // It could not be heard meanwhile.
    this.#lastInboundMs = this.#host.world.clock.monotonicMs();
    this.#socket.resume();
  }

  #continueNextTurn(): void {
    if (this.#isInTurn) return;
    this.#isInTurn = true;
    this.#host.turns.add(this);
  }

  #fail(error: unknown): void {
    if (error instanceof ProtocolError) {
      if (this.#wire !== undefined) this.#refuse(this.#wire, error.message);
      this.close("malformed_frame", "after-flush");
      return;
    }
    this.#host.failed(error);
    this.close("internal_error", "after-flush");
  }

  /** In one step out of presence and of the waiting acknowledgements. */
  #leave(reason: CloseReason): void {
    const { session } = this;
    if (session === undefined && this.#state !== "entering") return;
    const { core, counters } = this.#host;
    if (session !== undefined) counters.session(session, this.#socket.keepsBoundaries, this.#wire?.isJson === true, -1);
    core.left(this.id, reason);
  }

  #closeSocket(how: "after-flush" | "now"): void {
    this.#closeTimer?.cancel();
    this.#goneByMs ??= this.#host.world.clock.monotonicMs() + this.#host.options.closeGraceMs;
    try {
      if (how === "after-flush") this.#outbox.writeAllAndShut();
      else this.#outbox.shut();
    } catch (error) {
      this.#host.failed(error);
    }
    this.#socket.close(how, CLOSE_REASONS[this.#closeReason]);
  }
}
