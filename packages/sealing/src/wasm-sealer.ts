/**
 * Sealing in WebAssembly. This is the one file that decides where bytes lie in the module's memory, which checks
 * nothing itself: a wrong place here would put one user's bytes into another's frame.
 *
 *   batch    as many items as MESSAGES and FRAMES hold, at most BATCH_ITEMS
 *   place    every cut once into MESSAGES, every frame behind the other in FRAMES
 *   order    by what they cost, so that four in step end together
 *   copy     out of FRAMES, before anything else runs: nobody ever gets a view of the memory
 */
import { type Allocate, allocateExact, type Send, sendSignBytesMax, writeSendSign } from "@wukong-ts/protocol";
import { type NodeSession, nodeSession, openWithNode, sealWithNode } from "./node-sealer.ts";
import { BLOCK_BYTES, MSG_KEY_BYTES, RecvCut, sealedLength, writeUint32 } from "./recv-cut.ts";
import { SEAL_WASM } from "./seal-wasm.ts";
import type { Sealer } from "./sealer.ts";
import { Slots } from "./slots.ts";
import { type WasmMemory, type WasmModule, type WasmNumber, webAssembly } from "./web-assembly.ts";

/** Slots are added by so many pages of 64 KiB. */
const GROWTH_PAGES = 4;
const BATCH_ITEMS = 64;
/** Above, a message is left to node:crypto. */
const PAYLOAD_BYTES_MAX = 65_535;
/** Four in step take about as long as two alone. */
const FOUR_COST_AS = 2;
const SEND_HEAD_BYTES = 64;
/** Room that is written or read behind the last byte of a text. */
const SPARE_BYTES = 32;

interface Exports {
  readonly memory: WasmMemory;
  fillSlot(slot: number, key: number, iv: number): void;
  sealOne(cut: number, slot: number, out: number): void;
  sealFour(
    ...places: [
      ...cuts: [number, number, number, number],
      ...slots: [number, number, number, number],
      ...outs: [number, number, number, number],
    ]
  ): void;
  openOne(send: number, slot: number): void;
  openFour(...places: [...sends: [number, number, number, number], ...slots: [number, number, number, number]]): void;
  readonly SLOT_BYTES: WasmNumber;
  readonly SLOT_KEY: WasmNumber;
  readonly KEY: WasmNumber;
  readonly MESSAGES: WasmNumber;
  readonly MESSAGES_BYTES: WasmNumber;
  readonly FRAMES: WasmNumber;
  readonly FRAMES_BYTES: WasmNumber;
  readonly SLOTS: WasmNumber;
  readonly TEXT_BYTES_MAX: WasmNumber;
}

/** Batches of all sealers of the thread: a cut's place is good for the batch of that number only. */
let batches = 0;

/** undefined: this processor or this Node has no relaxed SIMD. */
export function compiledModule(): WasmModule | undefined {
  const bytes = Buffer.from(SEAL_WASM, "base64");
  return webAssembly?.validate(bytes) === true ? new webAssembly.Module(bytes) : undefined;
}

export class WasmSealer implements Sealer {
  readonly kind = "wasm";
  readonly #module: Exports;
  readonly #slots = new Slots();
  readonly #slotBytes: number;
  readonly #slotKey: number;
  readonly #keyAt: number;
  readonly #messagesAt: number;
  readonly #messagesEnd: number;
  readonly #framesAt: number;
  readonly #framesEnd: number;
  readonly #slotsAt: number;
  readonly #textBytesMax: number;
  /** All of the memory; made anew whenever it has grown. */
  #bytes: Buffer;

  // The jobs of a batch.
  #jobs = 0;
  readonly #messages = new Uint32Array(BATCH_ITEMS);
  readonly #sessions = new Uint32Array(BATCH_ITEMS);
  readonly #frames = new Uint32Array(BATCH_ITEMS);
  readonly #costs = new Uint32Array(BATCH_ITEMS);
  /** Indexes of jobs, the cheapest first. */
  readonly #order = new Uint8Array(BATCH_ITEMS);

  constructor(module: WasmModule) {
    // The module's exports are what `assembly/index.ts` lists; the tests build it.
    this.#module = new webAssembly!.Instance(module).exports as Exports;
    const { SLOT_BYTES, SLOT_KEY, KEY, MESSAGES, MESSAGES_BYTES, FRAMES, FRAMES_BYTES, SLOTS, TEXT_BYTES_MAX } =
      this.#module;
    this.#slotBytes = SLOT_BYTES.value;
    this.#slotKey = SLOT_KEY.value;
    this.#keyAt = KEY.value;
    this.#messagesAt = MESSAGES.value;
    this.#messagesEnd = MESSAGES.value + MESSAGES_BYTES.value;
    this.#framesAt = FRAMES.value;
    this.#framesEnd = FRAMES.value + FRAMES_BYTES.value;
    this.#slotsAt = SLOTS.value;
    this.#textBytesMax = TEXT_BYTES_MAX.value;
    this.#bytes = Buffer.from(this.#module.memory.buffer);
  }

  get sessions(): number {
    return this.#slots.used;
  }

  // ---- sessions

  addSession(key: Uint8Array, iv: Uint8Array): number {
    if (key.length !== BLOCK_BYTES || iv.length !== BLOCK_BYTES) throw new RangeError("key and IV have 16 bytes each");
    const slot = this.#slots.take();
    const at = this.#slotAt(slot);
    if (at + this.#slotBytes > this.#bytes.length) this.#grow(slot);
    this.#bytes.set(key, this.#keyAt);
    this.#bytes.set(iv, this.#keyAt + BLOCK_BYTES);
    this.#module.fillSlot(at, this.#keyAt, this.#keyAt + BLOCK_BYTES);
    this.#bytes.fill(0, this.#keyAt, this.#keyAt + 2 * BLOCK_BYTES);
    return slot;
  }

  release(slot: number): void {
    const at = this.#slotAt(slot);
    this.#slots.release(slot);
    this.#bytes.fill(0, at, at + this.#slotBytes);
  }

  /** A copy of all there is, for tests. */
  memory(): Buffer {
    return Buffer.from(this.#bytes);
  }

  /** Where the slot's keys lie. Throws if it is not in use. */
  #slotAt(slot: number): number {
    return this.#slotsAt + this.#slots.place(slot) * this.#slotBytes;
  }

  /** If there is no memory, the slot that wanted it is given back. */
  #grow(slot: number): void {
    try {
      this.#module.memory.grow(GROWTH_PAGES);
    } catch (error) {
      this.#slots.release(slot);
      throw error;
    }
    this.#bytes = Buffer.from(this.#module.memory.buffer);
  }

  /** For what is too large for the memory. */
  #nodeSession(slotAt: number): NodeSession {
    const keyAt = slotAt + this.#slotKey;
    const ivAt = keyAt + BLOCK_BYTES;
    return nodeSession(this.#bytes.subarray(keyAt, ivAt), this.#bytes.subarray(ivAt, ivAt + BLOCK_BYTES));
  }

  // ---- sealing

  seal(items: readonly (RecvCut | Uint8Array)[], slots: readonly number[], out: Uint8Array, at = 0): number {
    if (!(at >= 0 && at + sealedLength(items) <= out.length)) throw new RangeError("the frames do not fit");
    for (let index = 0; index < items.length; index++) {
      if (items[index] instanceof RecvCut) this.#slots.place(slots[index]!);
    }
    let end = at;
    for (let first = 0; first < items.length; ) {
      const behind = this.#placeFrames(items, slots, first);
      if (behind > first) {
        this.#sealJobs();
        end = this.#copyFrames(items, first, behind, out, end);
        first = behind;
      } else {
        // The first one of a batch always fits if any can.
        const cut = items[first] as RecvCut;
        sealWithNode(cut, this.#nodeSession(this.#slotAt(slots[first]!)), out, end);
        end += cut.frameBytes;
        first++;
      }
    }
    return end;
  }

  /** Fills a batch and returns the index behind its last item. */
  #placeFrames(items: readonly (RecvCut | Uint8Array)[], slots: readonly number[], first: number): number {
    const batch = ++batches;
    let message = this.#messagesAt;
    let frame = this.#framesAt;
    let jobs = 0;
    let index = first;
    for (; index < items.length && jobs < BATCH_ITEMS; index++) {
      const item = items[index]!;
      if (item instanceof Uint8Array) continue;
      if (frame + item.frameBytes > this.#framesEnd || !this.#fits(item)) break;
      if (item.placedIn !== batch) {
        if (message + item.image.length + SPARE_BYTES > this.#messagesEnd) break;
        this.#bytes.set(item.image, message);
        item.placedIn = batch;
        item.place = message;
        message += item.image.length;
      }
      this.#messages[jobs] = item.place;
      this.#sessions[jobs] = this.#slotAt(slots[index]!);
      this.#frames[jobs] = frame;
      this.#costs[jobs] = item.blocks;
      frame += item.frameBytes;
      jobs++;
    }
    this.#jobs = jobs;
    return index;
  }

  /** Whether the texts fit a lane. */
  #fits(cut: RecvCut): boolean {
    const signBlocks = cut.blocks - cut.payloadBlocks;
    return (
      cut.payloadBlocks * BLOCK_BYTES <= PAYLOAD_BYTES_MAX + 1 &&
      signBlocks * BLOCK_BYTES <= this.#textBytesMax &&
      cut.frameBytes <= this.#framesEnd - this.#framesAt &&
      cut.image.length + SPARE_BYTES <= this.#messagesEnd - this.#messagesAt
    );
  }

  #sealJobs(): void {
    const messages = this.#messages;
    const sessions = this.#sessions;
    const frames = this.#frames;
    const order = this.#order;
    this.#sort();
    for (let left = this.#jobs; left > 0; ) {
      const a = order[left - 1]!;
      const taken = this.#inStep(left);
      if (taken === 1) {
        this.#module.sealOne(messages[a]!, sessions[a]!, frames[a]!);
      } else {
        const b = order[left - 2]!;
        const c = order[left - 3]!;
        const d = order[left - taken]!;
        this.#module.sealFour(
          messages[a]!,
          messages[b]!,
          messages[c]!,
          messages[d]!,
          sessions[a]!,
          sessions[b]!,
          sessions[c]!,
          sessions[d]!,
          frames[a]!,
          frames[b]!,
          frames[c]!,
          frames[d]!,
        );
      }
      left -= taken;
    }
  }

  #copyFrames(
    items: readonly (RecvCut | Uint8Array)[],
    first: number,
    behind: number,
    out: Uint8Array,
    at: number,
  ): number {
    let end = at;
    let from = this.#framesAt;
    let to = from;
    for (let index = first; index < behind; index++) {
      const item = items[index]!;
      if (item instanceof Uint8Array) {
        if (to > from) end += this.#bytes.copy(out, end, from, to);
        from = to;
        out.set(item, end);
        end += item.length;
      } else {
        to += item.frameBytes;
      }
    }
    if (to > from) end += this.#bytes.copy(out, end, from, to);
    return end;
  }

  // ---- opening

  open(send: Send, slot: number, allocate: Allocate = allocateExact): Uint8Array | undefined {
    const slotAt = this.#slotAt(slot);
    if (!this.#fitsSend(send)) return openWithNode(send, this.#nodeSession(slotAt), allocate);
    if (this.#placeSend(send, this.#messagesAt) === 0) return undefined;
    this.#module.openOne(this.#messagesAt, slotAt);
    return this.#plain(this.#messagesAt, allocate);
  }

  openAll(
    sends: readonly Send[],
    slots: readonly number[],
    allocate: Allocate = allocateExact,
  ): (Uint8Array | undefined)[] {
    const plains = new Array<Uint8Array | undefined>(sends.length);
    for (let first = 0; first < sends.length; ) {
      const behind = this.#placeSends(sends, slots, first);
      if (behind === first) {
        plains[first] = this.open(sends[first]!, slots[first]!, allocate);
        first++;
        continue;
      }
      this.#openJobs();
      for (let job = 0; job < this.#jobs; job++)
        plains[this.#frames[job]!] = this.#plain(this.#messages[job]!, allocate);
      first = behind;
    }
    return plains;
  }

  /** Fills a batch and returns the index behind its last item. A job's `frame` is the index of its SEND. */
  #placeSends(sends: readonly Send[], slots: readonly number[], first: number): number {
    let message = this.#messagesAt;
    let jobs = 0;
    let index = first;
    for (; index < sends.length && jobs < BATCH_ITEMS; index++) {
      const send = sends[index]!;
      const slotAt = this.#slotAt(slots[index]!);
      if (!this.#fitsSend(send)) break;
      if (message + SEND_HEAD_BYTES + sendSignBytesMax(send) + SPARE_BYTES > this.#messagesEnd) break;
      const signEnd = this.#placeSend(send, message);
      if (signEnd === 0) continue;
      this.#messages[jobs] = message;
      this.#sessions[jobs] = slotAt;
      this.#frames[jobs] = index;
      this.#costs[jobs] = (signEnd - message) >>> 4;
      message = (signEnd + SPARE_BYTES) & ~(BLOCK_BYTES - 1);
      jobs++;
    }
    this.#jobs = jobs;
    return index;
  }

  #fitsSend(send: Send): boolean {
    return send.payload.length <= this.#textBytesMax && sendSignBytesMax(send) + BLOCK_BYTES <= this.#textBytesMax;
  }

  /** Returns the place behind the sign text, or 0 if msgKey cannot be one. */
  #placeSend(send: Send, at: number): number {
    const { msgKey } = send;
    if (msgKey.length !== MSG_KEY_BYTES) return 0;
    const bytes = this.#bytes;
    let units = 0;
    for (let index = 0; index < MSG_KEY_BYTES; index++) {
      const unit = msgKey.charCodeAt(index);
      units |= unit;
      bytes[at + 32 + index] = unit;
    }
    if (units > 0x7f) return 0;
    const signEnd = writeSendSign(send, bytes, at + SEND_HEAD_BYTES);
    const textBytes = send.payload.length;
    writeUint32(bytes, at, signEnd - textBytes - at - SEND_HEAD_BYTES);
    writeUint32(bytes, at + 4, textBytes);
    return signEnd;
  }

  #openJobs(): void {
    const messages = this.#messages;
    const sessions = this.#sessions;
    const order = this.#order;
    this.#sort();
    for (let left = this.#jobs; left > 0; ) {
      const a = order[left - 1]!;
      const taken = this.#inStep(left);
      if (taken === 1) {
        this.#module.openOne(messages[a]!, sessions[a]!);
      } else {
        const b = order[left - 2]!;
        const c = order[left - 3]!;
        const d = order[left - taken]!;
        this.#module.openFour(
          messages[a]!,
          messages[b]!,
          messages[c]!,
          messages[d]!,
          sessions[a]!,
          sessions[b]!,
          sessions[c]!,
          sessions[d]!,
        );
      }
      left -= taken;
    }
  }

  /** A copy of what the module left at the place of a SEND. */
  #plain(at: number, allocate: Allocate): Uint8Array | undefined {
    const length = this.#bytes.readInt32LE(at + 8);
    if (length < 0) return undefined;
    const plain = allocate(length);
    const from = at + SEND_HEAD_BYTES;
    this.#bytes.copy(plain, 0, from, from + length);
    return plain;
  }

  // ---- order

  /** Insertion: a fan-out is in order already, and 64 is not many. */
  #sort(): void {
    const order = this.#order;
    const costs = this.#costs;
    for (let job = 0; job < this.#jobs; job++) {
      const cost = costs[job]!;
      let at = job;
      for (; at > 0 && costs[order[at - 1]!]! > cost; at--) order[at] = order[at - 1]!;
      order[at] = job;
    }
  }

  /** How many of the `left` cheapest jobs to take from the end: 1, or 3 or 4 in step if that is not slower. */
  #inStep(left: number): number {
    if (left < 3) return 1;
    const order = this.#order;
    const costs = this.#costs;
    const longest = costs[order[left - 1]!]!;
    const taken = left === 3 ? 3 : 4;
    let sum = longest + costs[order[left - 2]!]! + costs[order[left - 3]!]!;
    if (taken === 4) sum += costs[order[left - 4]!]!;
    return sum > FOUR_COST_AS * longest ? taken : 1;
  }
}
