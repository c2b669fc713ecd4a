/**
 * The command cursor of a user's row: acknowledged up to here. It only moves up, never past what was his when he left, and
 * by a RECVACK only over a gapless run, whatever the device's level.
 */
import { type Batch, createBatch } from "../store/batch.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { placeOfId } from "../store/message-ids.ts";
import { shardOfUser } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { kindOf } from "./channel-kinds.ts";
import type { CommandReceipts } from "./commands.ts";
import type { Conversations, RowWrite } from "./conversations.ts";
import type { EarlyAcks, EarlyAcksOfChannel } from "./early-acks.ts";
import type { ChannelKey, MessageId } from "./message.ts";

export interface CommandCursorsDeps {
  readonly store: Store;
  readonly channels: ChannelCache;
  readonly conversations: Conversations;
  readonly early: EarlyAcks;
  /** For the log: a row that cannot be read. */
  readonly failed: (error: unknown) => void;
}

interface Position {
  readonly channel: ChannelKey;
  readonly seq: number;
}

/** One batch of cursors; a row is at most 700 bytes. */
const ROWS_PER_BATCH = 1000;
/** An id may have to be looked for in every shard: so many at the same time. More come again by sync. */
const LOOKUPS_MAX = 32;

export class CommandCursors implements CommandReceipts {
  readonly #deps: CommandCursorsDeps;
  #lookups = 0;

  constructor(deps: CommandCursorsDeps) {
    this.#deps = deps;
  }

  received(uid: string, channel: ChannelKey, seq: number): void {
    try {
      if (!kindOf(channel.type).keepsCommands || seq <= 0) return;
      const row = this.#deps.conversations.decided(uid, channel);
      if (row === undefined || seq <= row.commandSeq || seq > this.#tailOf(channel)) return;
      if (row.commandEnd !== null && seq > row.commandEnd) return;
      this.#advance(this.#deps.early.add(uid, channel, seq));
    } catch (error) {
      this.#failed(error);
    }
  }

  receivedById(uid: string, id: MessageId): void {
    if (this.#lookups >= LOOKUPS_MAX) return;
    this.#lookups++;
    void this.#lookUp(uid, id).finally(() => {
      this.#lookups--;
    });
  }

  /** Every cursor to its position, if that is further. Resolves when durable. */
  async moveTo(uid: string, positions: Iterable<Position>): Promise<void> {
    const all = [...positions];
    for (let at = 0; at < all.length; at += ROWS_PER_BATCH)
      await this.#moveSome(uid, all.slice(at, at + ROWS_PER_BATCH));
    for (const { channel } of all) {
      const early = this.#deps.early.of(uid, channel);
      if (early !== undefined) this.#advance(early);
    }
  }

  async #moveSome(uid: string, positions: readonly Position[]): Promise<void> {
    const { store, conversations } = this.#deps;
    const refusal = store.refusal();
    if (refusal !== null) throw new StoreUnavailable(refusal);
    const batch = createBatch(shardOfUser(uid));
    const writes: RowWrite[] = [];
    let isUnderWay = false;
    for (const { channel, seq } of positions) {
      const write = this.#decide(batch, uid, channel, seq);
      if (write !== undefined) writes.push(write);
      // A RECVACK's cursor is not on disk yet: an empty batch is durable after it.
      else if (this.#isUnderWay(uid, channel)) isUnderWay = true;
    }
    if (writes.length > 0 || isUnderWay) await conversations.commit(batch, writes);
  }

  #isUnderWay(uid: string, channel: ChannelKey): boolean {
    const { conversations } = this.#deps;
    return conversations.decided(uid, channel)?.commandSeq !== conversations.durable(uid, channel)?.commandSeq;
  }

  /** The chat list's `changed` stays: nothing that it shows is another. */
  #decide(batch: Batch, uid: string, channel: ChannelKey, seq: number): RowWrite | undefined {
    const { conversations } = this.#deps;
    const row = conversations.decided(uid, channel);
    if (row === undefined) return undefined;
    const commandSeq = row.commandEnd === null ? seq : Math.min(seq, row.commandEnd);
    if (commandSeq <= row.commandSeq) return undefined;
    return conversations.decide(batch, uid, row, { ...row, commandSeq });
  }

  /** Writes the cursor over the run behind it, one write at a time per row. */
  #advance(acks: EarlyAcksOfChannel): void {
    if (acks.isWriting) return;
    const { store, conversations, early } = this.#deps;
    const { uid, channel } = acks;
    const from = conversations.decided(uid, channel)?.commandSeq ?? 0;
    const to = early.runEnd(acks, from);
    if (to === from) early.forgetUpTo(acks, from);
    if (to === from || store.refusal() !== null) return;
    const batch = createBatch(shardOfUser(uid));
    const write = this.#decide(batch, uid, channel, to);
    if (write === undefined) {
      early.drop(acks);
      return;
    }
    acks.isWriting = true;
    store.commit(batch, (failure) => {
      acks.isWriting = false;
      if (failure !== null) {
        early.drop(acks);
        return;
      }
      conversations.settle(write);
      conversations.trim();
      early.forgetUpTo(acks, write.row.commandSeq);
      if (acks.seqs.size > 0) this.#advanceSafely(acks);
    });
  }

  #advanceSafely(acks: EarlyAcksOfChannel): void {
    try {
      this.#advance(acks);
    } catch (error) {
      this.#failed(error);
    }
  }

  async #lookUp(uid: string, id: MessageId): Promise<void> {
    try {
      const place = await placeOfId(this.#deps.store, id);
      if (place?.log === "command") this.received(uid, place.channel, place.seq);
    } catch (error) {
      this.#failed(error);
    }
  }

  #tailOf(channel: ChannelKey): number {
    return this.#deps.channels.durableHead(channel, "command").seq;
  }

  /** While the store is away nothing can be noted: the commands come again. */
  #failed(error: unknown): void {
    if (!(error instanceof StoreUnavailable)) this.#deps.failed(error);
  }
}
