/**
 * Handing out commands: rows → command heads → which logs have something → merged in id order → cut. Logs are read ahead
 * only as far as they are used, so a sync holds about what it answers, however much waits.
 */
import { shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { messageTable } from "../store/tables.ts";
import type { World } from "../world/world.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { kindOf } from "./channel-kinds.ts";
import type { CommandCursors } from "./command-cursors.ts";
import type { Commands } from "./commands.ts";
import type { Conversations } from "./conversations.ts";
import type { EarlyAcks } from "./early-acks.ts";
import type { HandOuts } from "./hand-outs.ts";
import { compareIds } from "./ids.ts";
import { type ChannelKey, channelText, type MessageId, NO_ID, type StoredMessage } from "./message.ts";

export interface CommandSyncDeps {
  readonly world: Pick<World, "clock" | "timers">;
  readonly store: Store;
  readonly channels: ChannelCache;
  readonly conversations: Conversations;
  readonly cursors: CommandCursors;
  readonly early: EarlyAcks;
  readonly handOuts: HandOuts;
}

/** One command log of the user: what of it is read, and where it goes on. */
interface Source {
  readonly channel: ChannelKey;
  /** The next seq to read, and the last one. */
  next: number;
  readonly end: number;
  ahead: StoredMessage[];
  readAhead: number;
  /** Of the first command in or before `ahead`. */
  nextId: MessageId;
}

const ROWS_PER_SLICE = 1000;
const LOGS_AT_ONCE = 32;
const READ_AHEAD_MAX = 64;
/** An answer of large commands ends early; the rest comes after the acknowledgement. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export class CommandSync implements Commands {
  readonly #deps: CommandSyncDeps;

  constructor(deps: CommandSyncDeps) {
    this.#deps = deps;
  }

  async sync(uid: string, limit: number): Promise<readonly StoredMessage[]> {
    const pending = await this.#pending(uid);
    const waiting = await this.#inIdOrder(uid, pending);
    // What stands behind so many logs cannot come in.
    waiting.splice(limit);
    waiting.reverse();
    const handed: StoredMessage[] = [];
    const used = new Set<Source>();
    let bytes = 0;
    while (handed.length < limit && bytes < ANSWER_BYTES_MAX) {
      const source = waiting.pop();
      if (source === undefined) break;
      if (source.ahead.length === 0) await this.#read(uid, source);
      const message = source.ahead.shift();
      if (message === undefined) continue;
      handed.push(message);
      used.add(source);
      bytes += message.payload.length;
      if (source.ahead.length === 0) await this.#read(uid, source);
      if (moveOn(source)) insert(waiting, source);
    }
    this.#remember(uid, handed, used);
    return handed;
  }

  async acknowledge(uid: string, lastSeq: number): Promise<void> {
    const meant = this.#deps.handOuts.meantBy(uid, lastSeq);
    if (meant.positions.size > 0) await this.#deps.cursors.moveTo(uid, meant.positions.values());
    meant.done();
  }

  /** The user's command logs that go beyond his cursor. */
  async #pending(uid: string): Promise<Source[]> {
    const { conversations, channels, world } = this.#deps;
    const rows = await conversations.all(uid);
    const sources: Source[] = [];
    let inSlice = 0;
    try {
      for (const entry of rows.entries) {
        if (++inSlice > ROWS_PER_SLICE) {
          await new Promise<void>((resolve) => world.timers.soon(resolve));
          inSlice = 1;
        }
        const { channel, durable: row } = entry;
        if (row === undefined || !kindOf(channel.type).keepsCommands) continue;
        const head = channels.durableHead(channel, "command").seq;
        const end = row.commandEnd === null ? head : Math.min(head, row.commandEnd);
        if (end <= row.commandSeq) continue;
        sources.push({ channel, next: row.commandSeq + 1, end, ahead: [], readAhead: 1, nextId: NO_ID });
      }
    } finally {
      rows.release();
    }
    return sources;
  }

  /** Those that have a command to hand out, by its id. */
  async #inIdOrder(uid: string, sources: readonly Source[]): Promise<Source[]> {
    const ordered: Source[] = [];
    for (let at = 0; at < sources.length; at += LOGS_AT_ONCE) {
      const some = sources.slice(at, at + LOGS_AT_ONCE);
      await Promise.all(some.map((source) => this.#read(uid, source)));
      for (const source of some) {
        if (!moveOn(source)) continue;
        ordered.push(source);
        // With many logs only the first ones' commands are needed: they are read again.
        if (sources.length > LOGS_AT_ONCE) {
          source.next = source.ahead[0]?.seq ?? source.next;
          source.ahead = [];
        }
      }
    }
    return ordered.sort((a, b) => compareIds(a.nextId, b.nextId));
  }

  /** Until something to hand out is there, or the log is at its end. The further a log is read, the more at a time. */
  async #read(uid: string, source: Source): Promise<void> {
    const { store, conversations, early, world } = this.#deps;
    const shard = shardOfChannel(source.channel);
    while (source.ahead.length === 0 && source.next <= source.end) {
      const count = Math.min(source.readAhead, source.end - source.next + 1);
      const asked = Array.from({ length: count }, (_, index) => ({
        shard,
        key: { channel: source.channel, log: "command" as const, seq: source.next + index },
      }));
      source.next += count;
      source.readAhead = Math.min(READ_AHEAD_MAX, source.readAhead * 2);
      const read = await store.getMany(messageTable, asked);
      // Both as they are now: a cursor that moved during the read has taken the early ones behind it along.
      const cursor = conversations.decided(uid, source.channel)?.commandSeq ?? 0;
      const acks = early.of(uid, source.channel);
      const nowMs = world.clock.wallMs();
      for (const message of read)
        if (message !== undefined && message.seq > cursor && !acks?.seqs.has(message.seq) && isAlive(message, nowMs))
          source.ahead.push(message);
    }
  }

  /** What was passed over in front of the next command is passed over for good: acknowledged already, or expired. */
  #remember(uid: string, handed: readonly StoredMessage[], used: ReadonlySet<Source>): void {
    const last = handed.at(-1);
    if (last === undefined) return;
    const positions = new Map(
      [...used].map((source) => {
        const seq = (source.ahead[0]?.seq ?? source.next) - 1;
        return [channelText(source.channel), { channel: source.channel, seq }];
      }),
    );
    const greatest = handed.reduce((seq, message) => Math.max(seq, message.seq), 0);
    this.#deps.handOuts.remember(uid, { positions, lastSeqs: [last.seq, greatest] });
  }
}

/** False at the end of the log. */
function moveOn(source: Source): boolean {
  const first = source.ahead[0];
  if (first === undefined) return false;
  source.nextId = first.id;
  return true;
}

/** `waiting` is in falling order of the ids: the next one is its last. */
function insert(waiting: Source[], source: Source): void {
  let low = 0;
  let high = waiting.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareIds(waiting[middle]?.nextId ?? NO_ID, source.nextId) > 0) low = middle + 1;
    else high = middle;
  }
  waiting.splice(low, 0, source);
}

function isAlive(message: StoredMessage, nowMs: number): boolean {
  return message.expireSeconds === 0 || (message.timeSeconds + message.expireSeconds) * 1000 > nowMs;
}
