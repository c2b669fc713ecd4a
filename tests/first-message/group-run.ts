/** One cell of the group matrix against a real server: a group of its own with a reader, a speaker and a founder. */
import assert from "node:assert/strict";
import { GROUP, type Message, texts } from "../harness/back-end.ts";
import type { ServerProcess } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";
import type { WireClient } from "../harness/wire-client.ts";
import {
  earlierCount,
  type GroupCell,
  groupMessageCount,
  groupVerdictOf,
  isClientSpeaker,
  isMemberMeanwhile,
  isMemberSpeaker,
  nameOfGroupCell,
  readerViewOf,
} from "./group-matrix.ts";

const ACCEPTED = 1;

export class GroupRun {
  readonly cell: GroupCell;
  readonly #server: ServerProcess;
  readonly #group = uniqueId("g");
  readonly #founder = uniqueId("f");
  readonly #speaker = uniqueId("s");
  readonly #reader = uniqueId("r");
  readonly #wanted: string[];
  /** What a reader who was online got; undefined when he was not, or when the server was killed meanwhile. */
  #pushed: readonly string[] | undefined;
  #speakerClient: WireClient | undefined;
  #readerClient: WireClient | undefined;

  constructor(cell: GroupCell, server: ServerProcess) {
    this.cell = cell;
    this.#server = server;
    this.#wanted = Array.from({ length: groupMessageCount(cell) }, (_, index) => `wanted ${index}`);
  }

  get isAccepted(): boolean {
    return groupVerdictOf(this.cell) === ACCEPTED;
  }

  prepare(): Promise<void> {
    return this.#named(async () => {
      await this.#makeGroup();
      await this.#makeEarlierMessages();
      await this.#makeSpeaker();
      const { backEnd } = this.#server;
      if (this.cell.reader === "offline") {
        // His list is in memory from now on, and what follows must change it there too.
        const chats = await backEnd.sync(this.#reader);
        assert.ok(chats.length <= 1, "only this group");
      } else this.#readerClient = await this.#server.connect(this.#reader);
    });
  }

  act(): Promise<void> {
    return this.#named(async () => {
      const { backEnd } = this.#server;
      const { membership } = this.cell;
      const sending = this.#sendAll();
      if (membership === "added during") await backEnd.addMembers(this.#group, [this.#reader]);
      const reasons = await sending;
      const verdict = groupVerdictOf(this.cell);
      assert.deepEqual(
        reasons,
        this.#wanted.map(() => verdict),
        "the reasons",
      );
      if (membership === "added after") await backEnd.addMembers(this.#group, [this.#reader]);
      if (membership === "removed after") await backEnd.removeMembers(this.#group, [this.#reader]);
    });
  }

  /** Who was online has been pushed what was accepted while he was a member. */
  leave(): Promise<void> {
    return this.#named(async () => {
      const client = this.#readerClient;
      if (client !== undefined) {
        if (this.isAccepted && isMemberMeanwhile(this.cell))
          await client.until(() => client.received.length >= this.#wanted.length, 10_000);
        assert.ok(await client.ping(), "the reader is still connected");
        this.#pushed = texts(client.take());
        this.#checkPushed(this.#pushed);
      }
      this.close();
    });
  }

  close(): void {
    this.#speakerClient?.close();
    this.#readerClient?.close();
  }

  check(): Promise<void> {
    return this.#named(async () => {
      const { backEnd } = this.#server;
      const history = await backEnd.history(this.#reader, this.#group, GROUP);
      const headSeq = earlierCount(this.cell) + (this.isAccepted ? this.#wanted.length : 0);
      assert.deepEqual(
        history.map((message) => message.message_seq),
        Array.from({ length: headSeq }, (_, index) => index + 1),
        "the seqs of the history",
      );
      const mine = texts(history.slice(earlierCount(this.cell)));
      assert.deepEqual(mine.sort(), this.isAccepted ? this.#wanted : [], "the history");
      await this.#checkReader(headSeq, history);
      await this.#checkOther(this.#founder, headSeq, true);
      await this.#checkOther(this.#speaker, headSeq, isMemberSpeaker(this.cell));
    });
  }

  #checkPushed(pushed: readonly string[]): void {
    const sorted = pushed.toSorted();
    if (!this.isAccepted || this.cell.membership === "removed before" || this.cell.membership === "added after")
      assert.deepEqual(sorted, [], "what was pushed");
    else if (isMemberMeanwhile(this.cell)) assert.deepEqual(sorted, this.#wanted, "what was pushed");
    else assert.equal(new Set(pushed).size, pushed.length, "nothing is pushed twice");
  }

  async #checkReader(headSeq: number, history: readonly Message[]): Promise<void> {
    const view = readerViewOf(this.cell, headSeq);
    const chats = await this.#server.backEnd.sync(this.#reader);
    if (!view.listed) {
      assert.deepEqual(chats, [], "the reader's list");
      return;
    }
    const [chat] = chats;
    assert.equal(chats.length, 1, "the reader's list");
    assert.equal(chat?.last_msg_seq, headSeq, "last_msg_seq");
    assert.equal(chat.unread + chat.readed_to_msg_seq, headSeq, "unread and readed_to_msg_seq make the head");
    if (view.countsFrom === "where he joined") {
      const missed = texts(history.slice(chat.readed_to_msg_seq)).filter(
        (text) => this.#pushed?.includes(text) === false,
      );
      assert.deepEqual(missed, [], "who was online has been pushed all that counts as unread");
    } else assert.equal(chat.unread, headSeq + 1 - view.countsFrom, "unread");
  }

  async #checkOther(uid: string, headSeq: number, isMember: boolean): Promise<void> {
    const chats = await this.#server.backEnd.sync(uid);
    const expected = isMember && headSeq > 0 ? [{ id: this.#group, last: headSeq }] : [];
    assert.deepEqual(
      chats.map((chat) => ({ id: chat.channel_id, last: chat.last_msg_seq })),
      expected,
      `the list of ${uid}`,
    );
    if (uid === this.#speaker && this.isAccepted && chats[0] !== undefined)
      assert.equal(chats[0].unread, 0, "what one sent oneself is read");
  }

  async #makeGroup(): Promise<void> {
    const { backEnd } = this.#server;
    const { membership } = this.cell;
    const [group, reader] = [this.#group, this.#reader];
    await backEnd.createGroup(group, membership === "created with" ? [this.#founder, reader] : [this.#founder]);
    switch (membership) {
      case "created with":
      case "added during":
      case "added after":
        return;
      case "added before":
      case "removed after":
      case "added again while a member":
      case "removed and added again before":
        await backEnd.addMembers(group, [reader]);
        return;
      case "removed before":
        await backEnd.addMembers(group, [reader]);
        await backEnd.removeMembers(group, [reader]);
        return;
      case "on the deny list":
      case "on the deny list and off again":
        await backEnd.addMembers(group, [reader]);
        await backEnd.editList("blacklist", "add", group, GROUP, [reader]);
        if (membership !== "on the deny list") await backEnd.editList("blacklist", "remove", group, GROUP, [reader]);
    }
  }

  async #makeEarlierMessages(): Promise<void> {
    const { backEnd } = this.#server;
    const say = (text: string): Promise<unknown> =>
      backEnd.send({ from: this.#founder, to: this.#group, type: GROUP, text });
    const count = earlierCount(this.cell);
    for (let index = 0; index < count; index++) {
      const isLast = index === count - 1;
      if (isLast && this.cell.membership === "removed and added again before")
        await backEnd.removeMembers(this.#group, [this.#reader]);
      await say(`earlier ${index}`);
      if (isLast) await backEnd.addMembers(this.#group, [this.#reader]);
    }
  }

  async #makeSpeaker(): Promise<void> {
    const { backEnd } = this.#server;
    const [group, speaker] = [this.#group, this.#speaker];
    if (isMemberSpeaker(this.cell)) await backEnd.addMembers(group, [speaker]);
    switch (this.cell.speaker) {
      case "client of a removed member":
        await backEnd.addMembers(group, [speaker]);
        await backEnd.removeMembers(group, [speaker]);
        break;
      case "client of a member on the deny list":
        await backEnd.editList("blacklist", "add", group, GROUP, [speaker]);
        break;
      case "client of a member beside the allow list":
        await backEnd.editList("whitelist", "add", group, GROUP, [this.#founder]);
        break;
      case "client of a member on the allow list":
        await backEnd.editList("whitelist", "set", group, GROUP, [speaker]);
        break;
      case "client of a member":
      case "client of an outsider":
      case "HTTP as member":
      case "HTTP as outsider":
      case "HTTP without a user":
        break;
    }
    if (isClientSpeaker(this.cell)) this.#speakerClient = await this.#server.connect(speaker);
  }

  async #sendAll(): Promise<number[]> {
    const [to, type] = [this.#group, GROUP];
    if (this.#speakerClient !== undefined) {
      const answers = await this.#speakerClient.burst(this.#wanted.map((payload) => ({ to, type, payload })));
      return answers.map((answer) => (answer.outcome === "answered" ? answer.reason : -1));
    }
    const from = this.cell.speaker === "HTTP without a user" ? {} : { from: this.#speaker };
    const sent = this.#wanted.map((text) => this.#server.backEnd.send({ ...from, to, type, text }));
    return (await Promise.all(sent)).map(({ reason }) => reason);
  }

  async #named(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw new Error(`${nameOfGroupCell(this.cell)}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}
