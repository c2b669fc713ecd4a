/** One cell of the matrix against a real server: its own two users, what goes before, the messages, and what must be found. */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { type Message, PERSON, texts } from "../harness/back-end.ts";
import { JsonClient } from "../harness/json-client.ts";
import type { ServerProcess } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";
import { NO_PERSIST, type Outgoing, RED_DOT, type WireClient } from "../harness/wire-client.ts";
import { jsonBurst } from "./json-burst.ts";
import {
  ACCEPTED,
  type Cell,
  isBoundByLists,
  isClient,
  isListed,
  isListedChat,
  messageCount,
  nameOf,
  verdictOf,
} from "./matrix.ts";

const SYSTEM = "____system";
const IN_DENY_LIST = 4;
const BANNED = 19;

export class CellRun {
  readonly cell: Cell;
  readonly sender: string;
  readonly receiver: string = uniqueId("r");
  readonly #server: ServerProcess;
  readonly #verdict: number;
  /** What is in the history before the messages under test. */
  readonly #earlier: string[] = [];
  /** The messages under test. */
  readonly #wanted: string[];
  #senderClient: WireClient | undefined;
  #jsonClient: JsonClient | undefined;
  #receiverClient: WireClient | undefined;

  constructor(cell: Cell, server: ServerProcess) {
    this.cell = cell;
    this.sender = cell.sender === "HTTP as ____system" ? SYSTEM : uniqueId("s");
    this.#server = server;
    this.#verdict = verdictOf(cell);
    this.#wanted = Array.from({ length: messageCount(cell) }, (_, index) => `wanted ${index}`);
  }

  /** Everything but the messages under test. */
  prepare(): Promise<void> {
    return this.#named(async () => {
      await this.#prepareReceiver();
      await this.#makeLists();
      if (isClient(this.cell)) this.#senderClient = await this.#server.connect(this.sender);
      if (this.cell.sender === "JSON-RPC client")
        this.#jsonClient = await JsonClient.connect({
          port: this.#server.wsPort,
          transport: "websocket",
          uid: this.sender,
        });
      await this.#prepareChannel();
    });
  }

  /** The messages under test: resolves with their last answer. */
  act(): Promise<void> {
    return this.#named(async () => {
      const list: Outgoing[] = this.#wanted.map((text) => this.#outgoing(text, RED_DOT));
      if (this.cell.situation === "after a NoPersist") list.unshift(this.#outgoing("not kept", NO_PERSIST));
      const reasons = await this.#send(list);
      assert.deepEqual(
        reasons,
        list.map(() => this.#verdict),
        "the reasons",
      );
    });
  }

  /** Both go; who was online has been pushed exactly what was accepted. */
  leave(): Promise<void> {
    return this.#named(async () => {
      const client = this.#receiverClient;
      if (client !== undefined) {
        const pushed = [...this.#earlier];
        if (this.#verdict === ACCEPTED) {
          if (this.cell.situation === "after a NoPersist") pushed.push("not kept");
          pushed.push(...this.#wanted);
        }
        await client.until(() => client.received.length >= pushed.length, 10_000);
        assert.ok(await client.ping(), "the receiver is still connected");
        // Requests at the same time have no order among each other.
        assert.deepEqual(texts(client.take()).sort(), pushed.sort(), "what was pushed");
      }
      this.close();
    });
  }

  close(): void {
    this.#senderClient?.close();
    this.#jsonClient?.close();
    this.#receiverClient?.close();
  }

  /** An acknowledged message is in both lists and in the history, a refused one nowhere. */
  check(): Promise<void> {
    return this.#named(async () => {
      const { backEnd } = this.#server;
      const isAccepted = this.#verdict === ACCEPTED;
      const history = await backEnd.history(this.receiver, this.sender, PERSON);
      this.#checkHistory(history, isAccepted);
      const isFound = isAccepted && isListedChat(this.cell);
      const mine = history.slice(this.#earlier.length);
      await this.#checkList(this.receiver, this.sender, isFound, {
        unread: this.#wanted.length,
        readed_to_msg_seq: this.#earlier.length,
        recents: mine,
      });
      if (this.sender === SYSTEM) return;
      await this.#checkList(this.sender, this.receiver, isFound, {
        unread: 0,
        readed_to_msg_seq: history.length,
        recents: mine,
      });
    });
  }

  #checkHistory(history: readonly Message[], isAccepted: boolean): void {
    const found = texts(history);
    const earlier = found.splice(0, this.#earlier.length);
    assert.deepEqual(earlier, this.#earlier, "the earlier history");
    assert.deepEqual(found.sort(), isAccepted ? this.#wanted : [], "the history");
    assert.deepEqual(
      history.map((message) => message.message_seq),
      history.map((_, index) => index + 1),
      "the seqs are dense",
    );
  }

  /** His only chat is this one, or he has none. */
  async #checkList(
    uid: string,
    peer: string,
    isFound: boolean,
    wanted: { readonly unread: number; readonly readed_to_msg_seq: number; readonly recents: readonly Message[] },
  ): Promise<void> {
    const chats = await this.#server.backEnd.sync(uid);
    if (!isFound) {
      assert.deepEqual(chats, [], `the list of ${uid}`);
      return;
    }
    const last = wanted.recents.at(-1);
    assert.deepEqual(
      chats.map((chat) => ({ ...chat, version: 0, offset_msg_seq: 0 })),
      [
        {
          channel_id: peer,
          channel_type: PERSON,
          unread: wanted.unread,
          timestamp: last?.timestamp,
          last_msg_seq: last?.message_seq,
          last_client_msg_no: last?.client_msg_no,
          offset_msg_seq: 0,
          readed_to_msg_seq: wanted.readed_to_msg_seq,
          version: 0,
          recents: wanted.recents.toReversed(),
        },
      ],
      `the list of ${uid}`,
    );
  }

  async #prepareReceiver(): Promise<void> {
    const { receiver } = this.cell;
    if (receiver === "never seen before") return;
    this.#receiverClient = await this.#server.connect(this.receiver);
    if (receiver === "online then offline") return;
    assert.deepEqual(await this.#server.backEnd.sync(this.receiver), [], "the list before");
    await this.#receiverClient.end();
    this.#receiverClient = undefined;
  }

  async #makeLists(): Promise<void> {
    const { backEnd } = this.#server;
    const { listCall } = this.cell;
    if (isListed(this.cell, "sender"))
      await backEnd.editList("whitelist", listCall, this.sender, PERSON, [this.receiver]);
    if (isListed(this.cell, "receiver"))
      await backEnd.editList("whitelist", listCall, this.receiver, PERSON, [this.sender]);
  }

  async #prepareChannel(): Promise<void> {
    const { backEnd } = this.#server;
    switch (this.cell.situation) {
      case "after a refused one":
        await this.#refuseOne();
        return;
      case "after deletion of the chat":
        await backEnd.send({ from: this.sender, to: this.receiver, type: PERSON, text: "earlier" });
        this.#earlier.push("earlier");
        await backEnd.deleteChat(this.receiver, this.sender);
        if (this.sender !== SYSTEM) await backEnd.deleteChat(this.sender, this.receiver);
        return;
      case "channel without rows":
        await this.#setBan(0);
        assert.deepEqual(await backEnd.history(this.receiver, this.sender, PERSON), [], "the history before");
        return;
      case "alone":
      case "burst":
      case "after a NoPersist":
        return;
    }
  }

  /** By the receiver's deny list, or by a ban of the channel, which concerns those above lists too. */
  async #refuseOne(): Promise<void> {
    const { backEnd } = this.#server;
    const refused = [this.#outgoing("refused", RED_DOT)];
    if (isBoundByLists(this.cell)) {
      await backEnd.editList("blacklist", "add", this.receiver, PERSON, [this.sender]);
      assert.deepEqual(await this.#send(refused), [IN_DENY_LIST], "the refusal before");
      await backEnd.editList("blacklist", "remove", this.receiver, PERSON, [this.sender]);
    } else {
      await this.#setBan(1);
      assert.deepEqual(await this.#send(refused), [BANNED], "the refusal before");
      await this.#setBan(0);
    }
  }

  /** Writes the channel's own record, under its stored id. */
  #setBan(ban: 0 | 1): Promise<unknown> {
    const id = storedPersonId(this.sender, this.receiver);
    return this.#server.http.ask("/channel/info", { channel_id: id, channel_type: PERSON, ban });
  }

  #outgoing(payload: string, flags: number): Outgoing & { readonly payload: string } {
    return { to: this.receiver, type: PERSON, payload, flags };
  }

  /** The reasons of the answers. */
  async #send(list: readonly Outgoing[]): Promise<number[]> {
    if (this.#senderClient !== undefined) {
      const answers = await this.#senderClient.burst(list);
      return answers.map((answer) => (answer.outcome === "answered" ? answer.reason : -1));
    }
    if (this.#jsonClient !== undefined)
      return jsonBurst(
        this.#jsonClient,
        list.map(({ to, type, payload, flags }) => ({ to, type, text: String(payload), flags: flags ?? 0 })),
      );
    const one = (outgoing: Outgoing): Promise<{ readonly reason: number }> =>
      this.#server.backEnd.send({
        ...(this.cell.sender === "HTTP as ____system" ? {} : { from: this.sender }),
        to: outgoing.to,
        type: outgoing.type,
        text: String(outgoing.payload),
        header: { red_dot: outgoing.flags === RED_DOT ? 1 : 0, no_persist: outgoing.flags === NO_PERSIST ? 1 : 0 },
      });
    if (this.cell.situation === "burst") return (await Promise.all(list.map(one))).map(({ reason }) => reason);
    const reasons: number[] = [];
    for (const outgoing of list) reasons.push((await one(outgoing)).reason);
    return reasons;
  }

  async #named(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw new Error(`${nameOf(this.cell)}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}

/** The uid with the greater checksum comes first. */
function storedPersonId(one: string, other: string): string {
  return crc32(one) > crc32(other) ? `${one}@${other}` : `${other}@${one}`;
}
