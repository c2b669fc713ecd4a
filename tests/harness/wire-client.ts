/**
 * A WKProto client for tests: one connection of one device. It records all that comes, checks by itself what must hold
 * always (msgKey, one frame per WebSocket message, one answer per SEND), and says so in `faults`.
 */
import { randomUUID } from "node:crypto";
import {
  CODEC_VERSION_MAX,
  encodeFrame,
  type Frame,
  FrameDecoder,
  int64FromBigInt,
  int64ToBigInt,
  LATEST_VERSION,
  PacketType,
  Reason,
} from "@wukong-ts/protocol";
import { createKeyPair, type KeyPair, SessionKeys } from "./session-keys.ts";
import { openSocket, type Transport, type WireSocket } from "./wire-socket.ts";

export interface WireOptions {
  readonly port: number;
  readonly transport?: Transport;
  readonly uid: string;
  readonly deviceId?: string;
  readonly deviceFlag?: number;
  readonly token?: string;
  readonly version?: number;
  readonly clientKey?: string;
  /** false: RECV is not answered with RECVACK. */
  readonly acknowledges?: boolean;
}
export type ConnectResult =
  | {
      readonly outcome: "connack";
      readonly reason: number;
      readonly serverVersion: number | undefined;
      readonly hasNodeId: boolean;
      readonly isEncrypted: boolean;
    }
  | { readonly outcome: "closed"; readonly afterMs: number }
  | { readonly outcome: "silent" };

export interface Outgoing {
  readonly to: string;
  readonly type: number;
  readonly payload: string | Uint8Array;
  readonly clientMsgNo?: string;
  readonly flags?: number;
  readonly setting?: number;
  readonly expire?: number;
  readonly topic?: string;
  /** Signed wrongly. */
  readonly hasBadKey?: boolean;
  /** Not encrypted although the session is. */
  readonly isPlain?: boolean;
}
export type Answer =
  | {
      readonly outcome: "answered";
      readonly reason: number;
      readonly messageId: bigint;
      readonly messageSeq: number;
      readonly flags: number;
      readonly clientMsgNo: string;
    }
  | { readonly outcome: "closed"; readonly clientMsgNo: string }
  | { readonly outcome: "silent"; readonly clientMsgNo: string };

export interface Received {
  readonly flags: number;
  readonly setting: number;
  readonly fromUid: string;
  readonly channelId: string;
  readonly channelType: number;
  /** undefined below version 3, which does not carry it. */
  readonly expire: number | undefined;
  readonly clientMsgNo: string;
  readonly messageId: bigint;
  readonly messageSeq: number;
  readonly timestamp: number;
  readonly topic: string;
  readonly payload: Buffer;
}

/** Header flags of SEND and RECV. */
export const NO_PERSIST = 1;
export const RED_DOT = 2;
export const SYNC_ONCE = 4;
const ECHOED_FLAGS = 7;
const SETTING_TOPIC = 8;
const FRAME_BYTES_MAX = 2_000_000;

export class WireClient implements Disposable {
  readonly uid: string;
  /** All that came and was not taken. */
  readonly received: Received[] = [];
  readonly faults: string[] = [];
  readonly closed: Promise<void>;
  /** The last DISCONNECT. */
  disconnected: { readonly reason: number; readonly text: string } | undefined;
  isClosed = false;
  /** That of the WebSocket close frame; 1006 where none came. */
  closeCode = 0;
  closeText = "";
  receivedCount = 0;
  pongCount = 0;
  acknowledges: boolean;
  #options: WireOptions;
  #socket: WireSocket | undefined;
  #decoder: FrameDecoder;
  #keyPair: KeyPair | undefined;
  #keys: SessionKeys | undefined;
  #connack: Extract<ConnectResult, { outcome: "connack" }> | undefined;
  #version: number;
  #clientSeq = 0;
  #waiting = new Map<number, { readonly clientMsgNo: string; readonly resolve: (answer: Answer) => void }>();
  #listeners = new Set<() => void>();
  #resolveClosed: () => void = () => undefined;

  private constructor(options: WireOptions) {
    this.uid = options.uid;
    this.acknowledges = options.acknowledges ?? true;
    this.#options = options;
    this.#version = options.version ?? LATEST_VERSION;
    this.#decoder = new FrameDecoder({
      frameBytesMax: FRAME_BYTES_MAX,
      version: Math.min(this.#version, CODEC_VERSION_MAX),
    });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Opens the connection and sends nothing. */
  static async open(options: WireOptions): Promise<WireClient> {
    const client = new WireClient(options);
    client.#socket = await openSocket(options.transport ?? "tcp", options.port, {
      bytes: (chunk, isText) => client.#onBytes(chunk, isText),
      closed: (code, text) => client.#onClosed(code, text),
    });
    return client;
  }

  /** Opens, sends CONNECT and must be accepted. */
  static async connect(options: WireOptions): Promise<WireClient> {
    const client = await WireClient.open(options);
    const result = await client.login();
    if (result.outcome !== "connack" || result.reason !== Reason.success) {
      client.close();
      throw new Error(`CONNECT of ${options.uid} was answered ${JSON.stringify(result)}`);
    }
    return client;
  }

  /** Sends CONNECT and waits for what the server makes of it. */
  async login(withinMs = 10_000): Promise<ConnectResult> {
    const startedMs = performance.now();
    this.sendConnect();
    await this.until(() => this.#connack !== undefined || this.isClosed, withinMs);
    if (this.#connack !== undefined) return this.#connack;
    return this.isClosed ? { outcome: "closed", afterMs: performance.now() - startedMs } : { outcome: "silent" };
  }

  sendConnect(): void {
    this.#keyPair = createKeyPair();
    this.sendFrame({
      type: PacketType.connect,
      version: this.#version,
      deviceFlag: this.#options.deviceFlag ?? 0,
      deviceId: this.#options.deviceId ?? randomUUID(),
      uid: this.#options.uid,
      token: this.#options.token ?? "",
      clientTimestamp: BigInt(Date.now()),
      clientKey: this.#options.clientKey ?? this.#keyPair.publicText,
    });
  }

  /** Sends and waits for the answer. */
  send(outgoing: Outgoing, withinMs?: number): Promise<Answer> {
    return this.burst([outgoing], withinMs).then((answers) => answers[0]!);
  }

  /** Sends and must be accepted; gives the message's id and seq. */
  async sendOk(outgoing: Outgoing): Promise<Extract<Answer, { outcome: "answered" }>> {
    const answer = await this.send(outgoing);
    if (answer.outcome !== "answered" || answer.reason !== Reason.success) {
      throw new Error(`SEND of ${this.uid} to ${outgoing.to} was answered ${describeAnswer(answer)}`);
    }
    return answer;
  }

  /** Several SENDs in one write; the answers in the order of the SENDs. */
  burst(list: readonly Outgoing[], withinMs = 20_000): Promise<Answer[]> {
    const answers: Promise<Answer>[] = [];
    const frames: Uint8Array[] = [];
    for (const outgoing of list) {
      const clientSeq = ++this.#clientSeq;
      const clientMsgNo = outgoing.clientMsgNo ?? randomUUID();
      if (this.isClosed) {
        answers.push(Promise.resolve({ outcome: "closed", clientMsgNo }));
        continue;
      }
      frames.push(this.#encodeSend(clientSeq, clientMsgNo, outgoing));
      answers.push(
        new Promise((resolve) => {
          const timer = setTimeout(() => {
            this.#waiting.delete(clientSeq);
            resolve({ outcome: "silent", clientMsgNo });
          }, withinMs);
          this.#waiting.set(clientSeq, {
            clientMsgNo,
            resolve: (answer) => {
              clearTimeout(timer);
              resolve(answer);
            },
          });
        }),
      );
    }
    if (frames.length > 0) this.writeRaw(Buffer.concat(frames));
    return Promise.all(answers);
  }

  /** How many SENDs have no answer yet. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  async ping(withinMs = 5_000): Promise<boolean> {
    const wanted = this.pongCount + 1;
    this.sendFrame({ type: PacketType.ping });
    return this.until(() => this.pongCount >= wanted, withinMs);
  }

  acknowledge(message: Received): void {
    this.sendFrame({
      type: PacketType.recvack,
      flags: message.flags & ECHOED_FLAGS,
      messageId: int64FromBigInt(message.messageId),
      messageSeq: message.messageSeq,
    });
  }

  /** All messages so far, which are then no longer in `received`. Throws if the server broke a rule of the wire. */
  take(): Received[] {
    if (this.faults.length > 0) throw new Error(`${this.uid}: ${this.faults.join("; ")}`);
    return this.received.splice(0);
  }

  /** Waits for `count` messages and takes all there are. */
  async takeSome(count: number, withinMs = 10_000): Promise<Received[]> {
    if (
      !(await this.until(() => this.received.length >= count || this.isClosed, withinMs)) ||
      this.received.length < count
    ) {
      throw new Error(`${this.uid} received ${this.received.length} of ${count} messages within ${withinMs} ms`);
    }
    return this.take();
  }

  /** true as soon as the fact holds, false when the time is over. Looks again whenever something comes. */
  until(fact: () => boolean, withinMs: number): Promise<boolean> {
    if (fact()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (value: boolean): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(value);
      };
      const look = (): void => {
        if (fact()) finish(true);
      };
      const timer = setTimeout(() => finish(fact()), withinMs);
      this.#listeners.add(look);
    });
  }

  sendFrame(frame: Frame): void {
    this.writeRaw(encodeFrame(frame, this.#version));
  }
  writeRaw(bytes: Uint8Array): void {
    if (!this.isClosed) this.#socket?.write(bytes);
  }
  /** The bytes of one SEND of this session, for tests that split or repeat them. */
  encodeSend(outgoing: Outgoing): Uint8Array {
    return this.#encodeSend(++this.#clientSeq, outgoing.clientMsgNo ?? randomUUID(), outgoing);
  }
  pauseReading(): void {
    this.#socket?.pause();
  }
  resumeReading(): void {
    this.#socket?.resume();
  }
  close(): void {
    this.#socket?.destroy();
  }
  /** Says goodbye and waits until the connection is gone. */
  async end(): Promise<void> {
    this.#socket?.end();
    await this.closed;
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #encodeSend(clientSeq: number, clientMsgNo: string, outgoing: Outgoing): Uint8Array {
    const plain = typeof outgoing.payload === "string" ? Buffer.from(outgoing.payload) : outgoing.payload;
    const keys = this.#keys;
    const payload = keys === undefined || outgoing.isPlain === true ? plain : keys.encrypt(plain);
    let msgKey = "";
    if (outgoing.hasBadKey === true) msgKey = "0".repeat(32);
    else if (keys !== undefined) {
      const head = Buffer.from(`${clientSeq}${clientMsgNo}${outgoing.to}${outgoing.type}`);
      msgKey = keys.messageKey(Buffer.concat([head, payload]));
    }
    return encodeFrame(
      {
        type: PacketType.send,
        flags: outgoing.flags ?? RED_DOT,
        setting: outgoing.setting ?? 0,
        clientSeq,
        clientMsgNo,
        channelId: outgoing.to,
        channelType: outgoing.type,
        expire: outgoing.expire ?? 0,
        msgKey,
        topic: outgoing.topic ?? "",
        payload,
      },
      this.#version,
    );
  }

  #onBytes(chunk: Uint8Array, isText: boolean): void {
    if (isText) this.faults.push("a WebSocket text message");
    try {
      this.#decoder.push(chunk);
      let count = 0;
      for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
        count++;
        this.#onFrame(frame);
      }
      if (this.#options.transport === "websocket" && (count !== 1 || this.#decoder.bufferedBytes > 0)) {
        this.faults.push(`a WebSocket message held ${count} frames and ${this.#decoder.bufferedBytes} bytes more`);
      }
    } catch (error) {
      this.faults.push(`undecodable bytes: ${error instanceof Error ? error.message : String(error)}`);
      this.close();
    }
    this.#changed();
  }

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case PacketType.connack: {
        if (this.#connack !== undefined) this.faults.push("a second CONNACK");
        this.#connack = {
          outcome: "connack",
          reason: frame.reason,
          serverVersion: frame.serverVersion,
          hasNodeId: frame.nodeId !== undefined,
          isEncrypted: frame.serverKey !== "",
        };
        if (frame.reason === Reason.success && frame.serverKey !== "" && this.#keyPair !== undefined) {
          this.#keys = new SessionKeys(this.#keyPair, frame.serverKey, frame.salt);
        }
        this.#version = Math.min(this.#version, frame.serverVersion ?? this.#version);
        this.#decoder.version = this.#version;
        return;
      }
      case PacketType.sendack: {
        const waiting = this.#waiting.get(frame.clientSeq);
        if (waiting === undefined) {
          if (frame.clientSeq === 0 || frame.clientSeq > this.#clientSeq)
            this.faults.push(`an answer to no SEND (${frame.clientSeq})`);
          return;
        }
        this.#waiting.delete(frame.clientSeq);
        const tail = this.#version >= 6 ? waiting.clientMsgNo : "";
        if ((frame.clientMsgNo ?? "") !== tail) this.faults.push(`an answer to ${frame.clientMsgNo}, not ${tail}`);
        waiting.resolve({
          outcome: "answered",
          reason: frame.reason,
          messageId: int64ToBigInt(frame.messageId),
          messageSeq: frame.messageSeq,
          flags: frame.flags,
          clientMsgNo: waiting.clientMsgNo,
        });
        return;
      }
      case PacketType.recv:
        this.#onRecv(frame);
        return;
      case PacketType.pong:
        this.pongCount++;
        return;
      case PacketType.disconnect:
        this.disconnected = { reason: frame.reason, text: frame.text };
        return;
      case PacketType.event:
        return;
      default:
        this.faults.push(`a frame of type ${frame.type}, which only clients send`);
    }
  }

  #onRecv(frame: Extract<Frame, { type: typeof PacketType.recv }>): void {
    if (this.#connack === undefined) this.faults.push("RECV before CONNACK");
    const messageId = int64ToBigInt(frame.messageId);
    let payload: Buffer = Buffer.from(frame.payload);
    if (this.#keys !== undefined) {
      const head = `${messageId}${frame.messageSeq}${frame.clientMsgNo}${frame.timestamp}${frame.fromUid}${frame.channelId}${frame.channelType}`;
      const expected = this.#keys.messageKey(Buffer.concat([Buffer.from(head), payload]));
      if (expected !== frame.msgKey) this.faults.push(`the msgKey of ${messageId} is wrong`);
      payload = this.#keys.decrypt(payload);
    } else if (frame.msgKey !== "") this.faults.push(`${messageId} carries a msgKey on a plain session`);
    const message: Received = {
      flags: frame.flags,
      setting: frame.setting,
      fromUid: frame.fromUid,
      channelId: frame.channelId,
      channelType: frame.channelType,
      expire: this.#version >= 3 ? frame.expire : undefined,
      clientMsgNo: frame.clientMsgNo,
      messageId,
      messageSeq: frame.messageSeq,
      timestamp: frame.timestamp,
      topic: (frame.setting & SETTING_TOPIC) === 0 ? "" : frame.topic,
      payload,
    };
    this.receivedCount++;
    this.received.push(message);
    if (this.acknowledges) this.acknowledge(message);
  }

  #onClosed(code: number, text: string): void {
    this.isClosed = true;
    this.closeCode = code;
    this.closeText = text;
    for (const waiting of this.#waiting.values())
      waiting.resolve({ outcome: "closed", clientMsgNo: waiting.clientMsgNo });
    this.#waiting.clear();
    this.#resolveClosed();
    this.#changed();
  }

  #changed(): void {
    for (const listener of Array.from(this.#listeners)) listener();
  }
}

function describeAnswer(answer: Answer): string {
  return answer.outcome === "answered" ? `reason ${answer.reason}` : answer.outcome;
}
