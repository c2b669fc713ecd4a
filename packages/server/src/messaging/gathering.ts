/**
 * The first of the three steps of a send: the channel that is meant and what its decision needs, loaded. At once where
 * possible; else what the same session sends meanwhile stands behind it in its lane, so that nothing overtakes.
 */
import { COMMAND_SUFFIX, Reason } from "@wukong-ts/protocol";
import type { Store } from "../store/store.ts";
import type { Channel } from "./channel.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { internalKey, kindOf, peerOf } from "./channel-kinds.ts";
import { type ChannelKey, type LogName, MessageFlag } from "./message.ts";
import type { OutsideLists } from "./outside-lists.ts";
import { type Refusal, refusal, STORE_FAILED } from "./refusals.ts";
import type { SendRequest, SendSink } from "./send.ts";
import { CLIENT_MSG_NO_BYTES_MAX, fits, isChannelId, isUid, TOPIC_BYTES_MAX, UID_BYTES_MAX } from "./valid-ids.ts";

export interface GatheringDeps {
  readonly store: Pick<Store, "epoch">;
  readonly channels: ChannelCache;
  /** Only where the back end keeps lists. */
  readonly outside: OutsideLists | undefined;
  readonly payloadBytesMax: number;
  /** In the order of the requests, those of one session in the order they were sent. */
  gathered(all: readonly Gathered[], sink: SendSink): void;
  refused(sink: SendSink, request: SendRequest, refusal: Refusal): void;
  /** For the log: what `gathered` has thrown later. */
  readonly failed: (error: unknown) => void;
}

interface Addressed {
  readonly request: SendRequest;
  readonly key: ChannelKey;
}

/** Valid until the end of the synchronous step in which it is handed over. */
export interface Gathered {
  readonly request: SendRequest;
  readonly log: LogName;
  readonly channel: Channel;
  /** The sender's and the receiver's own person records. */
  readonly sender: Channel | undefined;
  readonly receiver: Channel | undefined;
}

/** A session whose gather waits: what it sends meanwhile stands behind. */
type Lane = { readonly requests: readonly SendRequest[]; readonly sink: SendSink }[];

const PAYLOAD_TOO_LARGE = refusal(Reason.systemError, "payload_too_large");
const TEXT_TOO_LONG = refusal(Reason.systemError, "text_too_long");
const BAD_CHANNEL = refusal(Reason.channelIdError, "bad_channel");

export class Gathering {
  readonly #deps: GatheringDeps;
  readonly #lanes = new Map<number, Lane>();

  constructor(deps: GatheringDeps) {
    this.#deps = deps;
  }

  /** All of one session, or of none. */
  take(requests: readonly SendRequest[], sink: SendSink): void {
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
      if ("rule" in key) this.#deps.refused(sink, request, key);
      else {
        last = { request, key };
        addressed.push(last);
      }
    }
    let gathered: readonly Gathered[] | undefined;
    try {
      gathered = this.#gather(addressed);
    } catch {
      this.#fail(addressed, sink);
      return;
    }
    if (gathered !== undefined) {
      this.#deps.gathered(gathered, sink);
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
        this.#deps.gathered(gathered, sink);
      }
    } catch (error) {
      this.#deps.failed(error);
    } finally {
      this.#continueLane(session);
    }
  }

  #fail(addressed: readonly Addressed[], sink: SendSink): void {
    for (const { request } of addressed) this.#deps.refused(sink, request, STORE_FAILED);
  }

  /** Why the message itself cannot be taken, wherever it goes. */
  #unfit(request: SendRequest): Refusal | undefined {
    if (request.payload.length > this.#deps.payloadBytesMax) return PAYLOAD_TOO_LARGE;
    if (!fits(request.clientMsgNo, CLIENT_MSG_NO_BYTES_MAX) || !fits(request.fromUid, UID_BYTES_MAX))
      return TEXT_TOO_LONG;
    return fits(request.topic, TOPIC_BYTES_MAX) ? undefined : TEXT_TOO_LONG;
  }

  #continueLane(session: number): void {
    const lane = this.#lanes.get(session);
    this.#lanes.delete(session);
    // A batch that waits again opens a new lane; the rest stands behind it.
    for (const { requests, sink } of lane ?? []) this.take(requests, sink);
  }
}

/** The internal channel, or why there can be none. */
function channelOf({ addressedTo, fromUid }: SendRequest): ChannelKey | Refusal {
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

function peerOfPerson(key: ChannelKey, uid: string): string | undefined {
  return key.type === 1 ? peerOf(key.id, uid) : undefined;
}
