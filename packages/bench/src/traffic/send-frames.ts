/**
 * The SENDs of one stream. A frame is a copy of a template with its counter, receiver and msgKey written into it; the
 * encrypted payload is the same each time (the session's IV is), only the msgKey is not, so msgKeys can be made before
 * the run.
 */
import { encodeFrame, HeaderFlag, PacketType, type SessionCipher } from "@wukong-ts/protocol";
import { MESSAGE_NUMBER_CHARS, messageNumber, writeCounter } from "./message-number.ts";
import type { PayloadChoice } from "./payload-choice.ts";
import { PEER_DIGITS } from "./peers.ts";

export interface SendFramesOptions {
  readonly version: number;
  /** undefined: the session, or every message, is plain. */
  readonly cipher: SessionCipher | undefined;
  readonly setting: number;
  readonly run: string;
  readonly stream: number;
  /** With `peers` > 0 eight digits follow: the receiver's number, `n % peers`. */
  readonly channelId: string;
  readonly channelType: number;
  readonly peers: number;
  readonly choice: PayloadChoice;
}

const KEY_CHARS = 32;
const SIGN_NUMBERS_MAX = 16;

interface Template {
  readonly bytes: Uint8Array;
  readonly clientSeqAt: number;
  readonly messageNumberAt: number;
  readonly channelIdAt: number;
  readonly msgKeyAt: number;
  readonly payload: Uint8Array;
}

export class SendFrames {
  /** Sealed at the moment of sending because nothing was ready. */
  sealedLate = 0;
  readonly #options: SendFramesOptions;
  readonly #templates: readonly Template[];
  readonly #channelIdChars: number;
  /** msgKeys of the messages 1 to n, as ASCII. */
  #keys: Buffer = Buffer.alloc(0);
  readonly #sign: Buffer;

  constructor(options: SendFramesOptions) {
    this.#options = options;
    this.#templates = options.choice.payloads.map((payload) => templateOf(options, payload));
    this.#channelIdChars = options.channelId.length + (options.peers > 0 ? PEER_DIGITS : 0);
    const payloadBytesMax = Math.max(...this.#templates.map((template) => template.payload.length));
    this.#sign = Buffer.alloc(SIGN_NUMBERS_MAX + MESSAGE_NUMBER_CHARS + this.#channelIdChars + payloadBytesMax);
  }

  /** Makes the msgKeys of the first `count` messages. */
  seal(count: number): void {
    const { cipher } = this.#options;
    if (cipher === undefined) return;
    this.#keys = Buffer.alloc(KEY_CHARS * count);
    for (let n = 1; n <= count; n++) this.#keys.write(this.#msgKey(cipher, n), KEY_CHARS * (n - 1), "latin1");
  }

  sizeOf(n: number): number {
    return this.#templates[this.#options.choice.indexOf(n)]!.bytes.length;
  }

  /** Writes the n-th SEND at `at`; n counts from 1 and is its clientSeq. */
  write(bytes: Uint8Array, at: number, n: number): void {
    const template = this.#templates[this.#options.choice.indexOf(n)]!;
    bytes.set(template.bytes, at);
    const seqAt = at + template.clientSeqAt;
    bytes[seqAt] = n >>> 24;
    bytes[seqAt + 1] = n >>> 16;
    bytes[seqAt + 2] = n >>> 8;
    bytes[seqAt + 3] = n;
    writeCounter(bytes, at + template.messageNumberAt, n);
    if (this.#options.peers > 0) {
      writePeer(bytes, at + template.channelIdAt + this.#options.channelId.length, n % this.#options.peers);
    }
    const { cipher } = this.#options;
    if (cipher === undefined) return;
    const keyAt = at + template.msgKeyAt;
    const ready = KEY_CHARS * (n - 1);
    if (ready < this.#keys.length) {
      for (let index = 0; index < KEY_CHARS; index++) bytes[keyAt + index] = this.#keys[ready + index]!;
      return;
    }
    this.sealedLate++;
    const key = this.#msgKey(cipher, n);
    for (let index = 0; index < KEY_CHARS; index++) bytes[keyAt + index] = key.charCodeAt(index);
  }

  #msgKey(cipher: SessionCipher, n: number): string {
    const { channelId, channelType, peers, choice } = this.#options;
    const template = this.#templates[choice.indexOf(n)]!;
    const sign = this.#sign;
    let at = sign.write(String(n), 0, "latin1");
    sign.set(template.bytes.subarray(template.messageNumberAt, template.messageNumberAt + MESSAGE_NUMBER_CHARS), at);
    writeCounter(sign, at, n);
    at += MESSAGE_NUMBER_CHARS;
    at += sign.write(channelId, at, "latin1");
    if (peers > 0) {
      writePeer(sign, at, n % peers);
      at += PEER_DIGITS;
    }
    at += sign.write(String(channelType), at, "latin1");
    sign.set(template.payload, at);
    return cipher.msgKey(sign.subarray(0, at + template.payload.length));
  }
}

function templateOf(options: SendFramesOptions, plain: Uint8Array): Template {
  const { cipher, version, channelId, peers } = options;
  const payload = cipher === undefined ? plain : cipher.encrypt(plain);
  const msgKey = cipher === undefined ? "" : "0".repeat(KEY_CHARS);
  const fullChannelId = channelId + "0".repeat(peers > 0 ? PEER_DIGITS : 0);
  const bytes = encodeFrame(
    {
      type: PacketType.send,
      flags: HeaderFlag.redDot,
      setting: options.setting,
      clientSeq: 0,
      clientMsgNo: messageNumber(options.run, options.stream, 0),
      channelId: fullChannelId,
      channelType: options.channelType,
      expire: 0,
      msgKey,
      topic: "",
      payload,
    },
    version,
  );
  let bodyAt = 2;
  while (bytes[bodyAt - 1]! >= 0x80) bodyAt++;
  const clientSeqAt = bodyAt + 1;
  const messageNumberAt = clientSeqAt + 6;
  const channelIdAt = messageNumberAt + MESSAGE_NUMBER_CHARS + 2;
  const msgKeyAt = channelIdAt + fullChannelId.length + 1 + (version >= 3 ? 4 : 0) + 2;
  return { bytes, clientSeqAt, messageNumberAt, channelIdAt, msgKeyAt, payload };
}

function writePeer(bytes: Uint8Array, at: number, peer: number): void {
  for (let digit = PEER_DIGITS - 1, rest = peer; digit >= 0; digit--, rest = Math.floor(rest / 10)) {
    bytes[at + digit] = 0x30 + (rest % 10);
  }
}
