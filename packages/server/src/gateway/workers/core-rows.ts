/** What a worker tells the core, in the order in which it happened. */
import { allocateFromPool } from "@wukong-ts/protocol";
import type { Session } from "../../delivery/session.ts";
import type { SendRequest } from "../../messaging/send.ts";
import { CLOSE_REASONS, type CloseReason } from "../close-reasons.ts";
import type { Entrant, RecvackFrame, SendRefusal } from "../core.ts";
import type { PackReader, PackWriter } from "./pack.ts";

export interface CoreRows {
  opened(id: number, ip: string): void;
  /** `keysReason`: success, or why no keys can be agreed. */
  entered(session: Entrant["session"], token: string, keysReason: number): void;
  /**
   * One session's, each with the ticket that its answer names. They arrive with the ticket in place of `clientSeq`.
   * `refusal`: what they are all to be refused for.
   */
  sends(requests: readonly SendRequest[], tickets: readonly number[], refusal: SendRefusal | undefined): void;
  received(frame: RecvackFrame, sessionId: Session["id"]): void;
  left(id: number, reason: CloseReason): void;
  closed(id: number, reason: CloseReason): void;
}

const Row = { opened: 1, entered: 2, sends: 3, received: 4, left: 5, closed: 6 } as const;
// The keys of the table itself.
const REASONS = Object.keys(CLOSE_REASONS) as readonly CloseReason[];
const REFUSALS: readonly (SendRefusal | undefined)[] = [undefined, "undecodable", "rate_limit"];

export class CoreRowWriter implements CoreRows {
  readonly #pack: PackWriter;
  readonly #mark: () => void;

  /** `mark` is told of each row. */
  constructor(pack: PackWriter, mark: () => void) {
    this.#pack = pack;
    this.#mark = mark;
  }

  opened(id: number, ip: string): void {
    this.#begin(Row.opened, id);
    this.#pack.text(ip);
  }

  entered(session: Entrant["session"], token: string, keysReason: number): void {
    this.#begin(Row.entered, session.id);
    this.#pack.text(session.uid);
    this.#pack.text(session.deviceId);
    this.#pack.u8(session.deviceFlag);
    this.#pack.u8(session.version);
    this.#pack.number(session.connectedAtMs);
    this.#pack.text(token);
    this.#pack.u8(keysReason);
  }

  sends(requests: readonly SendRequest[], tickets: readonly number[], refusal: SendRefusal | undefined): void {
    const [first] = requests;
    if (first === undefined) return;
    const pack = this.#pack;
    this.#begin(Row.sends, first.session);
    pack.text(first.fromUid);
    pack.number(first.seqMax ?? Number.MAX_SAFE_INTEGER);
    pack.u8(REFUSALS.indexOf(refusal));
    pack.u32(requests.length);
    for (const [index, request] of requests.entries()) {
      pack.u32(tickets[index]!);
      pack.u8(request.addressedTo.type);
      pack.text(request.addressedTo.id);
      pack.text(request.clientMsgNo);
      pack.u8(request.flags);
      pack.u8(request.setting);
      pack.u32(request.expireSeconds);
      pack.text(request.topic);
      pack.bytes(request.payload);
    }
  }

  received(frame: RecvackFrame, sessionId: Session["id"]): void {
    this.#begin(Row.received, sessionId);
    this.#pack.u8(frame.flags);
    this.#pack.u32(frame.messageId.high);
    this.#pack.u32(frame.messageId.low);
    this.#pack.number(frame.messageSeq);
  }

  left(id: number, reason: CloseReason): void {
    this.#begin(Row.left, id);
    this.#pack.u8(REASONS.indexOf(reason));
  }

  closed(id: number, reason: CloseReason): void {
    this.#begin(Row.closed, id);
    this.#pack.u8(REASONS.indexOf(reason));
  }

  #begin(row: number, id: number): void {
    this.#mark();
    this.#pack.u8(row);
    this.#pack.number(id);
  }
}

export function readCoreRows(pack: PackReader, to: CoreRows): void {
  while (!pack.isAtEnd) {
    const row = pack.u8();
    const id = pack.number();
    switch (row) {
      case Row.opened:
        to.opened(id, pack.text());
        break;
      case Row.entered:
        readEntered(pack, id, to);
        break;
      case Row.sends:
        readSends(pack, id, to);
        break;
      case Row.received: {
        const flags = pack.u8();
        const messageId = { high: pack.u32(), low: pack.u32() };
        to.received({ flags, messageId, messageSeq: pack.number() }, id);
        break;
      }
      case Row.left:
        to.left(id, reasonOf(pack));
        break;
      case Row.closed:
        to.closed(id, reasonOf(pack));
        break;
      default:
        throw new RangeError(`no such row: ${row}`);
    }
  }
}

function readEntered(pack: PackReader, id: number, to: CoreRows): void {
  const session = {
    id,
    uid: pack.text(),
    deviceId: pack.text(),
    deviceFlag: pack.u8(),
    version: pack.u8(),
    connectedAtMs: pack.number(),
  };
  to.entered(session, pack.text(), pack.u8());
}

function readSends(pack: PackReader, session: number, to: CoreRows): void {
  const fromUid = pack.text();
  const seqMax = pack.number();
  const refusal = REFUSALS[pack.u8()];
  const count = pack.u32();
  const requests: SendRequest[] = [];
  const tickets: number[] = [];
  for (let index = 0; index < count; index++) {
    const ticket = pack.u32();
    tickets.push(ticket);
    requests.push({
      origin: "client",
      session,
      fromUid,
      addressedTo: { type: pack.u8(), id: pack.text() },
      clientSeq: ticket,
      clientMsgNo: pack.text(),
      flags: pack.u8(),
      setting: pack.u8(),
      expireSeconds: pack.u32(),
      topic: pack.text(),
      payload: ownBytes(pack.bytes()),
      seqMax,
    });
  }
  to.sends(requests, tickets, refusal);
}

function reasonOf(pack: PackReader): CloseReason {
  return REASONS[pack.u8()] ?? "internal_error";
}

/** A message may wait long after the others that it came with are gone. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  const own = allocateFromPool(bytes.length);
  own.set(bytes);
  return own;
}
