/** For the tests of this folder: the messaging parts over a simulated world, and an engine that fails where a test says so. */
import type { Batch } from "../store/batch.ts";
import type { Engine, Entry, KeyRange } from "../store/engine.ts";
import { Store } from "../store/store.ts";
import type { Table } from "../store/table.ts";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import { ChannelAdmin } from "./channel-admin.ts";
import { ChannelCache } from "./channel-cache.ts";
import type { ChatView } from "./chat-list.ts";
import { ChatListReader } from "./chat-list-reader.ts";
import { Conversations } from "./conversations.ts";
import { IdGenerator } from "./ids.ts";
import type { CacheBounds } from "./loaded-cache.ts";
import { type ChannelKey, type LogName, MessageFlag, type MessageId, type StoredMessage } from "./message.ts";
import { MessageHistory } from "./message-history.ts";
import { ReadMarks } from "./read-marks.ts";
import { RecentMessages } from "./recent-messages.ts";
import type { RefusalRule, RefusedSend } from "./refusals.ts";
import { Removals } from "./removals.ts";
import type { SendRequest, SendResult } from "./send.ts";
import { Sender } from "./sending.ts";
import { type BucketRate, TokenBuckets } from "./token-buckets.ts";

const ROOMY: CacheBounds = { countMax: 1000, bytesMax: 1 << 24 };

export interface MessagingOptions {
  readonly channelBounds?: CacheBounds;
  readonly conversationBounds?: CacheBounds;
  readonly recentsBounds?: CacheBounds;
  /** Small: every batch is a write of its own. */
  readonly writeBytesMax?: number;
  readonly queueBatchesMax?: number;
  readonly batchBytesMax?: number;
  readonly uidRate?: BucketRate;
  readonly channelRate?: BucketRate;
  readonly isDeliveryFull?: () => boolean;
}

/** Keys begin with shard u16, table u8. */
function tableOf(key: Uint8Array): number {
  return key[2] ?? 0;
}

/** Faults of reads; undefined or 0: none. Writes fail through the simulation. */
export class ReadFaults {
  /** Point reads of this table fail. */
  getsFailIn: Table<never, unknown> | undefined;
  /** Ranges of this table fail, at once. */
  rangesFailIn: Table<never, unknown> | undefined;
  /** A range never brings more, as one that is cut by bytes. */
  rangeEntriesMax = 0;
}

class FaultyEngine implements Engine {
  readonly #engine: Engine;
  readonly #faults: ReadFaults;
  constructor(engine: Engine, faults: ReadFaults) {
    this.#engine = engine;
    this.#faults = faults;
  }
  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#faults.getsFailIn?.id === tableOf(key)) throw new Error("EIO");
    return this.#engine.get(key);
  }
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#engine.getMany(keys);
  }
  async range(range: KeyRange): Promise<Entry[]> {
    if (this.#faults.rangesFailIn?.id === tableOf(range.from)) throw new Error("EIO");
    const entries = await this.#engine.range(range);
    return this.#faults.rangeEntriesMax === 0 ? entries : entries.slice(0, this.#faults.rangeEntriesMax);
  }
  write(batches: readonly Batch[]): Promise<void> {
    return this.#engine.write(batches);
  }
  close(): Promise<void> {
    return this.#engine.close();
  }
}

export class Messaging {
  readonly simulation: Simulation;
  readonly faults: ReadFaults;
  readonly store: Store;
  readonly channels: ChannelCache;
  readonly conversations: Conversations;
  readonly sender: Sender;
  readonly admin: ChannelAdmin;
  readonly history: MessageHistory;
  readonly chatList: ChatListReader;
  readonly ids: IdGenerator;
  readonly failures: unknown[] = [];
  /** Not persisted: told to nobody but delivery. */
  readonly delivered: StoredMessage[] = [];
  /** What the trail was told. */
  readonly refused: (RefusedSend & { readonly id: MessageId; readonly reason: number; readonly rule: RefusalRule })[] =
    [];
  /** What was told to the feed. */
  readonly announced: StoredMessage[] = [];

  readonly #options: MessagingOptions;

  private constructor(simulation: Simulation, faults: ReadFaults, store: Store, options: MessagingOptions) {
    const { world } = simulation;
    const { clock } = world;
    const ids = new IdGenerator(clock, 1);
    const channels = new ChannelCache(store, options.channelBounds ?? ROOMY);
    const conversations = new Conversations(store, options.conversationBounds ?? ROOMY);
    this.#options = options;
    this.ids = ids;
    this.simulation = simulation;
    this.faults = faults;
    this.store = store;
    this.channels = channels;
    this.conversations = conversations;
    this.history = new MessageHistory(store, channels, clock);
    this.admin = new ChannelAdmin({ clock, store, channels, conversations, ids });
    this.sender = new Sender({
      clock,
      store,
      channels,
      conversations,
      ids,
      isSystem: (uid) => uid === "system-account",
      failed: (error) => this.failures.push(error),
      trail: { refused: (send, id, reason, rule) => this.refused.push({ ...send, id, reason, rule }) },
      deliver: (messages) => this.delivered.push(...messages),
      isDeliveryFull: options.isDeliveryFull ?? (() => false),
      perUid: options.uidRate && new TokenBuckets(clock, { ...options.uidRate, countMax: 1_000 }),
      options: {
        personAllowListOff: true,
        payloadBytesMax: 1 << 20,
        batchBytesMax: options.batchBytesMax ?? 1 << 20,
        channelRate: options.channelRate,
      },
    });
    this.chatList = new ChatListReader({
      world,
      conversations,
      channels,
      recents: new RecentMessages(store, this.history, options.recentsBounds ?? ROOMY),
      marks: new ReadMarks({ store, channels, conversations, ids }),
      removals: new Removals(store, clock),
      options: { showSystem: false, countAll: false, ordersMax: 10, orderBytesMax: 1 << 20 },
    });
    store.feed.tail((messages) => this.announced.push(...messages));
  }

  static async open(
    options: MessagingOptions = {},
    simulation: Simulation = createSimulatedWorld({ seed: 1 }),
  ): Promise<Messaging> {
    const faults = new ReadFaults();
    const { world } = simulation;
    const opening = Store.open({
      world: { ...world, openEngine: async (directory) => new FaultyEngine(await world.openEngine(directory), faults) },
      directory: "/data/db",
      limits: {
        writeBytesMax: options.writeBytesMax ?? 1 << 20,
        queueBytesMax: 1 << 24,
        queueBatchesMax: options.queueBatchesMax ?? 10_000,
      },
      keyFilterBytesMax: 1 << 20,
      stateChanged: () => undefined,
    });
    return new Messaging(simulation, faults, await simulation.settle(opening), options);
  }

  /** The process dies and a new one opens what the disk holds. */
  restarted(): Promise<Messaging> {
    this.simulation.restart();
    return Messaging.open(this.#options, this.simulation);
  }

  done<Value>(promise: Promise<Value>): Promise<Value> {
    return this.simulation.settle(promise);
  }

  /** A counted message; whether and how it is answered. */
  send(fromUid: string, addressedTo: ChannelKey, more: Partial<SendRequest> = {}): Promise<SendResult> {
    const request = requestOf(fromUid, addressedTo, more);
    return this.done(
      new Promise((resolve) => this.sender.send([request], { answered: (_, result) => resolve(result) })),
    );
  }

  /** One batch of requests; the results in the requests' order, each answered exactly once. */
  sendAll(requests: readonly SendRequest[]): Promise<readonly SendResult[]> {
    const results = new Map<SendRequest, SendResult>();
    return this.done(
      new Promise((resolve, reject) =>
        this.sender.send(requests, {
          answered: (request, result) => {
            if (results.has(request)) reject(new Error("answered twice"));
            results.set(request, result);
            if (results.size === requests.length) resolve(requests.map((each) => results.get(each)!));
          },
        }),
      ),
    );
  }

  /** Shown ids of the chats in a full sync. */
  async chatsOf(uid: string): Promise<readonly string[]> {
    return (await this.viewsOf(uid)).map((chat) => chat.shown.id);
  }

  /** A full sync. */
  viewsOf(uid: string): Promise<readonly ChatView[]> {
    return this.done(
      this.chatList.sync({
        uid,
        version: 0n,
        lastSeqs: new Map(),
        messageCount: 1,
        onlyUnread: false,
        excludedTypes: new Set(),
        page: 0,
        pageSize: 100,
      }),
    );
  }

  /** Every durable message of a log, by seq. */
  async stored(channel: ChannelKey, log: LogName = "chat"): Promise<readonly StoredMessage[]> {
    return this.done(this.history.newest(channel, log, 0, 100_000));
  }

  /** The keys on the disk. */
  async keys(): Promise<readonly string[]> {
    const everything = { from: new Uint8Array(0), to: new Uint8Array(4).fill(255), reverse: false, limit: 1_000_000 };
    const keys = await this.done(this.store.rangeKeys(everything));
    return keys.map((key) => Buffer.from(key).toString("hex"));
  }

  /** Until the store takes writes again. */
  async recovered(): Promise<void> {
    await this.simulation.until(() => this.store.state === "open");
  }

  /** All loaded objects are dropped, as by a failed write. */
  async reset(): Promise<void> {
    this.simulation.failNextWrite();
    await this.send("nobody", { type: 1, id: "nobody-else" });
    await this.recovered();
  }
}

export function requestOf(fromUid: string, addressedTo: ChannelKey, more: Partial<SendRequest> = {}): SendRequest {
  return {
    origin: "client",
    session: 1,
    fromUid,
    addressedTo,
    clientSeq: 1,
    clientMsgNo: "",
    flags: MessageFlag.redDot,
    setting: 0,
    expireSeconds: 0,
    topic: "",
    payload: Buffer.from("hello"),
    ...more,
  };
}
