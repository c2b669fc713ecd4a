/** The messages and channels everything else speaks of, as plain data. */

/** 64 bits in two unsigned halves: 41 bits of milliseconds since 2010-11-04, 10 bits of node, 12 bits of step. */
export interface MessageId {
  readonly high: number;
  readonly low: number;
}

/** `id` is the internal one (person: `a@b`), always without `____cmd`. */
export interface ChannelKey {
  readonly type: number;
  readonly id: string;
}

export type LogName = "chat" | "command";

/** A place in a log and how many counted (red-dot, non-command) messages it has up to there. Unread is a difference of two marks. */
export interface Mark {
  readonly seq: number;
  readonly counted: number;
}

export interface Head extends Mark {
  readonly timeSeconds: number;
  readonly lastId: MessageId;
  readonly firstSeq: number;
  /** Messages that are, or at some second will be, no longer counted: see `removals.ts`. */
  readonly removals: number;
  /** The run of the store (`Store.run`) in which everybody who belongs to the channel by its id was seen to have his row; 0: none. */
  readonly rowsSeenIn: number;
  /** Where the last messages of those stand who belong to the channel by its id, in the order of `ChannelKind.implied`; of everybody else there are rows. */
  readonly lastSent: readonly Mark[];
}

export interface StoredMessage {
  readonly id: MessageId;
  /** 0: not persisted. */
  readonly seq: number;
  readonly countedTotal: number;
  readonly timeSeconds: number;
  readonly channel: ChannelKey;
  readonly log: LogName;
  readonly fromUid: string;
  readonly clientMsgNo: string;
  /** The sender's session, which gets no RECV; never stored: 0 when read back or sent by the server. */
  readonly session: number;
  /** `MessageFlag` bits. */
  readonly flags: number;
  /** The wire's Setting byte. */
  readonly setting: number;
  readonly expireSeconds: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The receivers of this one message in place of the channel's members; never stored. */
  readonly receivers?: readonly string[];
}

/** The header flags of the wire. */
export const MessageFlag = { noPersist: 1, redDot: 2, syncOnce: 4, dup: 8 } as const;

/** In a stored message beside the wire's flags: its sender named the command log by the suffixed id, and receivers see it so. */
export const NAMED_WITH_SUFFIX = 0x10;

/** The idempotency row, key (channel, log, from_uid, client_msg_no). The hash is of the decrypted payload as received, before any hook. */
export interface Receipt {
  readonly id: MessageId;
  readonly seq: number;
  readonly payloadHash: Uint8Array;
}

export const NO_ID: MessageId = { high: 0, low: 0 };
export const ORIGIN: Mark = { seq: 0, counted: 0 };
export const EMPTY_HEAD: Head = {
  seq: 0,
  counted: 0,
  timeSeconds: 0,
  lastId: NO_ID,
  firstSeq: 0,
  removals: 0,
  rowsSeenIn: 0,
  lastSent: [],
};

/** Its time is over: it is neither shown nor counted. */
export function isExpired(message: Pick<StoredMessage, "timeSeconds" | "expireSeconds">, nowMs: number): boolean {
  return message.expireSeconds !== 0 && message.timeSeconds + message.expireSeconds <= nowMs / 1000;
}

/** One text per channel, for maps: types are below 256, so the first character never mixes with the id. */
export function channelText(key: ChannelKey): string {
  return String.fromCharCode(key.type) + key.id;
}
