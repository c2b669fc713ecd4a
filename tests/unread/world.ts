/** A few users who do random things on a real server, and the model's opinion of what each must see. */
import assert from "node:assert/strict";
import { type Chat, GROUP, PERSON, type SyncOptions } from "../harness/back-end.ts";
import type { Random } from "../harness/random.ts";
import type { ServerProcess } from "../harness/server-process.ts";
import { RED_DOT, type WireClient } from "../harness/wire-client.ts";
import { type Event, type View, viewOf } from "./model.ts";

interface Channel {
  readonly type: number;
  /** Of a group; empty for a pair. */
  readonly id: string;
  readonly implied: readonly string[];
  readonly events: Event[];
  /** When its last message was sent, counted over all channels. */
  lastMessageAt: number;
}

/** What the screen of a device knows, kept up to date by incremental syncs only. */
interface Screen {
  version: number | bigint;
  readonly chats: Map<string, { readonly unread: number; readonly readedTo: number; readonly lastSeq: number }>;
}

const USERS = 5;
const GROUPS = 3;
const ALL = 1_000;

export class UnreadWorld {
  readonly #server: ServerProcess;
  readonly #random: Random;
  /** Named after the seed, so that a repeated run has the same ids. */
  readonly #users: readonly string[];
  readonly #channels: Channel[] = [];
  readonly #screens = new Map<string, Screen>();
  /** Two devices of each user. */
  readonly #devices = new Map<string, readonly [WireClient, WireClient]>();
  #messageCount = 0;
  /** The last things that were done, for the report of a failure. */
  readonly #log: string[] = [];

  constructor(server: ServerProcess, random: Random) {
    this.#server = server;
    this.#random = random;
    this.#users = Array.from({ length: USERS }, (_, index) => `u${random.seed}n${index}`);
    for (let a = 0; a < USERS; a++)
      for (let b = a; b < USERS; b++)
        this.#addChannel(PERSON, "", a === b ? [this.#user(a)] : [this.#user(a), this.#user(b)]);
    for (let group = 0; group < GROUPS; group++) this.#addChannel(GROUP, `g${random.seed}n${group}`, []);
    for (const uid of this.#users) this.#screens.set(uid, { version: 0, chats: new Map() });
  }

  /** Again after every restart. */
  async connect(): Promise<void> {
    for (const uid of this.#users) {
      const two = [this.#server.connect(uid), this.#server.connect(uid)] as const;
      this.#devices.set(uid, await Promise.all(two));
    }
  }

  disconnect(): void {
    for (const devices of this.#devices.values()) for (const device of devices) device.close();
    this.#devices.clear();
  }

  /** One random thing, and what one of those concerned sees afterwards. */
  async step(): Promise<void> {
    try {
      const channel = this.#random.pick(this.#channels);
      const uid = this.#random.pick(channel.type === GROUP ? this.#users : channel.implied);
      await this.#act(channel, uid);
      await this.#compare(this.#random.pick([uid, this.#random.pick(this.#users)]));
    } catch (error) {
      throw this.#told(error);
    }
  }

  /** Everything that everyone sees. */
  async compareAll(): Promise<void> {
    try {
      for (const uid of this.#users) {
        await this.#compareList(uid);
        await this.#compareUnreadOnly(uid);
        await this.#compareByChannels(uid);
        await this.#compareScreen(uid);
      }
    } catch (error) {
      throw this.#told(error);
    }
  }

  async #act(channel: Channel, uid: string): Promise<void> {
    const dice = this.#random.integer(100);
    if (dice < 48) return this.#send(channel, uid);
    if (dice < 53) return this.#sendWithoutTrace(channel, uid);
    if (dice < 63) return this.#mark(channel, { kind: "clear", uid });
    if (dice < 76) return this.#mark(channel, { kind: "set", uid, unread: this.#someUnread(channel) });
    if (dice < 84 || channel.type === PERSON) return this.#mark(channel, { kind: "delete", uid });
    if (dice < 92) return this.#addMember(channel, uid);
    if (dice < 96) return this.#removeMember(channel, uid);
    if (dice < 98) return this.#resetMembers(channel);
    return this.#denyAndAllow(channel, uid);
  }

  /** One to three messages, from one of two devices, or by the back end. */
  async #send(channel: Channel, uid: string): Promise<void> {
    const redDot = this.#random.chance(0.75);
    const count = 1 + this.#random.integer(3);
    const to = this.#addressOf(channel, uid);
    const devices = this.#devices.get(uid);
    const isClient = devices !== undefined && this.#random.chance(0.7) && this.#isMember(channel, uid);
    this.#note(`${count} × message of ${uid} to ${to}, red dot ${redDot}, ${isClient ? "client" : "HTTP"}`);
    if (isClient) {
      const messages = Array.from({ length: count }, () => ({
        to,
        type: channel.type,
        payload: "x",
        flags: redDot ? RED_DOT : 0,
      }));
      const answers = await this.#random.pick(devices).burst(messages);
      for (const answer of answers) assert.equal(answer.outcome === "answered" && answer.reason, 1, "SENDACK");
    } else {
      for (let index = 0; index < count; index++) {
        const header = { red_dot: redDot ? 1 : 0 };
        const { reason } = await this.#server.backEnd.send({ from: uid, to, type: channel.type, text: "x", header });
        assert.equal(reason, 1, "the reason of /message/send");
      }
    }
    for (let index = 0; index < count; index++) channel.events.push({ kind: "message", from: uid, redDot });
    this.#messageCount += count;
    channel.lastMessageAt = this.#messageCount;
  }

  /** Not kept, or a command: no chat shows it. */
  async #sendWithoutTrace(channel: Channel, uid: string): Promise<void> {
    const header = this.#random.chance(0.5) ? { no_persist: 1 } : { sync_once: 1 };
    const to = this.#addressOf(channel, uid);
    this.#note(`${JSON.stringify(header)} of ${uid} to ${to}`);
    await this.#server.backEnd.send({ from: uid, to, type: channel.type, text: "y", header });
  }

  async #mark(channel: Channel, event: Extract<Event, { readonly kind: "clear" | "set" | "delete" }>): Promise<void> {
    const { backEnd } = this.#server;
    const id = this.#addressOf(channel, event.uid);
    this.#note(`${JSON.stringify(event)} on ${id}`);
    if (event.kind === "clear") await backEnd.clearUnread(event.uid, id, channel.type);
    else if (event.kind === "set") await backEnd.setUnread(event.uid, id, event.unread, channel.type);
    else await backEnd.deleteChat(event.uid, id, channel.type);
    channel.events.push(event);
  }

  /** Also who is a member already; sometimes through /channel. */
  async #addMember(channel: Channel, uid: string): Promise<void> {
    const { backEnd } = this.#server;
    const others = this.#random.chance(0.3) ? [this.#random.pick(this.#users)] : [];
    const added = [...new Set([uid, ...others])];
    this.#note(`add ${added.join()} to ${channel.id}`);
    if (this.#random.chance(0.3)) await backEnd.createGroup(channel.id, added);
    else await backEnd.addMembers(channel.id, added);
    for (const each of added) channel.events.push({ kind: "add", uid: each });
  }

  async #removeMember(channel: Channel, uid: string): Promise<void> {
    const isAll = this.#random.chance(0.2);
    this.#note(`remove ${isAll ? "all" : uid} from ${channel.id}`);
    if (isAll) await this.#server.backEnd.removeAllMembers(channel.id);
    else await this.#server.backEnd.removeMembers(channel.id, [uid]);
    for (const each of isAll ? this.#users : [uid]) channel.events.push({ kind: "remove", uid: each });
  }

  /** `reset` is a difference: who stays keeps what he has. */
  async #resetMembers(channel: Channel): Promise<void> {
    const kept = this.#users.filter(() => this.#random.chance(0.6));
    if (kept.length === 0) return;
    this.#note(`reset ${channel.id} to ${kept.join()}`);
    await this.#server.backEnd.addMembers(channel.id, kept, 1);
    for (const uid of this.#users) channel.events.push({ kind: kept.includes(uid) ? "add" : "remove", uid });
  }

  /** Deny lists never touch a chat. */
  async #denyAndAllow(channel: Channel, uid: string): Promise<void> {
    this.#note(`deny ${uid} in ${channel.id} and allow him again`);
    await this.#server.backEnd.editList("blacklist", "add", channel.id, channel.type, [uid]);
    await this.#compareList(uid);
    await this.#server.backEnd.clearList("blacklist", channel.id, channel.type);
  }

  #compare(uid: string): Promise<void> {
    switch (this.#random.integer(6)) {
      case 0:
        return this.#compareUnreadOnly(uid);
      case 1:
        return this.#compareByChannels(uid);
      case 2:
        return this.#compareScreen(uid);
      default:
        return this.#compareList(uid);
    }
  }

  async #compareList(uid: string): Promise<void> {
    const expected = this.#listOf(uid).map(({ channel, view }) => ({
      ...this.#shown(channel, uid, view),
      recents: view.recents,
    }));
    assert.deepEqual(shownChats(await this.#sync(uid)), expected, `the list of ${uid}`);
  }

  async #compareUnreadOnly(uid: string): Promise<void> {
    const expected = this.#listOf(uid)
      .filter(({ view }) => view.unread > 0)
      .map(({ channel, view }) => {
        const unread = view.recents.filter((seq) => seq > view.readedTo);
        const recents = unread.length > 0 ? unread : view.recents.slice(0, 1);
        return { ...this.#shown(channel, uid, view), recents };
      });
    assert.deepEqual(
      shownChats(await this.#sync(uid, { only_unread: 1 })),
      expected,
      `the list of ${uid} with only_unread`,
    );
  }

  /** Groups that are not in his list are left out: what a stranger is told about them is not part of unread. */
  async #compareByChannels(uid: string): Promise<void> {
    const asked = this.#channels
      .filter((channel) => channel.type === GROUP || channel.implied.includes(uid))
      .map((channel) => ({ channel, view: viewOf(channel, uid) }))
      .filter(({ channel, view }) => channel.type === PERSON || view.listed);
    if (asked.length === 0) return;
    const channels = asked.map(({ channel }) => ({
      channel_id: this.#addressOf(channel, uid),
      channel_type: channel.type,
    }));
    const chats = await this.#server.http.ask<Chat[]>("/conversation/syncByChannels", {
      uid,
      channels,
      msg_count: ALL,
    });
    const expected = asked.map(({ channel, view }) => ({
      ...this.#shown(channel, uid, view),
      recents: view.recents,
    }));
    assert.deepEqual(shownChats(chats), expected, `the single chats of ${uid}`);
  }

  /** A device that only ever asks for what is new knows the same numbers. */
  async #compareScreen(uid: string): Promise<void> {
    const screen = this.#screens.get(uid);
    assert.ok(screen !== undefined);
    const known = [...screen.chats].map(([key, { lastSeq }]) => `${key}:${lastSeq}`);
    for (const chat of await this.#sync(uid, { version: screen.version, last_msg_seqs: known.join("|") })) {
      if (chat.version > screen.version) screen.version = chat.version;
      screen.chats.set(`${chat.channel_id}:${chat.channel_type}`, {
        unread: chat.unread,
        readedTo: chat.readed_to_msg_seq,
        lastSeq: chat.last_msg_seq,
      });
    }
    for (const { channel, view } of this.#listOf(uid)) {
      const key = `${this.#addressOf(channel, uid)}:${channel.type}`;
      const { unread, readedTo, lastSeq } = view;
      assert.deepEqual(screen.chats.get(key), { unread, readedTo, lastSeq }, `the screen of ${uid} for ${key}`);
    }
  }

  #sync(uid: string, options: SyncOptions = {}): Promise<Chat[]> {
    return this.#server.backEnd.sync(uid, { msg_count: ALL, ...options });
  }

  /** What is in his list, newest first. */
  #listOf(uid: string): { readonly channel: Channel; readonly view: View }[] {
    return this.#channels
      .filter((channel) => channel.type === GROUP || channel.implied.includes(uid))
      .map((channel) => ({ channel, view: viewOf(channel, uid) }))
      .filter(({ view }) => view.listed)
      .sort((a, b) => b.channel.lastMessageAt - a.channel.lastMessageAt);
  }

  #shown(channel: Channel, uid: string, view: View): Omit<ShownChat, "recents"> {
    const { unread, readedTo, lastSeq } = view;
    return { id: this.#addressOf(channel, uid), type: channel.type, unread, readedTo, lastSeq };
  }

  #someUnread(channel: Channel): number {
    const head = channel.events.filter((event) => event.kind === "message").length;
    return this.#random.pick([0, 1, 2, 3, head, head + 1, 1_000]);
  }

  #isMember(channel: Channel, uid: string): boolean {
    if (channel.type === PERSON) return true;
    const last = channel.events.findLast(
      (event) => (event.kind === "add" || event.kind === "remove") && event.uid === uid,
    );
    return last?.kind === "add";
  }

  /** How `uid` names the channel. */
  #addressOf(channel: Channel, uid: string): string {
    return channel.type === GROUP ? channel.id : (channel.implied.find((half) => half !== uid) ?? uid);
  }

  #user(index: number): string {
    return this.#users[index] ?? "";
  }

  #addChannel(type: number, id: string, implied: readonly string[]): void {
    this.#channels.push({ type, id, implied, events: [], lastMessageAt: 0 });
  }

  #note(text: string): void {
    this.#log.push(text);
    if (this.#log.length > 40) this.#log.shift();
  }

  #told(error: unknown): Error {
    const text = error instanceof Error ? error.message : String(error);
    return new Error(`seed ${this.#random.seed}: ${text}\nthe last steps of this world:\n  ${this.#log.join("\n  ")}`, {
      cause: error,
    });
  }
}

interface ShownChat {
  readonly id: string;
  readonly type: number;
  readonly unread: number;
  readonly readedTo: number;
  readonly lastSeq: number;
  readonly recents: readonly number[];
}

function shownChats(chats: readonly Chat[]): ShownChat[] {
  return chats.map((chat) => ({
    id: chat.channel_id,
    type: chat.channel_type,
    unread: chat.unread,
    readedTo: chat.readed_to_msg_seq,
    lastSeq: chat.last_msg_seq,
    recents: chat.recents.map((message) => message.message_seq),
  }));
}
