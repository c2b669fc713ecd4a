/**
 * What one administrative decide step on a channel hands to the store: rows before, the channel's own batch, rows after.
 * Adding a member writes his row first, removing one takes the member entry away first, so whatever a crash leaves is
 * repaired by repeating the call.
 */
import { type Batch, createBatch, put, remove } from "../store/batch.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { shardOfUser } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { allowTable, channelTable, denyTable, memberTable } from "../store/tables.ts";
import type { Channel } from "./channel.ts";
import type { ChannelListName } from "./channels.ts";
import type { Conversation } from "./conversation.ts";
import type { Conversations, RowWrite } from "./conversations.ts";
import type { Roster } from "./roster.ts";

const TABLES = { members: memberTable, deny: denyTable, allow: allowTable } as const;

interface RowPart {
  readonly batch: Batch;
  readonly writes: RowWrite[];
}

export class ChannelChange {
  readonly #channel: Channel;
  readonly #conversations: Conversations;
  readonly #own: Batch;
  readonly #onDurable: (() => void)[] = [];
  readonly #before = new Map<number, RowPart>();
  readonly #after = new Map<number, RowPart>();
  /** Names added to the lists, less those taken away. */
  namesAdded = 0;

  constructor(channel: Channel, conversations: Conversations) {
    this.#channel = channel;
    this.#conversations = conversations;
    this.#own = createBatch(channel.shard);
  }

  addRow(when: "before" | "after", uid: string, known: Conversation | undefined, row: Conversation): void {
    const parts = when === "before" ? this.#before : this.#after;
    const shard = shardOfUser(uid);
    let part = parts.get(shard);
    if (part === undefined) {
      part = { batch: createBatch(shard), writes: [] };
      parts.set(shard, part);
    }
    part.writes.push(this.#conversations.decide(part.batch, uid, known, row));
  }

  listAdd(list: ChannelListName, uid: string, createdMs: number): void {
    const roster = rosterOf(this.#channel, list);
    roster.decideAdd(uid);
    this.namesAdded++;
    put(this.#own, TABLES[list], { channel: this.#channel.key, uid }, { uid, createdMs });
    this.#onDurable.push(() => roster.settleAdd(uid));
  }

  listRemove(list: ChannelListName, uid: string): void {
    const roster = rosterOf(this.#channel, list);
    roster.decideRemove(uid);
    this.namesAdded--;
    remove(this.#own, TABLES[list], { channel: this.#channel.key, uid });
    this.#onDurable.push(() => roster.settleRemove(uid));
  }

  /** The channel's row as decided, with the lists' sizes of now. */
  writeChannelRow(): void {
    const channel = this.#channel;
    channel.row = {
      ...channel.row,
      members: channel.members.decidedCount,
      deny: channel.deny.decidedCount,
      allow: channel.allow.decidedCount,
    };
    put(this.#own, channelTable, channel.key, channel.row);
  }

  /**
   * Resolves when all of it is durable. One step for the store: where a removal could be cut between the entry and the
   * row, `reset` and `remove all` would no longer know whose row is left to change.
   */
  commit(store: Store): Promise<void> {
    const before = [...this.#before.values()];
    const after = [...this.#after.values()];
    const batches = [...before.map(batchOf), this.#own, ...after.map(batchOf)];
    return new Promise((resolve, reject) => {
      store.commitStep(batches, (failure) => {
        if (failure !== null) {
          reject(new StoreUnavailable(failure));
          return;
        }
        for (const { writes } of before) for (const write of writes) this.#conversations.settle(write);
        for (const apply of this.#onDurable) apply();
        for (const { writes } of after) for (const write of writes) this.#conversations.settle(write);
        resolve();
      });
    });
  }
}

function batchOf(part: RowPart): Batch {
  return part.batch;
}

function rosterOf(channel: Channel, list: ChannelListName): Roster {
  return list === "members" ? channel.members : list === "deny" ? channel.deny : channel.allow;
}
