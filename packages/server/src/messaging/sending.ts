/**
 * Sends: gather loads what a decision needs, decide gives each request its verdict, id and seq in one synchronous step,
 * commit makes it durable, and only then is it acknowledged and told to the feed.
 */
import { COMMAND_SUFFIX, Reason, SYSTEM_UID } from "@wukong-ts/protocol";
import type { Batch } from "../store/batch.ts";
import { type CommitFailure, StoreUnavailable } from "../store/commit-failure.ts";
import { shardOfChannel, shardOfUser } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { messageTable, receiptTable } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import { type Channel, type InFlightReceipt, logOf, receiptText } from "./channel.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { keepsRows } from "./channel-kinds.ts";
import type { Conversations } from "./conversations.ts";
import { type Gathered, Gathering } from "./gathering.ts";
import { compareIds, type IdGenerator } from "./ids.ts";
import { MessageFlag, type MessageId, NAMED_WITH_SUFFIX, ORIGIN, type StoredMessage } from "./message.ts";
import type { OutsideLists } from "./outside-lists.ts";
import { payloadHash } from "./payload-hash.ts";
import { refusalOf } from "./permission.ts";
import { type Refusal, type RefusalTrail, refusal, STORE_FAILED } from "./refusals.ts";
import type { Sending, SendRequest, SendSink } from "./send.ts";
import { isCounted, type MessagePart, SendTurn } from "./send-turn.ts";
import { SendingCounters, type SendingStats } from "./sending-stats.ts";
import { type BucketRate, msUntilToken, type TokenBuckets, takeTokens } from "./token-buckets.ts";

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
  /** Only where the back end keeps lists. */
  readonly outside?: OutsideLists;
  /** Delivery is behind: refuse new messages until it has caught up. */
  isDeliveryFull(): boolean;
  /** Is told of every refused send. */
  readonly trail: RefusalTrail;
  /** For the log: a row that cannot be read. */
  readonly failed: (error: unknown) => void;
  /** How fast a user's sessions may send; without it as fast as they like. System accounts always may. */
  readonly perUid?: TokenBuckets | undefined;
  readonly options: SendingOptions;
}

const NUMBER_REUSED = refusal(Reason.idempotencyConflict, "number_reused");
const SEQS_USED_UP = refusal(Reason.messageSeqExhausted, "seqs_used_up");
const OVERLOADED = refusal(Reason.rateLimit, "overloaded");
const TOO_FAST = refusal(Reason.rateLimit, "rate_limit");

export class Sender implements Sending {
  readonly #deps: SendingDeps;
  readonly #gathering: Gathering;
  readonly #counters = new SendingCounters();
  readonly #settled = (part: MessagePart, failure: CommitFailure | null): void => this.#settle(part, failure);
  /** Of the write that failed last: it may be on disk all the same. */
  #doubtful: Batch[] = [];

  constructor(deps: SendingDeps) {
    this.#deps = deps;
    this.#gathering = new Gathering({
      store: deps.store,
      channels: deps.channels,
      outside: deps.outside,
      payloadBytesMax: deps.options.payloadBytesMax,
      gathered: (all, sink) => this.#decideAll(all, sink),
      refused: (sink, request, refusal) => this.#refuse(sink, request, deps.ids.next(), refusal),
      failed: deps.failed,
    });
    deps.store.onReset(() => this.#announceSurvivors());
  }

  stats(): SendingStats {
    return this.#counters.snapshot();
  }

  send(requests: readonly SendRequest[], sink: SendSink): void {
    const admitted = this.#admit(requests, sink);
    if (admitted.length > 0) this.#gathering.take(admitted, sink);
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
    for (const request of requests.slice(granted)) this.#refuse(sink, request, ids.next(), TOO_FAST, retryAfterMs);
    return requests.slice(0, granted);
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
        this.#refuse(sink, each.request, this.#deps.ids.next(), STORE_FAILED);
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
    const refused = this.#refusalOf(gathered, isPersisted);
    const id = ids.next();
    if (refused !== undefined) {
      this.#refuse(sink, request, id, refused);
      return;
    }
    const retryAfterMs = this.#channelWaitMs(channel);
    if (retryAfterMs > 0) {
      this.#refuse(sink, request, id, TOO_FAST, retryAfterMs);
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
    if (!sameBytes(first.payloadHash, hash)) this.#refuse(sink, request, this.#deps.ids.next(), NUMBER_REUSED);
    else if (flying === undefined) this.#answer(sink, request, Reason.success, first.id, first.seq, true);
    else
      flying.waiting.push((stored) => {
        if (stored) this.#answer(sink, request, Reason.success, flying.id, flying.seq, true);
        else this.#refuse(sink, request, flying.id, STORE_FAILED);
      });
    return true;
  }

  /** `retryAfterMs` is told where the wire can say it. */
  #refuse(sink: SendSink, request: SendRequest, id: MessageId, { reason, rule }: Refusal, retryAfterMs?: number): void {
    this.#counters.answered(request.origin === "client", reason, false);
    sink.answered(request, {
      reason,
      id,
      seq: 0,
      repeated: false,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    this.#deps.trail.refused(request, id, reason, rule);
  }

  #refusalOf(gathered: Gathered, isPersisted: boolean): Refusal | undefined {
    const { request, channel } = gathered;
    const refused = refusalOf({
      origin: request.origin,
      fromUid: request.fromUid,
      channel,
      log: gathered.log,
      senderRecord: gathered.sender,
      receiverRecord: gathered.receiver,
      isSystem: this.#deps.isSystem,
      personAllowListOff: this.#deps.options.personAllowListOff,
    });
    if (refused !== undefined) return refused;
    if (isPersisted && logOf(channel, gathered.log).decided.seq >= (request.seqMax ?? Number.MAX_SAFE_INTEGER))
      return SEQS_USED_UP;
    if (this.#deps.isDeliveryFull()) return OVERLOADED;
    const failure = isPersisted ? this.#deps.store.refusal() : null;
    return failure === null ? undefined : refusedBy(failure);
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

  /**
   * Whoever belongs to a channel by its id has his row before the message. Looked for once in each run, and the head says
   * so: only between two runs can a row be taken away, by another program or by hand.
   */
  #ensureImpliedRows(channel: Channel, turn: SendTurn): void {
    if (channel.impliedRowsWritten || channel.kind.members === "listed" || !keepsRows(channel.kind)) return;
    const { conversations, ids } = this.#deps;
    const isNew = channel.chat.decided.seq === 0 && channel.command.decided.seq === 0;
    for (const uid of channel.implied) {
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
        ...(known?.stays === undefined ? undefined : { stays: known.stays }),
        changed: ids.next(),
      });
    }
    // Last: a look-up that failed is made again for the next message.
    channel.impliedRowsWritten = true;
  }

  #settle(part: MessagePart, failure: CommitFailure | null): void {
    if (failure !== null) {
      // The reset has dropped the channels; nobody else will answer these.
      const refused = refusedBy(failure);
      if (failure.outcome === "unknown") this.#doubtful.push(part.batch);
      for (const { request, sink, message, receipt } of part.sends) {
        this.#refuse(sink, request, message.id, refused);
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
      // Mostly the only one: dropping the map costs less than a look into it.
      if (log.inFlight?.size === 1) log.inFlight = undefined;
      else log.inFlight?.delete(receiptText(message.fromUid, message.clientMsgNo));
      for (const copy of receipt.waiting) copy(true);
    }
    this.#deps.store.feed.announce(part.batch.shard, part.batch.messages);
  }

  #answer(sink: SendSink, request: SendRequest, reason: number, id: MessageId, seq: number, repeated: boolean): void {
    this.#counters.answered(request.origin === "client", reason, repeated);
    sink.answered(request, { reason, id, seq, repeated });
  }

  /**
   * The store has been opened again, and nothing is written yet: what a failed write has left there is a message like
   * any other, and whoever is online must not have to wait for his next sync.
   */
  #announceSurvivors(): void {
    const doubtful = this.#doubtful;
    this.#doubtful = [];
    try {
      for (const { shard, messages } of doubtful)
        this.#deps.store.feed.announce(
          shard,
          messages.filter((each) => this.#isStored(each)),
        );
    } catch (error) {
      this.#deps.failed(error);
    }
  }

  #isStored({ channel, log, seq, id }: StoredMessage): boolean {
    const stored = this.#deps.store.get(messageTable, shardOfChannel(channel), { channel, log, seq });
    return stored !== undefined && compareIds(stored.id, id) === 0;
  }
}

const WIRE_FLAGS = MessageFlag.noPersist | MessageFlag.redDot | MessageFlag.syncOnce;

function keptFlags(request: SendRequest): number {
  return (request.flags & WIRE_FLAGS) | (request.addressedTo.id.endsWith(COMMAND_SUFFIX) ? NAMED_WITH_SUFFIX : 0);
}

function refusedBy(failure: CommitFailure): Refusal {
  return failure.code === "overloaded" ? OVERLOADED : STORE_FAILED;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
