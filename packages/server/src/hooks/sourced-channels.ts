/**
 * Channels whose lists the back end keeps. Before a message is decided, the stored members, lists and flags of its
 * channel are made what the datasource says, on the same road as by the API: so members have their chat list rows before
 * the message, and everything else reads the store as ever.
 *
 * An answer counts for `freshMs`; then the next send waits for a new one. While none can be had the last one counts for
 * up to `staleMs`, also across a restart; beyond that nothing is decided. A change by the API counts at once, and the
 * datasource is asked again at the next send; an answer that such a change has overtaken is not used.
 */

import type { Channel } from "../messaging/channel.ts";
import type { ChannelCache } from "../messaging/channel-cache.ts";
import { kindOf } from "../messaging/channel-kinds.ts";
import type { ChannelFlags, ChannelListName, Channels, ListedUid } from "../messaging/channels.ts";
import { type Evictable, LoadedCache } from "../messaging/loaded-cache.ts";
import { type ChannelKey, channelText } from "../messaging/message.ts";
import type { OutsideLists } from "../messaging/outside-lists.ts";
import { createBatch, put } from "../store/batch.ts";
import { isPersonRecord, shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { sourcedTable } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { Datasource, ListQuestion } from "./datasource.ts";

export interface SourcedChannelsDeps {
  readonly clock: Clock;
  readonly store: Store;
  readonly channels: ChannelCache;
  readonly admin: Channels;
  readonly datasource: Pick<Datasource, "list" | "info">;
  readonly options: SourcedChannelsOptions;
}

export interface SourcedChannelsOptions {
  readonly asksInfo: boolean;
  readonly asksMembers: boolean;
  readonly asksDenyList: boolean;
  readonly asksAllowList: boolean;
  /** `whitelistOffOfPerson`: then the allow lists of persons decide nothing and are not asked for. */
  readonly personAllowListOff: boolean;
  /** Only channels of these types are asked for; empty: of all. */
  readonly channelTypes: ReadonlySet<number>;
  readonly freshMs: number;
  readonly staleMs: number;
  readonly cacheMax: number;
  readonly cacheBytesMax: number;
}

/** What is known of one channel's answers; the answers themselves are in the store. */
interface Known extends Evictable {
  readonly key: ChannelKey;
  /** Of the monotonic clock: until then nothing is asked. */
  restsUntilMs: number;
  /** While it rests: whether the stored lists may be used. */
  isUsable: boolean;
  asking: Promise<boolean> | undefined;
  /** Answers being stored: a change by the API waits for that, and what is asked while one is made is not stored. */
  storing: Promise<void> | undefined;
  /** Changes by the API so far, each counted when it begins and when it ends; and those under way. */
  changes: number;
  changing: number;
}

type Question = "info" | ListQuestion;

interface Answer {
  store(): Promise<void>;
}

const LISTS: Readonly<Record<ListQuestion, ChannelListName>> = {
  getSubscribers: "members",
  getBlacklist: "deny",
  getWhitelist: "allow",
};
/** After a failure a channel is not asked for again for so long: an outage must not make every send wait. */
const REST_AFTER_FAILURE_MS = 1_000;
/** An answer that the API has overtaken is asked for again, so many times. */
const TRIES_MAX = 3;
const KNOWN_BYTES = 300;

export class SourcedChannels implements OutsideLists, Channels {
  readonly #deps: SourcedChannelsDeps;
  readonly #known: LoadedCache<Known>;
  readonly #asksAnything: boolean;

  constructor(deps: SourcedChannelsDeps) {
    this.#deps = deps;
    const { asksInfo, asksMembers, asksDenyList, asksAllowList } = deps.options;
    this.#asksAnything = asksInfo || asksMembers || asksDenyList || asksAllowList;
    this.#known = new LoadedCache({ countMax: deps.options.cacheMax, bytesMax: deps.options.cacheBytesMax });
  }

  bring(key: ChannelKey): boolean | Promise<boolean> {
    const questions = this.#questionsOf(key);
    if (questions.length === 0) return true;
    const known = this.#knownOf(key);
    if (known.asking !== undefined) return known.asking;
    if (this.#deps.clock.monotonicMs() < known.restsUntilMs) return known.isUsable;
    known.pins++;
    known.asking = this.#ask(known, questions).finally(() => {
      known.asking = undefined;
      known.pins--;
      this.#known.trim();
    });
    return known.asking;
  }

  // ---- Channels: a change by the API

  setFlags(key: ChannelKey, flags: ChannelFlags): Promise<void> {
    return this.#change(key, (admin) => admin.setFlags(key, flags));
  }
  flags(key: ChannelKey): ChannelFlags | undefined {
    return this.#deps.admin.flags(key);
  }
  disband(key: ChannelKey): Promise<void> {
    return this.#change(key, (admin) => admin.disband(key));
  }
  addMembers(key: ChannelKey, uids: readonly string[], options: { readonly reset: boolean }): Promise<void> {
    return this.#change(key, (admin) => admin.addMembers(key, uids, options));
  }
  setReceivers(key: ChannelKey, uids: readonly string[]): Promise<void> {
    return this.#change(key, (admin) => admin.setReceivers(key, uids));
  }
  removeMembers(key: ChannelKey, uids: readonly string[]): Promise<void> {
    return this.#change(key, (admin) => admin.removeMembers(key, uids));
  }
  removeAllMembers(key: ChannelKey): Promise<void> {
    return this.#change(key, (admin) => admin.removeAllMembers(key));
  }
  addToList(key: ChannelKey, list: "deny" | "allow", uids: readonly string[]): Promise<void> {
    return this.#change(key, (admin) => admin.addToList(key, list, uids));
  }
  removeFromList(key: ChannelKey, list: "deny" | "allow", uids: readonly string[]): Promise<void> {
    return this.#change(key, (admin) => admin.removeFromList(key, list, uids));
  }
  setList(key: ChannelKey, list: "deny" | "allow", uids: readonly string[]): Promise<void> {
    return this.#change(key, (admin) => admin.setList(key, list, uids));
  }
  list(key: ChannelKey, list: ChannelListName): Promise<readonly ListedUid[]> {
    return this.#deps.admin.list(key, list);
  }

  // ---- inside

  async #change(key: ChannelKey, make: (admin: Channels) => Promise<void>): Promise<void> {
    if (this.#questionsOf(key).length === 0) return make(this.#deps.admin);
    const known = this.#knownOf(key);
    known.pins++;
    known.changes++;
    known.changing++;
    try {
      await known.storing?.catch(() => undefined);
      await make(this.#deps.admin);
    } finally {
      known.changes++;
      known.changing--;
      known.restsUntilMs = Number.NEGATIVE_INFINITY;
      known.pins--;
      this.#known.trim();
    }
  }

  #questionsOf(key: ChannelKey): readonly Question[] {
    if (!this.#asksAnything) return NONE;
    const { asksInfo, asksMembers, asksDenyList, asksAllowList, personAllowListOff, channelTypes } = this.#deps.options;
    if (channelTypes.size > 0 && !channelTypes.has(key.type)) return NONE;
    const kind = kindOf(key.type);
    const questions: Question[] = [];
    if (isPersonRecord(key)) {
      if (asksDenyList) questions.push("getBlacklist");
      if (asksAllowList && !personAllowListOff) questions.push("getWhitelist");
      return questions;
    }
    // Of a temporary channel the members are whoever the last send named.
    if (kind.members === "implied" || kind.name === "temp") return NONE;
    if (asksInfo && kind.checksBan) questions.push("info");
    if (asksDenyList && kind.maySend !== "anyone") questions.push("getBlacklist");
    if (asksAllowList && kind.maySend !== "anyone") questions.push("getWhitelist");
    if (asksMembers) questions.push("getSubscribers");
    return questions;
  }

  #knownOf(key: ChannelKey): Known {
    const text = channelText(key);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made: Known = {
      key,
      restsUntilMs: this.#deps.clock.monotonicMs() + this.#deps.options.freshMs - this.#ageMs(key),
      isUsable: true,
      asking: undefined,
      storing: undefined,
      changes: 0,
      changing: 0,
      pins: 0,
      bytes: KNOWN_BYTES + text.length * 4,
    };
    this.#known.set(text, made);
    return made;
  }

  /** Of the last answer that was stored; without one, or when the clock was set back since, without end. */
  #ageMs(key: ChannelKey): number {
    try {
      const answeredMs = this.#deps.store.get(sourcedTable, shardOfChannel(key), key);
      const ageMs = answeredMs === undefined ? -1 : this.#deps.clock.wallMs() - answeredMs;
      return ageMs < 0 ? Number.POSITIVE_INFINITY : ageMs;
    } catch {
      return Number.POSITIVE_INFINITY;
    }
  }

  /** Whether the stored lists may be used now. Never rejects. */
  async #ask(known: Known, questions: readonly Question[]): Promise<boolean> {
    const { clock, options } = this.#deps;
    try {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const { changes } = known;
        const askedMs = clock.wallMs();
        const answers = await Promise.all(questions.map((question) => this.#answerTo(question, known.key)));
        // Before or after that change? Nobody knows.
        if (known.changes !== changes || known.changing > 0) continue;
        known.storing = storeAll(answers);
        await known.storing;
        this.#noteAnswer(known.key, askedMs);
        if (known.changes === changes) known.restsUntilMs = clock.monotonicMs() + options.freshMs;
        known.isUsable = true;
        return true;
      }
      // The API keeps changing it: what is stored is what it says.
      return true;
    } catch {
      // The datasource has reported it, or the store has.
      known.isUsable = this.#ageMs(known.key) <= options.staleMs;
      known.restsUntilMs = clock.monotonicMs() + REST_AFTER_FAILURE_MS;
      return known.isUsable;
    } finally {
      known.storing = undefined;
    }
  }

  async #answerTo(question: Question, key: ChannelKey): Promise<Answer> {
    const { datasource } = this.#deps;
    if (question === "info") {
      const flags = await datasource.info(key);
      return { store: () => this.#storeFlags(key, flags) };
    }
    const uids = await datasource.list(question, key);
    return { store: () => this.#storeList(key, LISTS[question], uids) };
  }

  async #storeFlags(key: ChannelKey, named: Partial<ChannelFlags>): Promise<void> {
    const stored = this.#deps.admin.flags(key) ?? NO_FLAGS;
    const flags = { ...flagsIn(stored), ...named };
    const isChanged = Object.entries(flags).some(([name, value]) => value !== stored[name as keyof ChannelFlags]);
    if (isChanged) await this.#deps.admin.setFlags(key, flags);
  }

  /** Only what differs is written. */
  async #storeList(key: ChannelKey, list: ChannelListName, uids: readonly string[]): Promise<void> {
    const { admin, channels } = this.#deps;
    const channel: Channel = await channels.loadPinned(key);
    const wanted = new Set(uids);
    const added = uids.filter((uid) => !channel[list].hasDecided(uid));
    const removed = [...channel[list].decided()].filter((uid) => !wanted.has(uid));
    channel.pins--;
    if (list === "members") {
      if (removed.length > 0) await admin.removeMembers(key, removed);
      if (added.length > 0) await admin.addMembers(key, added, { reset: false });
    } else {
      if (removed.length > 0) await admin.removeFromList(key, list, removed);
      if (added.length > 0) await admin.addToList(key, list, added);
    }
  }

  /** Nobody waits for it: without it the datasource is asked again after a restart. */
  #noteAnswer(key: ChannelKey, askedMs: number): void {
    const { store } = this.#deps;
    if (store.refusal() !== null) return;
    const batch = createBatch(shardOfChannel(key));
    put(batch, sourcedTable, key, askedMs);
    store.commit(batch, () => undefined);
  }
}

const NONE: readonly Question[] = [];
const NO_FLAGS: ChannelFlags = { ban: false, disband: false, sendBan: false, large: false, allowStranger: false };

async function storeAll(answers: readonly Answer[]): Promise<void> {
  for (const answer of answers) await answer.store();
}

function flagsIn({ ban, disband, sendBan, large, allowStranger }: ChannelFlags): ChannelFlags {
  return { ban, disband, sendBan, large, allowStranger };
}
