/** Reading stored messages. Only durable ones are ever seen; expired ones are not shown. */
import type { ChannelKey, Head, LogName, MessageId, StoredMessage } from "./message.ts";

export interface HistoryPage {
  readonly channel: ChannelKey;
  readonly log: LogName;
  /** 0: no bound. See http-api 6.7 for which end is included. */
  readonly startSeq: number;
  readonly endSeq: number;
  readonly limit: number;
  readonly direction: "down" | "up";
}

export interface HistorySlice {
  /** Ascending by seq. */
  readonly messages: readonly StoredMessage[];
  /** The messages are so large that fewer came than were asked for. */
  readonly isCut: boolean;
}

export interface History {
  /** Ascending by seq, the six rows of http-api 6.7; `startSeq` above the last message is clamped to it. */
  page(page: HistoryPage): Promise<HistorySlice>;
  /** Ascending; the newest `limit` with seq ≥ `fromSeq`. */
  newest(channel: ChannelKey, log: LogName, fromSeq: number, limit: number): Promise<readonly StoredMessage[]>;
  bySeqs(channel: ChannelKey, log: LogName, seqs: readonly number[]): Promise<readonly StoredMessage[]>;
  /** Found globally, whatever the channel; missing ones are left out, order as asked. */
  byIds(ids: readonly MessageId[]): Promise<readonly StoredMessage[]>;
  /**
   * The newest message of each number in the channel, from any sender, by its number: one walk back through the log for
   * all of them. An empty number finds nothing.
   */
  byClientMsgNos(
    channel: ChannelKey,
    log: LogName,
    clientMsgNos: Iterable<string>,
  ): Promise<ReadonlyMap<string, StoredMessage>>;
  /** Durable; `EMPTY_HEAD` for an unknown channel. At once. */
  head(channel: ChannelKey, log: LogName): Head;
}
