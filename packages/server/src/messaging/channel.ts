/** A loaded channel: its decided state, and of its logs also the durable one. Pinned while anything of it is in flight. */
import type { ChannelRow } from "../store/tables.ts";
import { type ChannelKind, kindOf } from "./channel-kinds.ts";
import type { Evictable } from "./loaded-cache.ts";
import { type ChannelKey, EMPTY_HEAD, type Head, type LogName, type Mark, type MessageId } from "./message.ts";
import { Roster } from "./roster.ts";
import type { Bucket } from "./token-buckets.ts";

/** A receipt that is on its way to the disk, and who waits for it. */
export interface InFlightReceipt {
  readonly id: MessageId;
  readonly seq: number;
  readonly payloadHash: Uint8Array;
  /** Copies of the same message: answered when the first one is. */
  readonly waiting: ((stored: boolean) => void)[];
}

export interface Log {
  /** May run ahead; only decide reads it. */
  decided: Head;
  /** What every answer shows. */
  durable: Head;
  /** By sender and client number, see `receiptText`; made for the first one. */
  inFlight: Map<string, InFlightReceipt> | undefined;
  /** What the turn that is deciding now has added; undefined between turns. */
  touch: LogTouch | undefined;
}

/** One turn's additions to one log: its head row is written once per batch. */
export interface LogTouch {
  readonly channel: Channel;
  readonly log: LogName;
  head: Head;
  /** Of the chat log: who sent last in this turn, and the place of that message. */
  lastSender: { readonly uid: string; readonly mark: Mark } | undefined;
}

export interface Channel extends Evictable {
  readonly key: ChannelKey;
  readonly shard: number;
  readonly kind: ChannelKind;
  /** Who belongs to it by its id. */
  readonly implied: readonly string[];
  readonly chat: Log;
  readonly command: Log;
  readonly members: Roster;
  readonly deny: Roster;
  readonly allow: Roster;
  /** Decided flags and times; the sizes of the lists in it are made current when it is written. */
  row: ChannelRow;
  /** Every implied member has his row, or it is on its way to the disk before anything that is decided now: checked once a run. */
  impliedRowsWritten: boolean;
  /** Of `rateLimit.channelPerSecond`, made for the first message; forgotten with the loaded channel. */
  bucket: Bucket | undefined;
}

/** Of a record that is no chat. Nobody can change it. */
export const NO_LOG: Log = Object.freeze({
  decided: EMPTY_HEAD,
  durable: EMPTY_HEAD,
  inFlight: undefined,
  touch: undefined,
});

export function logOf(channel: Channel, log: LogName): Log {
  return log === "chat" ? channel.chat : channel.command;
}

/** The length keeps two pairs apart whatever characters they hold. */
export function receiptText(fromUid: string, clientMsgNo: string): string {
  return `${fromUid.length}:${fromUid}${clientMsgNo}`;
}

export const NO_CHANNEL_ROW: ChannelRow = {
  created: false,
  ban: false,
  disband: false,
  sendBan: false,
  large: false,
  allowStranger: false,
  receiveOnly: false,
  createdMs: 0,
  updatedMs: 0,
  members: 0,
  deny: 0,
  allow: 0,
};

/** Of a person for whom nothing was ever set. Shared by all, so nobody may change it: changes go through a loaded one. */
export const NO_RECORD: Channel = Object.freeze({
  key: { type: 1, id: "" },
  shard: 0,
  kind: kindOf(1),
  implied: [],
  chat: NO_LOG,
  command: NO_LOG,
  members: new Roster(),
  deny: new Roster(),
  allow: new Roster(),
  row: NO_CHANNEL_ROW,
  impliedRowsWritten: true,
  bucket: undefined,
  pins: 0,
  bytes: 0,
});
