/** Why a user got a message, or did not: gathers what is known and lets the table of verdicts decide. */
import { SYSTEM_UID } from "@wukong-ts/protocol";
import type { FanOut } from "../delivery/fan-out.ts";
import type { PendingAcks } from "../delivery/pending-acks.ts";
import type { Session } from "../delivery/session.ts";
import { internalKey, peerOf } from "../messaging/channel-kinds.ts";
import { idTimeMs } from "../messaging/ids.ts";
import type { ChannelKey, LogName, MessageId, StoredMessage } from "../messaging/message.ts";
import type { Membership, MessageStandings, Standing } from "../messaging/message-standing.ts";
import type { Users } from "../messaging/users.ts";
import type { Clock } from "../world/world.ts";
import type { Evidence, ExplainedMessage, KnownRefusal } from "./explain-evidence.ts";
import { type Fact, factsOf } from "./explain-facts.ts";
import { type AskedPush, type SessionView, sessionViews } from "./explain-sessions.ts";
import { verdictOf } from "./explain-verdicts.ts";
import type { NotKeptMessage, NotKeptMessages } from "./not-kept-messages.ts";
import type { Trail } from "./trail.ts";
import { isSameSession, noteSession, type RefusalNote } from "./user-trail.ts";
import type { WebhookTrail } from "./webhook-trail.ts";

/** By its id, or by its number in a channel. */
export type MessageName =
  | { readonly id: MessageId }
  | { readonly channel: ChannelKey; readonly log: LogName | undefined; readonly clientMsgNo: string };

export interface ExplainQuestion {
  readonly uid: string;
  readonly message: MessageName;
  /** Empty: not known. Refused sends are found by their sender. */
  readonly fromUid: string;
}

export interface Explanation {
  readonly verdict: string;
  /** The verdict as a sentence. */
  readonly answer: string;
  readonly advice: string;
  readonly message: ExplainedMessage | undefined;
  readonly facts: readonly Fact[];
  readonly sessions: readonly SessionView[];
}

export interface ExplainerDeps {
  readonly clock: Pick<Clock, "wallMs">;
  readonly standings: MessageStandings;
  readonly trail: Trail;
  readonly notKept: NotKeptMessages;
  readonly acks: Pick<PendingAcks, "stateOf">;
  readonly fanOut: Pick<FanOut, "isBusy">;
  readonly presence: { of(uid: string): readonly Session[] };
  readonly webhook: WebhookTrail;
  /** Of a user, as they are stored. */
  readonly devices: Users["devices"];
  /** A point in time as text. */
  readonly time: (wallMs: number) => string;
  readonly options: {
    readonly isCommandSyncOff: boolean;
    readonly resendsMax: number;
    readonly pendingAcksMax: number;
  };
}

type Found = StoredMessage | NotKeptMessage;

export class Explainer {
  readonly #deps: ExplainerDeps;

  constructor(deps: ExplainerDeps) {
    this.#deps = deps;
  }

  /** Rejects with `StoreUnavailable` while nothing can be read. */
  async explain(question: ExplainQuestion): Promise<Explanation> {
    const { clock, trail, time, webhook, options, standings } = this.#deps;
    const { uid } = question;
    const found = await this.#find(question);
    const asked = found === undefined ? undefined : { seq: 0, ...found };
    const standing = asked === undefined ? undefined : await standings.of(uid, asked);
    const own = trail.of(uid);
    const push = found === undefined || standing === undefined ? undefined : pushOf(found, uid, standing);
    const evidence: Evidence = {
      ...options,
      uid,
      nowMs: clock.wallMs(),
      message: found === undefined ? undefined : explained(found),
      refusal: this.#refusal(question, found),
      standing,
      sessions: push === undefined ? [] : this.#sessions(push, uid),
      loginFailures: own.loginFailures,
      tokenFlags: own.loginFailures.length === 0 ? [] : await this.#tokenFlags(uid),
      webhook: asked === undefined || asked.seq === 0 ? "off" : webhook.stateOf(asked),
      bootMs: trail.boot,
      notesDropped: trail.dropped,
      time,
    };
    const verdict = verdictOf(evidence);
    return {
      verdict: verdict.code,
      answer: verdict.says(evidence),
      advice: verdict.advice,
      message: evidence.message,
      facts: factsOf(evidence),
      sessions: evidence.sessions,
    };
  }

  async #find({ message, fromUid }: ExplainQuestion): Promise<Found | undefined> {
    const { standings, notKept } = this.#deps;
    if ("id" in message) return (await standings.byId(message.id)) ?? notKept.byId(message.id);
    const { channel, log, clientMsgNo } = message;
    const senders = fromUid !== "" ? [fromUid] : partiesOf(channel);
    const stored = await standings.byNumber(channel, log, clientMsgNo, senders);
    return stored ?? notKept.byNumber(channel, clientMsgNo, fromUid);
  }

  async #tokenFlags(uid: string): Promise<readonly number[]> {
    const devices = await this.#deps.devices(uid);
    return devices.filter(({ token }) => token !== "").map(({ flag }) => flag);
  }

  #sessions(push: AskedPush, uid: string): readonly SessionView[] {
    const { trail, acks, fanOut, presence } = this.#deps;
    const own = trail.of(uid);
    // Open ones need no note to be known.
    for (const { id } of presence.of(uid)) {
      const note = trail.noteOf(id);
      if (note === undefined) continue;
      if (own.sessions.some((each) => isSameSession(each, note))) noteSession(own, note);
      else own.sessions.push(note);
    }
    // One that is not open any more, and whose end found no room.
    for (const note of own.sessions)
      if (note.boot === trail.boot && note.left.high === 0 && trail.noteOf(note.id) === undefined) note.untold++;
    return sessionViews(push, {
      trail: own,
      server: trail.ofServer(),
      boot: trail.boot,
      stateOf: (sessionId, at) => acks.stateOf(sessionId, at),
      isBusy: (channel, log) => fanOut.isBusy(channel, log),
    });
  }

  /** Of whoever may have sent it: the sender if he is known, else the asker and the other one of a person chat. */
  #refusal({ uid, message, fromUid }: ExplainQuestion, found: Found | undefined): KnownRefusal | undefined {
    const parties = "channel" in message ? partiesOf(message.channel) : [];
    const senders = found !== undefined ? [found.fromUid] : fromUid !== "" ? [fromUid] : [uid, ...parties];
    let perhaps: KnownRefusal | undefined;
    for (const sender of new Set(senders)) {
      for (const note of this.#deps.trail.of(sender).refusals) {
        if ("channel" in message && !isSame(internalKey(note.channel, sender), message.channel)) continue;
        const known = note.cases.findLast((each) =>
          "id" in message
            ? each.id.high === message.id.high && each.id.low === message.id.low
            : each.clientMsgNo === message.clientMsgNo,
        );
        if (known !== undefined) return { note, fromUid: sender, atMs: known.atMs };
        if (found === undefined && "channel" in message && isCounted(note))
          perhaps ??= { note, fromUid: sender, atMs: 0 };
      }
    }
    return perhaps;
  }
}

/** There were more than are kept one by one. */
function isCounted(note: RefusalNote): boolean {
  return note.count > note.cases.length;
}

function isSame(a: ChannelKey | undefined, b: ChannelKey): boolean {
  return a === undefined || (a.type === b.type && a.id === b.id);
}

/** Who can have sent to a chat of two. */
function partiesOf(channel: ChannelKey): readonly string[] {
  if (channel.type !== 1) return [];
  const [one = ""] = channel.id.split("@");
  const other = peerOf(channel.id, one);
  return other === undefined ? [] : [one, other, SYSTEM_UID];
}

const NOT_HIS: ReadonlySet<Membership> = new Set<Membership>(["none", "joined_later", "left_before"]);

function pushOf(found: Found, uid: string, { membership }: Standing): AskedPush {
  const { channel, log, id, fromUid, session } = found;
  const seq = "seq" in found ? found.seq : 0;
  return { channel, log, seq, id, isHis: !NOT_HIS.has(membership), isOwn: fromUid === uid, ownSession: session };
}

function explained(found: Found): ExplainedMessage {
  const { id, channel, log, fromUid, clientMsgNo, timeSeconds } = found;
  const isKept = "seq" in found;
  return {
    id,
    seq: isKept ? found.seq : 0,
    atMs: idTimeMs(id),
    channel,
    log,
    fromUid,
    clientMsgNo,
    expiresAtMs: isKept && found.expireSeconds > 0 ? (timeSeconds + found.expireSeconds) * 1000 : 0,
  };
}
