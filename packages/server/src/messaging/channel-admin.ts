/** Channel administration over loaded channels: every step is decided in one go, in chunks where many names are named. */
import { SYSTEM_UID } from "@wukong-ts/protocol";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { allowTable, channelRange, channelTable, denyTable, memberTable } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { Channel } from "./channel.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { ChannelChange } from "./channel-change.ts";
import { keepsRows } from "./channel-kinds.ts";
import type { ChannelFlags, ChannelListName, Channels, ListedUid } from "./channels.ts";
import { type Conversation, STAYS_MAX } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import type { IdGenerator } from "./ids.ts";
import { type ChannelKey, type Mark, ORIGIN } from "./message.ts";
import type { Roster } from "./roster.ts";

export interface ChannelAdminDeps {
  readonly clock: Clock;
  readonly store: Store;
  readonly channels: ChannelCache;
  readonly conversations: Conversations;
  readonly ids: IdGenerator;
}

/** One step blocks the process for about as many × 10 µs. */
const NAMES_PER_STEP = 1000;
const TABLES = { members: memberTable, deny: denyTable, allow: allowTable } as const;

export class ChannelAdmin implements Channels {
  readonly #deps: ChannelAdminDeps;

  constructor(deps: ChannelAdminDeps) {
    this.#deps = deps;
  }

  async setFlags(key: ChannelKey, flags: ChannelFlags): Promise<void> {
    await this.#step(key, (channel, change) => {
      channel.row = { ...channel.row, ...flags, ...this.#timesOf(channel), created: true };
      change.writeChannelRow();
    });
  }

  flags(key: ChannelKey): ChannelFlags | undefined {
    const row = this.#deps.store.get(channelTable, shardOfChannel(key), key);
    return row?.created ? row : undefined;
  }

  async disband(key: ChannelKey): Promise<void> {
    await this.#step(key, (channel, change) => {
      if (!channel.row.created || channel.row.disband) return;
      channel.row = { ...channel.row, ...this.#timesOf(channel), disband: true };
      change.writeChannelRow();
    });
  }

  async addMembers(key: ChannelKey, uids: readonly string[], options: { readonly reset: boolean }): Promise<void> {
    const named = new Set(uids);
    if (options.reset) await this.#removeWhere(key, (uid) => !named.has(uid));
    await this.#addAll(key, named, false);
  }

  async setReceivers(key: ChannelKey, uids: readonly string[]): Promise<void> {
    const named = new Set(uids);
    await this.#removeWhere(key, (uid) => !named.has(uid));
    await this.#addAll(key, named, true);
  }

  async removeMembers(key: ChannelKey, uids: readonly string[]): Promise<void> {
    for (const some of chunks([...new Set(uids)]))
      await this.#step(key, (channel, change) => this.#remove(channel, change, some));
  }

  async removeAllMembers(key: ChannelKey): Promise<void> {
    await this.#removeWhere(key, () => true);
  }

  async addToList(key: ChannelKey, list: "deny" | "allow", uids: readonly string[]): Promise<void> {
    await this.#editList(key, list, uids, []);
  }

  async removeFromList(key: ChannelKey, list: "deny" | "allow", uids: readonly string[]): Promise<void> {
    await this.#editList(key, list, [], uids);
  }

  async setList(key: ChannelKey, list: "deny" | "allow", uids: readonly string[]): Promise<void> {
    const wanted = new Set(uids);
    const gone = await this.#listed(key, list, (uid) => !wanted.has(uid));
    await this.#editList(key, list, [...wanted], gone);
  }

  async list(key: ChannelKey, list: ChannelListName): Promise<readonly ListedUid[]> {
    const table = TABLES[list];
    const found = await this.#deps.store.all(table, channelRange(table, shardOfChannel(key), key));
    return found.sort((a, b) => (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0));
  }

  /** Loads, decides, commits. `decide` may throw only before it has changed anything. */
  async #step(key: ChannelKey, decide: (channel: Channel, change: ChannelChange) => void): Promise<void> {
    const { store, channels, conversations } = this.#deps;
    let channel = await channels.load(key);
    // A reset between the load and this step has dropped it.
    while (channels.peek(key) !== channel) channel = await channels.load(key);
    const refusal = store.refusal();
    if (refusal !== null) {
      channels.trim();
      throw new StoreUnavailable(refusal);
    }
    const change = new ChannelChange(channel, conversations);
    channel.pins++;
    try {
      decide(channel, change);
    } catch (error) {
      channel.pins--;
      throw error;
    }
    await change.commit(store);
    channel.pins--;
    channels.grew(channel, change.namesAdded);
    channels.trim();
    conversations.trim();
  }

  async #addAll(key: ChannelKey, uids: Iterable<string>, receiveOnly: boolean): Promise<void> {
    for (const some of chunks([...uids]))
      await this.#step(key, (channel, change) => this.#add(channel, change, some, receiveOnly));
  }

  #add(channel: Channel, change: ChannelChange, uids: readonly string[], receiveOnly: boolean): void {
    const nowMs = this.#deps.clock.wallMs();
    const writesRows = keepsRows(channel.kind);
    const known = this.#rowsOf(channel, uids);
    uids.forEach((uid, index) => {
      const row = known[index];
      const isMember = channel.members.hasDecided(uid);
      if (writesRows && uid !== SYSTEM_UID && row?.membership !== "member")
        change.addRow("before", uid, row, this.#joined(channel, row));
      if (!isMember) change.listAdd("members", uid, nowMs);
    });
    if (change.namesAdded > 0 || !channel.row.created || channel.row.receiveOnly !== receiveOnly) {
      channel.row = { ...channel.row, ...this.#timesOf(channel), created: true, receiveOnly };
      change.writeChannelRow();
    }
  }

  #remove(channel: Channel, change: ChannelChange, uids: readonly string[]): void {
    const known = this.#rowsOf(channel, uids);
    uids.forEach((uid, index) => {
      if (channel.members.hasDecided(uid)) change.listRemove("members", uid);
      // Also without an entry: a removal that failed half way is finished by repeating it.
      const row = known[index];
      if (row?.membership === "member" && !channel.implied.includes(uid))
        change.addRow("after", uid, row, this.#left(channel, row));
    });
    if (change.namesAdded < 0) change.writeChannelRow();
  }

  async #removeWhere(key: ChannelKey, isGone: (uid: string) => boolean): Promise<void> {
    await this.removeMembers(key, await this.#listed(key, "members", isGone));
  }

  /** Also those who are off the list but not yet on disk: who takes them away again waits for that. */
  async #listed(key: ChannelKey, list: ChannelListName, isMeant: (uid: string) => boolean): Promise<readonly string[]> {
    const channel = await this.#deps.channels.loadPinned(key);
    const roster: Roster = channel[list];
    const uids = new Set([...roster.decided(), ...roster.durable()].filter(isMeant));
    channel.pins--;
    return [...uids];
  }

  async #editList(
    key: ChannelKey,
    list: "deny" | "allow",
    added: readonly string[],
    removed: readonly string[],
  ): Promise<void> {
    const edits = [
      ...removed.map((uid) => ({ uid, isAdded: false })),
      ...[...new Set(added)].map((uid) => ({ uid, isAdded: true })),
    ];
    for (const some of chunks(edits))
      await this.#step(key, (channel, change) => {
        const roster: Roster = channel[list];
        const nowMs = this.#deps.clock.wallMs();
        let edited = 0;
        for (const { uid, isAdded } of some) {
          if (roster.hasDecided(uid) === isAdded) continue;
          if (isAdded) change.listAdd(list, uid, nowMs);
          else change.listRemove(list, uid);
          edited++;
        }
        if (edited > 0) change.writeChannelRow();
      });
  }

  #rowsOf(channel: Channel, uids: readonly string[]): readonly (Conversation | undefined)[] {
    if (!keepsRows(channel.kind)) return uids.map(() => undefined);
    return uids.map((uid) => this.#deps.conversations.decided(uid, channel.key));
  }

  /** At the tail of both logs; who comes back keeps his marks, none is lowered. */
  #joined(channel: Channel, row: Conversation | undefined): Conversation {
    const head = channel.chat.decided;
    const tail: Mark = { seq: head.seq, counted: head.counted };
    return {
      channel: channel.key,
      membership: "member",
      join: tail,
      read: row?.read ?? ORIGIN,
      deletedTo: row?.deletedTo ?? ORIGIN,
      markedUnread: 0,
      commandSeq: Math.max(row?.commandSeq ?? 0, channel.command.decided.seq),
      commandEnd: null,
      commandJoin: channel.command.decided.seq,
      ...(row?.stays === undefined ? undefined : { stays: row.stays }),
      changed: this.#deps.ids.next(),
    };
  }

  /** The deletion mark stays, and the commands up to now stay his. */
  #left(channel: Channel, row: Conversation): Conversation {
    const commandEnd = channel.command.decided.seq;
    const stay = {
      chat: { from: row.join.seq, to: channel.chat.decided.seq },
      command: { from: row.commandJoin ?? 0, to: commandEnd },
    };
    const stays = [...(row.stays ?? []), stay].slice(-STAYS_MAX);
    return { ...row, membership: "left", commandEnd, stays, changed: this.#deps.ids.next() };
  }

  #timesOf(channel: Channel): { readonly createdMs: number; readonly updatedMs: number } {
    const nowMs = this.#deps.clock.wallMs();
    return { createdMs: channel.row.created ? channel.row.createdMs : nowMs, updatedMs: nowMs };
  }
}

function chunks<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const parts: Item[][] = [];
  for (let at = 0; at < items.length; at += NAMES_PER_STEP) parts.push(items.slice(at, at + NAMES_PER_STEP));
  return parts;
}
