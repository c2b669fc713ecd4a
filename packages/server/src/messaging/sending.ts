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
import type { OutsideLists } from "./outside-lists.ts";
import { payloadHash } from "./payload-hash.ts";
import { type Refused, refusalOf } from "./permission.ts";
import type { RefusalRule, RefusalTrail } from "./refusals.ts";
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

const PAYLOAD_TOO_LARGE = refused(Reason.systemError, "payload_too_large");
const TEXT_TOO_LONG = refused(Reason.systemError, "text_too_long");
const BAD_CHANNEL = refused(Reason.channelIdError, "bad_channel");
const NUMBER_REUSED = refused(Reason.idempotencyConflict, "number_reused");
const SEQS_USED_UP = refused(Reason.messageSeqExhausted, "seqs_used_up");
const OVERLOADED = refused(Reason.rateLimit, "overloaded");
const TOO_FAST = refused(Reason.rateLimit, "rate_limit");
const STORE_FAILED = refused(Reason.systemError, "store_failed");

export class Sender implements Sending {
  readonly #deps: SendingDeps;
  readonly #lanes = new Map<number, Lane>();
  readonly #counters = new SendingCounters();
  readonly #settled = (part: MessagePart, failure: CommitFailure | null): void => this.#settle(part, failure);
  /** Of the write that failed last: it may be on disk all the same. */
  #doubtful: Batch[] = [];

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
    for (const request of requests.slice(granted)) this.#refuse(sink, request, ids.next(), TOO_FAST, retryAfterMs);
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
    let last: Addressed | undefined;
    for (const request of requests) {
      // Who sends much at once mostly sends it to one channel.
      const known = last !== undefined && isSameAddress(last.request, request) ? last.key : undefined;
      const key = this.#unfit(request) ?? known ?? channelOf(request);
      if ("rule" in key) this.#refuse(sink, request, this.#deps.ids.next(), key);
      else addressed.push((last = { request, key }));
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
    let last: Addressed | undefined;
    for (const each of addressed) {
      const { request, key } = each;
      const known = last?.key === key ? gathered.at(-1) : undefined;
      if (known !== undefined) {
        gathered.push({ ...known, request, log: logNameOf(request) });
        continue;
      }
      const records = recordKeys(request, key);
      if (this.#bring(key, records.receiver) !== true) {
        waits = true;
        continue;
      }
      const channel = channels.load(key);
      const sender = records.sender && channels.record(records.sender);
      const receiver = records.receiver && channels.record(records.receiver);
      if (channel instanceof Promise || sender instanceof Promise || receiver instanceof Promise) waits = true;
      else {
        gathered.push({ request, log: logNameOf(request), channel, sender, receiver });
        last = each;
      }
    }
    return waits ? undefined : gathered;
  }

  /** Whether the lists kept outside are known; a promise: they are being asked for. */
  #bring(key: ChannelKey, receiver: ChannelKey | undefined): boolean | Promise<boolean> {
    const { outside } = this.#deps;
    if (outside === undefined) return true;
    const ofChannel = outside.bring(key);
    const ofReceiver = receiver === undefined ? true : outside.bring(receiver);
    if (ofChannel === true && ofReceiver === true) return true;
    return Promise.all([ofChannel, ofReceiver]).then((known) => !known.includes(false));
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
    const gathering = addressed.map(async ({ request, key }): Promise<Gathered | Addressed> => {
      const records = recordKeys(request, key);
      if (!(await this.#bring(key, records.receiver))) return { request, key };
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
    const unknown: Addressed[] = [];
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") continue;
      if ("channel" in outcome.value) gathered.push(outcome.value);
      else unknown.push(outcome.value);
    }
    for (const channel of pinned) channel.pins--;
    try {
      // After a reset the objects are no longer the loaded ones.
      if (gathered.length + unknown.length < addressed.length || epoch !== store.epoch) this.#fail(addressed, sink);
      else {
        this.#fail(unknown, sink);
        this.#decideAll(gathered, sink);
      }
    } catch (error) {
      this.#deps.failed(error);
    } finally {
      this.#continueLane(session);
    }
  }

  #fail(addressed: readonly Addressed[], sink: SendSink): void {
    for (const { request } of addressed) this.#refuse(sink, request, this.#deps.ids.next(), STORE_FAILED);
  }

  /** Why the message itself cannot be taken, wherever it goes. */
  #unfit(request: SendRequest): Refused {
    if (request.payload.length > this.#deps.options.payloadBytesMax) return PAYLOAD_TOO_LARGE;
    if (!fits(request.clientMsgNo, CLIENT_MSG_NO_BYTES_MAX) || !fits(request.fromUid, UID_BYTES_MAX))
      return TEXT_TOO_LONG;
    return fits(request.topic, TOPIC_BYTES_MAX) ? undefined : TEXT_TOO_LONG;
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
  #refuse(
    sink: SendSink,
    request: SendRequest,
    id: MessageId,
    { reason, rule }: NonNullable<Refused>,
    retryAfterMs?: number,
  ): void {
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

  #refusalOf(gathered: Gathered, isPersisted: boolean): Refused {
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

  /** Whoever belongs to a channel by its id has his row before the message; that they are there is kept with the head. */
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

/** The internal channel, or why there can be none. */
function channelOf({ addressedTo, fromUid }: SendRequest): ChannelKey | NonNullable<Refused> {
  if (!isChannelId(addressedTo.id)) return BAD_CHANNEL;
  if (fromUid.includes("@") || fromUid.endsWith(COMMAND_SUFFIX)) return BAD_CHANNEL;
  const key = internalKey(addressedTo, fromUid);
  if (key === undefined || !isChannelId(key.id)) return BAD_CHANNEL;
  // A message to somebody who cannot be would be acknowledged and found by nobody.
  const kind = kindOf(key.type);
  const implied = kind.implied(key.id);
  if (kind.members === "implied" && (implied.length === 0 || !implied.every(isUid))) return BAD_CHANNEL;
  return key;
}

/** Of two requests from one origin: they mean the same channel and need the same records. */
function isSameAddress(a: SendRequest, b: SendRequest): boolean {
  return (
    a.fromUid === b.fromUid &&
    a.origin === b.origin &&
    a.addressedTo.type === b.addressedTo.type &&
    a.addressedTo.id === b.addressedTo.id
  );
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

function refused(reason: number, rule: RefusalRule): NonNullable<Refused> {
  return { reason, rule };
}

function refusedBy(failure: CommitFailure): NonNullable<Refused> {
  return failure.code === "overloaded" ? OVERLOADED : STORE_FAILED;
}

function peerOfPerson(key: ChannelKey, uid: string): string | undefined {
  return key.type === 1 ? peerOf(key.id, uid) : undefined;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
