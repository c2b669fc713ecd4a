/**
 * Sends: gather loads what a decision needs, decide gives each request its verdict, id and seq in one synchronous step,
 * commit makes it durable, and only then is it acknowledged and told to the feed.
 */
import { COMMAND_SUFFIX, Reason, SYSTEM_UID } from "@wukong-ts/protocol";
import { type CommitFailure, StoreUnavailable } from "../store/commit-failure.ts";
import { shardOfChannel, shardOfUser } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { messageTable, receiptTable } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import { type Channel, type InFlightReceipt, logOf, receiptText } from "./channel.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { internalKey, keepsRows, kindOf, peerOf } from "./channel-kinds.ts";
import type { Conversations } from "./conversations.ts";
import { compareIds, type IdGenerator } from "./ids.ts";
import {
  type ChannelKey,
  type LogName,
  MessageFlag,
  type MessageId,
  NAMED_WITH_SUFFIX,
  ORIGIN,
  type StoredMessage,
} from "./message.ts";
import { payloadHash } from "./payload-hash.ts";
import { verdict } from "./permission.ts";
import type { Sending, SendRequest, SendSink } from "./send.ts";
import { isCounted, type MessagePart, SendTurn } from "./send-turn.ts";
import { SendingCounters, type SendingStats } from "./sending-stats.ts";
import { type BucketRate, msUntilToken, type TokenBuckets, takeTokens } from "./token-buckets.ts";
import { CLIENT_MSG_NO_BYTES_MAX, fits, isChannelId, isUid, TOPIC_BYTES_MAX, UID_BYTES_MAX } from "./valid-ids.ts";

export interface SendingOptions {
  /** `whitelistOffOfPerson` */
  readonly personAllowListOff: boolean;
  readonly payloadBytesMax: number;
  readonly batchBytesMax: number;
  /** How many messages a channel takes, whoever sends them; without it any number. */
  readonly channelRate?: BucketRate | undefined;
}

export interface SendingDeps {
  readonly clock: Clock;
  readonly store: Store;
  readonly channels: ChannelCache;
  readonly conversations: Conversations;
  readonly ids: IdGenerator;
  readonly isSystem: (uid: string) => boolean;
  /** Not persisted messages go straight to fan-out. */
  deliver(messages: readonly StoredMessage[]): void;
  /** Delivery is behind: refuse new messages until it has caught up. */
  isDeliveryFull(): boolean;
  /** For the log: a row that cannot be read. */
  readonly failed: (error: unknown) => void;
  /** How fast a user's sessions may send; without it as fast as they like. System accounts always may. */
  readonly perUid?: TokenBuckets | undefined;
  readonly options: SendingOptions;
}

interface Addressed {
  readonly request: SendRequest;
  readonly key: ChannelKey;
}

interface Gathered {
  readonly request: SendRequest;
  readonly log: LogName;
  readonly channel: Channel;
  /** The sender's and the receiver's own person records. */
  readonly sender: Channel | undefined;
  readonly receiver: Channel | undefined;
}

/** A session whose gather waits: what it sends meanwhile stands behind. */
type Lane = { readonly requests: readonly SendRequest[]; readonly sink: SendSink }[];

export class Sender implements Sending {
  readonly #deps: SendingDeps;
  readonly #lanes = new Map<number, Lane>();
  readonly #counters = new SendingCounters();
  readonly #settled = (part: MessagePart, failure: CommitFailure | null): void => this.#settle(part, failure);
  /** Of the write that failed last: it may be on disk all the same. */
  #doubtful: StoredMessage[][] = [];

  constructor(deps: SendingDeps) {
    this.#deps = deps;
    deps.store.onReset(() => this.#announceSurvivors());
  }

  stats(): SendingStats {
    return this.#counters.snapshot();
  }

  send(requests: readonly SendRequest[], sink: SendSink): void {
    const admitted = this.#admit(requests, sink);
    if (admitted.length > 0) this.#queue(admitted, sink);
  }

  /** Answers those that the sender's rate does not allow; they leave no trace. */
  #admit(requests: readonly SendRequest[], sink: SendSink): readonly SendRequest[] {
    const { perUid, isSystem, ids } = this.#deps;
    const [first] = requests;
    if (perUid === undefined || first === undefined || first.origin !== "client" || isSystem(first.fromUid))
      return requests;
    const granted = perUid.take(first.fromUid, requests.length);
    if (granted === requests.length) return requests;
    const retryAfterMs = perUid.retryAfterMs(first.fromUid);
    for (const request of requests.slice(granted)) this.#refuse(sink, request, ids.next(), retryAfterMs);
    return requests.slice(0, granted);
  }

  #queue(requests: readonly SendRequest[], sink: SendSink): void {
    const session = requests[0]?.session ?? 0;
    const lane = session === 0 ? undefined : this.#lanes.get(session);
    if (lane !== undefined) lane.push({ requests, sink });
    else this.#run(requests, sink, session);
  }

  #run(requests: readonly SendRequest[], sink: SendSink, session: number): void {
    const addressed: Addressed[] = [];
    for (const request of requests) {
      const key = this.#channelOf(request);
      if (typeof key === "number") this.#answer(sink, request, key, this.#deps.ids.next(), 0, false);
      else addressed.push({ request, key });
    }
    let gathered: readonly Gathered[] | undefined;
    try {
      gathered = this.#gather(addressed);
    } catch {
      this.#fail(addressed, sink);
      return;
    }
    if (gathered !== undefined) {
      this.#decideAll(gathered, sink);
      return;
    }
    if (session !== 0) this.#lanes.set(session, []);
    void this.#runLater(addressed, sink, session);
  }

  /** Everything at once; undefined when something has to be waited for. Throws when the store cannot be read. */
  #gather(addressed: readonly Addressed[]): readonly Gathered[] | undefined {
    const { channels } = this.#deps;
    const gathered: Gathered[] = [];
    let waits = false;
    for (const { request, key } of addressed) {
      const records = recordKeys(request, key);
      const channel = channels.load(key);
      const sender = records.sender && channels.record(records.sender);
      const receiver = records.receiver && channels.record(records.receiver);
      if (channel instanceof Promise || sender instanceof Promise || receiver instanceof Promise) waits = true;
      else gathered.push({ request, log: logNameOf(request), channel, sender, receiver });
    }
    return waits ? undefined : gathered;
  }

  /** Never rejects. */
  async #runLater(addressed: readonly Addressed[], sink: SendSink, session: number): Promise<void> {
    const { channels, store } = this.#deps;
    const epoch = store.epoch;
    const pinned: Channel[] = [];
    const load = async (key: ChannelKey): Promise<Channel> => {
      const channel = await channels.loadPinned(key);
      pinned.push(channel);
      return channel;
    };
    const gathering = addressed.map(async ({ request, key }): Promise<Gathered> => {
      const records = recordKeys(request, key);
      const loads = [
        load(key),
        records.sender === undefined ? NO_RECORD : load(records.sender),
        records.receiver === undefined ? NO_RECORD : load(records.receiver),
      ] as const;
      // All of them first: one that comes in after another has failed must not keep its pin.
      await Promise.allSettled(loads);
      const [channel, sender, receiver] = await Promise.all(loads);
      return { request, log: logNameOf(request), channel, sender, receiver };
    });
    const outcomes = await Promise.allSettled(gathering);
    const gathered: Gathered[] = [];
    for (const outcome of outcomes) if (outcome.status === "fulfilled") gathered.push(outcome.value);
    for (const channel of pinned) channel.pins--;
    try {
      // After a reset the objects are no longer the loaded ones.
      if (gathered.length < addressed.length || epoch !== store.epoch) this.#fail(addressed, sink);
      else this.#decideAll(gathered, sink);
    } catch (error) {
      this.#deps.failed(error);
    } finally {
      this.#continueLane(session);
    }
  }

  #fail(addressed: readonly Addressed[], sink: SendSink): void {
    for (const { request } of addressed)
      this.#answer(sink, request, Reason.systemError, this.#deps.ids.next(), 0, false);
  }

  /** The internal channel, or the reason why there can be none. */
  #channelOf(request: SendRequest): ChannelKey | number {
    const { addressedTo } = request;
    if (request.payload.length > this.#deps.options.payloadBytesMax) return Reason.systemError;
    if (!fits(request.clientMsgNo, CLIENT_MSG_NO_BYTES_MAX) || !fits(request.fromUid, UID_BYTES_MAX))
      return Reason.systemError;
    if (!fits(request.topic, TOPIC_BYTES_MAX)) return Reason.systemError;
    if (!isChannelId(addressedTo.id)) return Reason.channelIdError;
    if (request.fromUid.includes("@") || request.fromUid.endsWith(COMMAND_SUFFIX)) return Reason.channelIdError;
    const key = internalKey(addressedTo, request.fromUid);
    if (key === undefined || !isChannelId(key.id)) return Reason.channelIdError;
    // A message to somebody who cannot be would be acknowledged and found by nobody.
    const kind = kindOf(key.type);
    const implied = kind.implied(key.id);
    if (kind.members === "implied" && (implied.length === 0 || !implied.every(isUid))) return Reason.channelIdError;
    return key;
  }

  #continueLane(session: number): void {
    const lane = this.#lanes.get(session);
    this.#lanes.delete(session);
    // A batch that waits again opens a new lane; the rest stands behind it.
    for (const { requests, sink } of lane ?? []) this.#queue(requests, sink);
  }

  #decideAll(gathered: readonly Gathered[], sink: SendSink): void {
    const { store, conversations, channels, options } = this.#deps;
    const turn = new SendTurn(store, conversations, options.batchBytesMax, this.#settled);
    for (const each of gathered) {
      try {
        this.#decide(each, sink, turn);
      } catch (error) {
        // Only the look-ups of a receipt and of rows read the disk, and the message has not been decided before them.
        if (!(error instanceof StoreUnavailable)) this.#deps.failed(error);
        this.#answer(sink, each.request, Reason.systemError, this.#deps.ids.next(), 0, false);
      }
    }
    turn.handOver();
    channels.trim();
    conversations.trim();
  }

  #decide(gathered: Gathered, sink: SendSink, turn: SendTurn): void {
    const { request, channel } = gathered;
    const { ids } = this.#deps;
    const isPersisted = (request.flags & MessageFlag.noPersist) === 0;
    const hasNumber = isPersisted && request.clientMsgNo !== "";
    const hash = hasNumber ? payloadHash(request.payload) : undefined;
    if (hash !== undefined && this.#answerRepeated(gathered, hash, sink)) return;
    const reason = this.#refusalOf(gathered, isPersisted);
    const id = ids.next();
    if (reason !== Reason.success) {
      this.#answer(sink, request, reason, id, 0, false);
      return;
    }
    const retryAfterMs = this.#channelWaitMs(channel);
    if (retryAfterMs > 0) {
      this.#refuse(sink, request, id, retryAfterMs);
      return;
    }
    const message = this.#messageOf(gathered, id, isPersisted);
    if (!isPersisted) {
      this.#answer(sink, request, Reason.success, id, 0, false);
      this.#deps.deliver([message]);
      return;
    }
    this.#ensureImpliedRows(channel, turn);
    const log = logOf(channel, message.log);
    let receipt: InFlightReceipt | undefined;
    if (hash !== undefined) {
      receipt = { id, seq: message.seq, payloadHash: hash, waiting: [] };
      log.inFlight ??= new Map();
      log.inFlight.set(receiptText(request.fromUid, request.clientMsgNo), receipt);
    }
    turn.addMessage(channel, { request, sink, message, receipt, log });
  }

  /** The same number from the same sender: the first answer again, whatever his rights are now. */
  #answerRepeated(gathered: Gathered, hash: Uint8Array, sink: SendSink): boolean {
    const { request, channel } = gathered;
    const log = logOf(channel, gathered.log);
    const flying = log.inFlight?.get(receiptText(request.fromUid, request.clientMsgNo));
    // A log without a durable message has no receipt on disk.
    const first =
      flying ??
      (log.durable.seq === 0
        ? undefined
        : this.#deps.store.get(receiptTable, channel.shard, {
            channel: channel.key,
            log: gathered.log,
            fromUid: request.fromUid,
            clientMsgNo: request.clientMsgNo,
          }));
    if (first === undefined) return false;
    if (!sameBytes(first.payloadHash, hash))
      this.#answer(sink, request, Reason.idempotencyConflict, this.#deps.ids.next(), 0, false);
    else if (flying === undefined) this.#answer(sink, request, Reason.success, first.id, first.seq, true);
    else
      flying.waiting.push((stored) => {
        if (stored) this.#answer(sink, request, Reason.success, flying.id, flying.seq, true);
        else this.#answer(sink, request, Reason.systemError, flying.id, 0, false);
      });
    return true;
  }

  #refusalOf(gathered: Gathered, isPersisted: boolean): number {
    const { request, channel } = gathered;
    const reason = verdict({
      origin: request.origin,
      fromUid: request.fromUid,
      channel,
      log: gathered.log,
      senderRecord: gathered.sender,
      receiverRecord: gathered.receiver,
      isSystem: this.#deps.isSystem,
      personAllowListOff: this.#deps.options.personAllowListOff,
    });
    if (reason !== Reason.success) return reason;
    if (isPersisted && logOf(channel, gathered.log).decided.seq >= (request.seqMax ?? Number.MAX_SAFE_INTEGER))
      return Reason.messageSeqExhausted;
    if (this.#deps.isDeliveryFull()) return Reason.rateLimit;
    return isPersisted ? reasonOf(this.#deps.store.refusal()) : Reason.success;
  }

  /** 0: it takes one more now. Asked last, so that only messages that would pass count. */
  #channelWaitMs(channel: Channel): number {
    const { channelRate } = this.#deps.options;
    if (channelRate === undefined) return 0;
    const nowMs = this.#deps.clock.monotonicMs();
    channel.bucket ??= { fullAtMs: 0 };
    return takeTokens(channel.bucket, channelRate, nowMs, 1) === 1
      ? 0
      : msUntilToken(channel.bucket, channelRate, nowMs);
  }

  #messageOf(gathered: Gathered, id: MessageId, isPersisted: boolean): StoredMessage {
    const { request, channel } = gathered;
    const head = logOf(channel, gathered.log).decided;
    const nowSeconds = Math.floor(this.#deps.clock.wallMs() / 1000);
    return {
      id,
      seq: isPersisted ? head.seq + 1 : 0,
      countedTotal: head.counted + (isPersisted && isCounted(gathered.log, request.flags) ? 1 : 0),
      timeSeconds: Math.max(nowSeconds, head.timeSeconds),
      channel: channel.key,
      log: gathered.log,
      fromUid: request.fromUid,
      clientMsgNo: request.clientMsgNo,
      session: request.session,
      flags: keptFlags(request),
      setting: request.setting,
      expireSeconds: request.expireSeconds,
      topic: request.topic,
      payload: request.payload,
      ...(request.receivers === undefined ? undefined : { receivers: request.receivers }),
    };
  }

  /** Whoever belongs to a channel by its id has his row before the message; asked once per load, not once per channel. */
  #ensureImpliedRows(channel: Channel, turn: SendTurn): void {
    if (channel.impliedRowsWritten || channel.kind.members === "listed" || !keepsRows(channel.kind)) return;
    const { conversations, ids } = this.#deps;
    const isNew = channel.chat.decided.seq === 0 && channel.command.decided.seq === 0;
    for (const uid of channel.kind.implied(channel.key.id)) {
      if (uid === SYSTEM_UID) continue;
      const known = isNew ? undefined : conversations.decided(uid, channel.key);
      if (known?.membership === "member") continue;
      turn.addRow(uid, shardOfUser(uid), known, {
        channel: channel.key,
        membership: "member",
        join: known?.join ?? ORIGIN,
        read: known?.read ?? ORIGIN,
        deletedTo: known?.deletedTo ?? ORIGIN,
        markedUnread: known?.markedUnread ?? 0,
        commandSeq: known?.commandSeq ?? 0,
        commandEnd: null,
        changed: ids.next(),
      });
    }
    // Last: a look-up that failed is made again for the next message.
    channel.impliedRowsWritten = true;
  }

  #settle(part: MessagePart, failure: CommitFailure | null): void {
    if (failure !== null) {
      // The reset has dropped the channels; nobody else will answer these.
      const reason = reasonOf(failure);
      if (failure.outcome === "unknown") this.#doubtful.push(part.batch.messages);
      for (const { request, sink, message, receipt } of part.sends) {
        this.#answer(sink, request, reason, message.id, 0, false);
        for (const copy of receipt?.waiting ?? []) copy(false);
      }
      return;
    }
    for (const touch of part.touches) {
      const log = logOf(touch.channel, touch.log);
      log.durable = touch.head;
      touch.channel.pins--;
      if (touch.lastSender !== undefined)
        this.#deps.conversations.sent(touch.lastSender.uid, touch.channel.key, touch.lastSender.mark);
    }
    for (const { request, sink, message, receipt, log } of part.sends) {
      this.#answer(sink, request, Reason.success, message.id, message.seq, false);
      if (receipt === undefined) continue;
      log.inFlight?.delete(receiptText(message.fromUid, message.clientMsgNo));
      for (const copy of receipt.waiting) copy(true);
    }
    this.#deps.store.feed.announce(part.batch.messages);
  }

  #answer(sink: SendSink, request: SendRequest, reason: number, id: MessageId, seq: number, repeated: boolean): void {
    this.#counters.answered(request.origin === "client", reason, repeated);
    sink.answered(request, { reason, id, seq, repeated });
  }

  #refuse(sink: SendSink, request: SendRequest, id: MessageId, retryAfterMs: number): void {
    this.#counters.answered(request.origin === "client", Reason.rateLimit, false);
    sink.answered(request, { reason: Reason.rateLimit, id, seq: 0, repeated: false, retryAfterMs });
  }

  /**
   * The store has been opened again, and nothing is written yet: what a failed write has left there is a message like
   * any other, and whoever is online must not have to wait for his next sync.
   */
  #announceSurvivors(): void {
    const doubtful = this.#doubtful;
    this.#doubtful = [];
    try {
      for (const messages of doubtful) this.#deps.store.feed.announce(messages.filter((each) => this.#isStored(each)));
    } catch (error) {
      this.#deps.failed(error);
    }
  }

  #isStored({ channel, log, seq, id }: StoredMessage): boolean {
    const stored = this.#deps.store.get(messageTable, shardOfChannel(channel), { channel, log, seq });
    return stored !== undefined && compareIds(stored.id, id) === 0;
  }
}

/** Whose own records a permission depends on. What the server sends depends on none. */
function recordKeys(
  request: SendRequest,
  key: ChannelKey,
): { readonly sender: ChannelKey | undefined; readonly receiver: ChannelKey | undefined } {
  if (request.origin === "server") return NO_RECORDS;
  const receiver = peerOfPerson(key, request.fromUid);
  return {
    sender: { type: 1, id: request.fromUid },
    receiver: receiver === undefined ? undefined : { type: 1, id: receiver },
  };
}
const NO_RECORD: Promise<undefined> = Promise.resolve(undefined);
const NO_RECORDS = { sender: undefined, receiver: undefined };

function logNameOf(request: SendRequest): LogName {
  const isCommand = (request.flags & MessageFlag.syncOnce) !== 0 || request.addressedTo.id.endsWith(COMMAND_SUFFIX);
  return isCommand ? "command" : "chat";
}

const WIRE_FLAGS = MessageFlag.noPersist | MessageFlag.redDot | MessageFlag.syncOnce;

function keptFlags(request: SendRequest): number {
  return (request.flags & WIRE_FLAGS) | (request.addressedTo.id.endsWith(COMMAND_SUFFIX) ? NAMED_WITH_SUFFIX : 0);
}

function reasonOf(failure: CommitFailure | null): number {
  if (failure === null) return Reason.success;
  return failure.code === "overloaded" ? Reason.rateLimit : Reason.systemError;
}

function peerOfPerson(key: ChannelKey, uid: string): string | undefined {
  return key.type === 1 ? peerOf(key.id, uid) : undefined;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
