/**
 * What one decide step hands to the store. Rows go before messages, each batch belongs to one shard; a message batch is
 * closed with the heads and last-sent marks of the logs it touched. A turn lives inside one synchronous step.
 */
import { type Batch, createBatch, put } from "../store/batch.ts";
import type { CommitFailure } from "../store/commit-failure.ts";
import { putMessageIds } from "../store/message-ids.ts";
import type { Store } from "../store/store.ts";
import { headTable, lastSentTable, messageTable, receiptTable, removedTable } from "../store/tables.ts";
import { type Channel, type InFlightReceipt, type Log, type LogTouch, logOf } from "./channel.ts";
import type { Conversation } from "./conversation.ts";
import type { Conversations, RowWrite } from "./conversations.ts";
import { type LogName, type Mark, MessageFlag, ORIGIN, type StoredMessage } from "./message.ts";
import type { Removal } from "./removals.ts";
import type { SendRequest, SendSink } from "./send.ts";

export interface DecidedSend {
  readonly request: SendRequest;
  readonly sink: SendSink;
  readonly message: StoredMessage;
  /** undefined without a client number. */
  readonly receipt: InFlightReceipt | undefined;
  readonly log: Log;
}

/** One shard's messages of a turn. */
export interface MessagePart {
  readonly batch: Batch;
  readonly touches: LogTouch[];
  readonly sends: DecidedSend[];
}

export class SendTurn {
  readonly #store: Store;
  readonly #conversations: Conversations;
  readonly #batchBytesMax: number;
  readonly #settled: (part: MessagePart, failure: CommitFailure | null) => void;
  #rowParts: { readonly batch: Batch; readonly writes: RowWrite[] }[] = [];
  #parts: MessagePart[] = [];

  constructor(
    store: Store,
    conversations: Conversations,
    batchBytesMax: number,
    settled: (part: MessagePart, failure: CommitFailure | null) => void,
  ) {
    this.#store = store;
    this.#conversations = conversations;
    this.#batchBytesMax = batchBytesMax;
    this.#settled = settled;
  }

  addRow(uid: string, shard: number, known: Conversation | undefined, row: Conversation): void {
    let part = this.#rowParts.find((each) => each.batch.shard === shard);
    if (part === undefined) {
      part = { batch: createBatch(shard), writes: [] };
      this.#rowParts.push(part);
    }
    part.writes.push(this.#conversations.decide(part.batch, uid, known, row));
  }

  /** `send.message` is the next of its log: the decided head moves here. */
  addMessage(channel: Channel, send: DecidedSend): void {
    const { message, receipt, log } = send;
    const part = this.#partOf(channel.shard);
    const touch = this.#touch(part, channel, message.log, log);
    const mark = { seq: message.seq, counted: message.countedTotal };
    const expires = message.log === "chat" && message.expireSeconds > 0;
    // First: what cannot be written throws before anything has moved.
    const at = { channel: message.channel, log: message.log, seq: message.seq };
    put(part.batch, messageTable, at, message);
    log.decided = touch.head = {
      ...mark,
      timeSeconds: message.timeSeconds,
      lastId: message.id,
      firstSeq: log.decided.firstSeq || message.seq,
      removals: log.decided.removals + (expires ? 1 : 0),
      rowsSeenIn: channel.impliedRowsWritten ? this.#store.run : 0,
      lastSent: message.log === "chat" ? lastSentWith(channel, log.decided.lastSent, message.fromUid, mark) : NO_MARKS,
    };
    if (message.log === "chat") {
      if (touch.lastSender !== undefined && touch.lastSender.uid !== message.fromUid)
        this.#putLastSent(part.batch, touch);
      touch.lastSender = { uid: message.fromUid, mark };
    }
    if (expires) put(part.batch, removedTable, at, removalOf(message));
    if (receipt !== undefined)
      put(
        part.batch,
        receiptTable,
        { channel: message.channel, log: message.log, fromUid: message.fromUid, clientMsgNo: message.clientMsgNo },
        receipt,
      );
    part.batch.messages.push(message);
    part.sends.push(send);
    if (part.batch.bytes >= this.#batchBytesMax) this.handOver();
  }

  /** Rows first: a row without a message is invisible, a message without a row could not be found. */
  handOver(): void {
    for (const { batch, writes } of this.#rowParts)
      this.#store.commit(batch, (failure) => {
        if (failure === null) for (const write of writes) this.#conversations.settle(write);
      });
    for (const part of this.#parts) {
      for (const touch of part.touches) {
        put(part.batch, headTable, { channel: touch.channel.key, log: touch.log }, touch.head);
        this.#putLastSent(part.batch, touch);
        logOf(touch.channel, touch.log).touch = undefined;
      }
      putMessageIds(part.batch);
      this.#store.commit(part.batch, (failure) => this.#settled(part, failure));
    }
    this.#rowParts = [];
    this.#parts = [];
  }

  #partOf(shard: number): MessagePart {
    let part = this.#parts.find((each) => each.batch.shard === shard);
    if (part === undefined) {
      part = { batch: createBatch(shard), touches: [], sends: [] };
      this.#parts.push(part);
    }
    return part;
  }

  #touch(part: MessagePart, channel: Channel, name: LogName, log: Log): LogTouch {
    if (log.touch === undefined) {
      log.touch = { channel, log: name, head: log.decided, lastSender: undefined };
      part.touches.push(log.touch);
      channel.pins++;
    }
    return log.touch;
  }

  #putLastSent(batch: Batch, touch: LogTouch): void {
    if (touch.lastSender === undefined || touch.channel.implied.includes(touch.lastSender.uid)) return;
    put(batch, lastSentTable, { channel: touch.channel.key, uid: touch.lastSender.uid }, touch.lastSender.mark);
  }
}

const NO_MARKS: readonly Mark[] = [];

/** `uid`'s mark moves, if he belongs to the channel by its id. */
function lastSentWith(channel: Channel, marks: readonly Mark[], uid: string, mark: Mark): readonly Mark[] {
  const at = channel.implied.indexOf(uid);
  return at < 0 ? marks : channel.implied.map((_, index) => (index === at ? mark : (marks[index] ?? ORIGIN)));
}

function removalOf(message: StoredMessage): Removal {
  return {
    seq: message.seq,
    isCounted: isCounted(message.log, message.flags),
    goneAtSeconds: message.timeSeconds + message.expireSeconds,
  };
}

export function isCounted(log: LogName, flags: number): boolean {
  return log === "chat" && (flags & MessageFlag.redDot) !== 0;
}
