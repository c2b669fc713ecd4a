/** What the core tells a worker, in the order in which its connections are to do it. */
import type { Outbound, PushedMessage } from "../../delivery/outbound.ts";
import type { SendResult } from "../../messaging/send.ts";
import { CLOSE_REASONS, type CloseReason } from "../close-reasons.ts";
import type { EntryVerdict } from "../core.ts";
import type { PackReader, PackWriter } from "./pack.ts";

export interface GatewayRows extends Outbound {
  /** There is room for this connection. */
  admitted(id: number): void;
  /** There is no room for this connection, or it cannot be served. */
  ended(id: number, reason: CloseReason): void;
  decided(id: number, verdict: EntryVerdict): void;
  answered(ticket: number, result: SendResult): void;
  /** There will be no answer: the session had gone before. */
  forgotten(ticket: number): void;
}

const Row = {
  admitted: 1,
  ended: 2,
  welcome: 3,
  refused: 4,
  cut: 5,
  answered: 6,
  forgotten: 7,
  message: 8,
  recv: 9,
  disconnect: 10,
} as const;
// The keys of the table itself.
const REASONS = Object.keys(CLOSE_REASONS) as readonly CloseReason[];
const LEVELS = ["slave", "master"] as const;
/** In place of a reason: the client is not told. */
const UNTOLD = 0xff;
/** As many as fan-out walks together. */
const MESSAGES_KNOWN = 16;

export class GatewayRowWriter implements GatewayRows {
  readonly #pack: PackWriter;
  readonly #mark: () => void;
  /** Of this pack, the last ones: what goes to many in slices is written once. */
  readonly #messages: PushedMessage[] = [];
  #written = 0;

  /** `mark` is told of each row. */
  constructor(pack: PackWriter, mark: () => void) {
    this.#pack = pack;
    this.#mark = mark;
  }

  /** The pack has left: the next one does not know its messages. */
  flushed(): void {
    this.#messages.length = 0;
    this.#written = 0;
  }

  admitted(id: number): void {
    this.#begin(Row.admitted);
    this.#pack.number(id);
  }

  ended(id: number, reason: CloseReason): void {
    this.#begin(Row.ended);
    this.#pack.number(id);
    this.#pack.u8(REASONS.indexOf(reason));
  }

  decided(id: number, verdict: EntryVerdict): void {
    this.#begin(Row[verdict.kind]);
    this.#pack.number(id);
    if (verdict.kind === "welcome") {
      this.#pack.u8(LEVELS.indexOf(verdict.level));
      return;
    }
    if (verdict.kind === "refused") this.#pack.u8(verdict.reason);
    this.#pack.u8(REASONS.indexOf(verdict.close));
  }

  answered(ticket: number, { reason, id, seq, repeated, retryAfterMs = 0 }: SendResult): void {
    const pack = this.#pack;
    this.#begin(Row.answered);
    pack.u32(ticket);
    pack.u8(reason);
    pack.u32(id.high);
    pack.u32(id.low);
    pack.number(seq);
    pack.u8(repeated ? 1 : 0);
    pack.number(retryAfterMs);
  }

  forgotten(ticket: number): void {
    this.#begin(Row.forgotten);
    this.#pack.u32(ticket);
  }

  recv(message: PushedMessage, to: readonly number[]): void {
    const place = this.#placeOf(message);
    this.#begin(Row.recv);
    this.#pack.u32(place);
    this.#ids(to);
  }

  disconnect(to: readonly number[], reason: number | null, text: string, closeAfterMs: number): void {
    this.#begin(Row.disconnect);
    this.#pack.u8(reason ?? UNTOLD);
    this.#pack.text(text);
    this.#pack.number(closeAfterMs);
    this.#ids(to);
  }

  #placeOf(message: PushedMessage): number {
    const oldest = Math.max(0, this.#written - MESSAGES_KNOWN);
    for (let place = this.#written - 1; place >= oldest; place--) {
      if (this.#messages[place % MESSAGES_KNOWN] === message) return place;
    }
    const pack = this.#pack;
    this.#begin(Row.message);
    pack.u32(message.id.high);
    pack.u32(message.id.low);
    pack.number(message.seq);
    pack.number(message.timeSeconds);
    pack.u8(message.channel.type);
    pack.text(message.channel.id);
    pack.text(message.fromUid);
    pack.text(message.clientMsgNo);
    pack.u8(message.flags);
    pack.u8(message.setting);
    pack.u32(message.expireSeconds);
    pack.text(message.topic);
    pack.bytes(message.payload);
    this.#messages[this.#written % MESSAGES_KNOWN] = message;
    return this.#written++;
  }

  #ids(ids: readonly number[]): void {
    this.#pack.u32(ids.length);
    for (const id of ids) this.#pack.number(id);
  }

  #begin(row: number): void {
    this.#mark();
    this.#pack.u8(row);
  }
}

export function readGatewayRows(pack: PackReader, to: GatewayRows): void {
  const messages: PushedMessage[] = [];
  while (!pack.isAtEnd) {
    const row = pack.u8();
    switch (row) {
      case Row.admitted:
        to.admitted(pack.number());
        break;
      case Row.ended:
        to.ended(pack.number(), reasonOf(pack));
        break;
      case Row.welcome:
        to.decided(pack.number(), { kind: "welcome", level: LEVELS[pack.u8()] ?? "slave" });
        break;
      case Row.refused:
        to.decided(pack.number(), { kind: "refused", reason: pack.u8(), close: reasonOf(pack) });
        break;
      case Row.cut:
        to.decided(pack.number(), { kind: "cut", close: reasonOf(pack) });
        break;
      case Row.answered:
        to.answered(pack.u32(), readResult(pack));
        break;
      case Row.forgotten:
        to.forgotten(pack.u32());
        break;
      case Row.message:
        messages.push(readMessage(pack));
        break;
      case Row.recv: {
        const message = messages[pack.u32()];
        if (message === undefined) throw new RangeError("a message that is not in its pack");
        to.recv(message, readIds(pack));
        break;
      }
      case Row.disconnect: {
        const reason = pack.u8();
        const text = pack.text();
        const closeAfterMs = pack.number();
        to.disconnect(readIds(pack), reason === UNTOLD ? null : reason, text, closeAfterMs);
        break;
      }
      default:
        throw new RangeError(`no such row: ${row}`);
    }
  }
}

function readResult(pack: PackReader): SendResult {
  const result = {
    reason: pack.u8(),
    id: { high: pack.u32(), low: pack.u32() },
    seq: pack.number(),
    repeated: pack.u8() === 1,
  };
  const retryAfterMs = pack.number();
  return retryAfterMs === 0 ? result : { ...result, retryAfterMs };
}

function readMessage(pack: PackReader): PushedMessage {
  return {
    id: { high: pack.u32(), low: pack.u32() },
    seq: pack.number(),
    timeSeconds: pack.number(),
    channel: { type: pack.u8(), id: pack.text() },
    fromUid: pack.text(),
    clientMsgNo: pack.text(),
    flags: pack.u8(),
    setting: pack.u8(),
    expireSeconds: pack.u32(),
    topic: pack.text(),
    payload: pack.bytes(),
  };
}

function readIds(pack: PackReader): readonly number[] {
  const count = pack.u32();
  const ids: number[] = [];
  for (let index = 0; index < count; index++) ids.push(pack.number());
  return ids;
}

function reasonOf(pack: PackReader): CloseReason {
  return REASONS[pack.u8()] ?? "internal_error";
}
