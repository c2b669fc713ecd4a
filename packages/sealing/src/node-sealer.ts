/**
 * Sealing with node:crypto: where the module cannot run, for what is too large for its memory, and as the oracle of its
 * tests. A key is a KeyObject, made once: with bytes for a key every cipher costs several times as much.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject, timingSafeEqual } from "node:crypto";
import {
  type Allocate,
  allocateExact,
  base64ToBytes,
  type Send,
  sendSignBytesMax,
  writeSendSign,
} from "@wukong-ts/protocol";
import { BLOCK_BYTES, MSG_KEY_BYTES, RecvCut, sealedLength } from "./recv-cut.ts";
import type { Sealer } from "./sealer.ts";
import { Slots } from "./slots.ts";

const ALGORITHM = "aes-128-cbc";

export interface NodeSession {
  readonly key: KeyObject;
  readonly iv: Uint8Array;
}

export function nodeSession(key: Uint8Array, iv: Uint8Array): NodeSession {
  if (key.length !== BLOCK_BYTES || iv.length !== BLOCK_BYTES) throw new RangeError("key and IV have 16 bytes each");
  return { key: createSecretKey(key), iv: Uint8Array.from(iv) };
}

export class NodeSealer implements Sealer {
  readonly kind = "node";
  readonly #slots = new Slots();
  readonly #sessions: (NodeSession | undefined)[] = [];

  get sessions(): number {
    return this.#slots.used;
  }

  addSession(key: Uint8Array, iv: Uint8Array): number {
    const session = nodeSession(key, iv);
    const slot = this.#slots.take();
    this.#sessions[this.#slots.place(slot)] = session;
    return slot;
  }

  release(slot: number): void {
    const place = this.#slots.place(slot);
    this.#slots.release(slot);
    this.#sessions[place] = undefined;
  }

  seal(items: readonly (RecvCut | Uint8Array)[], slots: readonly number[], out: Uint8Array, at = 0): number {
    if (!(at >= 0 && at + sealedLength(items) <= out.length)) throw new RangeError("the frames do not fit");
    const sessions = items.map((item, index) => (item instanceof RecvCut ? this.#session(slots[index]!) : undefined));
    let end = at;
    for (const [index, item] of items.entries()) {
      if (item instanceof RecvCut) {
        sealWithNode(item, sessions[index]!, out, end);
        end += item.frameBytes;
      } else {
        out.set(item, end);
        end += item.length;
      }
    }
    return end;
  }

  open(send: Send, slot: number, allocate: Allocate = allocateExact): Uint8Array | undefined {
    return openWithNode(send, this.#session(slot), allocate);
  }

  openAll(
    sends: readonly Send[],
    slots: readonly number[],
    allocate: Allocate = allocateExact,
  ): (Uint8Array | undefined)[] {
    return sends.map((send, index) => this.open(send, slots[index]!, allocate));
  }

  #session(slot: number): NodeSession {
    return this.#sessions[this.#slots.place(slot)]!;
  }
}

/** Writes the frame into `out`, which has room for it. */
export function sealWithNode(cut: RecvCut, session: NodeSession, out: Uint8Array, at: number): void {
  const { image, topAt, topBytes, signBytes } = cut;
  const signAt = topAt + topBytes;
  // The padding is in the image already.
  const text = encrypted(session, image.subarray(cut.payloadAt), false);
  const sign = Buffer.concat([image.subarray(signAt, signAt + signBytes), Buffer.from(text, "latin1")]);
  const msgKey = hash("md5", encrypted(session, sign, true), "hex");
  const frame = Buffer.from(out.buffer, out.byteOffset + at, cut.frameBytes);
  frame.set(image.subarray(topAt, signAt));
  frame.write(msgKey, cut.msgKeyAt, MSG_KEY_BYTES, "latin1");
  frame.write(text, topBytes, "latin1");
}

export function openWithNode(send: Send, session: NodeSession, allocate: Allocate): Uint8Array | undefined {
  const bytes = new Uint8Array(sendSignBytesMax(send));
  const sign = bytes.subarray(0, writeSendSign(send, bytes, 0));
  const msgKey = Buffer.from(hash("md5", encrypted(session, sign, true), "hex"), "latin1");
  const given = Buffer.from(send.msgKey);
  if (given.length !== MSG_KEY_BYTES || !timingSafeEqual(given, msgKey)) return undefined;
  const { payload } = send;
  // Strict, unlike Node's own.
  const cipher = base64ToBytes(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("latin1"));
  if (cipher === undefined || cipher.length === 0 || cipher.length % BLOCK_BYTES !== 0) return undefined;
  const decipher = createDecipheriv(ALGORITHM, session.key, session.iv).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(cipher), decipher.final()]);
  const padding = padded[padded.length - 1]!;
  if (padding === 0 || padding > BLOCK_BYTES) return undefined;
  const length = padded.length - padding;
  for (let index = length; index < padded.length; index++) if (padded[index] !== padding) return undefined;
  const plain = allocate(length);
  plain.set(padded.subarray(0, length));
  return plain;
}

/** As base64 text. */
function encrypted(session: NodeSession, plain: Uint8Array, padding: boolean): string {
  const cipher = createCipheriv(ALGORITHM, session.key, session.iv).setAutoPadding(padding);
  const head = cipher.update(plain);
  const tail = cipher.final();
  return (tail.length === 0 ? head : Buffer.concat([head, tail])).toString("base64");
}
