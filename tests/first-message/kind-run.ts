/** One cell of the matrix of kinds against a real server: a channel of its own with an owner, another one and an outsider. */
import assert from "node:assert/strict";
import { texts } from "../harness/back-end.ts";
import { JsonClient } from "../harness/json-client.ts";
import type { ServerProcess } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";
import { NO_PERSIST, RED_DOT, type WireClient } from "../harness/wire-client.ts";
import { jsonBurst } from "./json-burst.ts";
import { type KindCell, kindMessageCount, kindVerdictOf, nameOfKindCell, TYPE_OF } from "./kind-matrix.ts";

const ACCEPTED = 1;

interface Message {
  readonly text: string;
  readonly flags: number;
}

export class KindRun {
  readonly cell: KindCell;
  readonly #server: ServerProcess;
  readonly #owner = uniqueId("o");
  readonly #other = uniqueId("m");
  readonly #outsider = uniqueId("x");
  readonly #type: number;
  /** As it is stored. */
  readonly #id: string;
  readonly #wanted: readonly Message[];
  readonly #readerClients: WireClient[] = [];
  #speakerClient: WireClient | undefined;
  #jsonClient: JsonClient | undefined;

  constructor(cell: KindCell, server: ServerProcess) {
    this.cell = cell;
    this.#server = server;
    this.#type = TYPE_OF[cell.kind];
    this.#id = this.#channelId();
    this.#wanted = Array.from({ length: kindMessageCount(cell) }, (_, index) => ({
      text: `wanted ${index}`,
      flags: RED_DOT,
    }));
  }

  /** Everything but the messages under test. */
  prepare(): Promise<void> {
    return this.#named(async () => {
      const { kind, readers, situation, speaker } = this.cell;
      if (kind !== "agent") await this.#addMembers(kind === "agent group" ? [this.#owner, this.#other] : [this.#other]);
      if (readers !== "never seen before")
        for (const uid of this.#parties) {
          const client = await this.#server.connect(uid, { deviceFlag: 1 });
          if (readers === "online then offline") this.#readerClients.push(client);
          else {
            assert.deepEqual(await this.#server.backEnd.sync(uid), [], "the list before");
            await client.end();
          }
        }
      if (speaker.startsWith("client")) this.#speakerClient = await this.#server.connect(this.#speaker ?? "");
      if (speaker.startsWith("JSON-RPC"))
        this.#jsonClient = await JsonClient.connect({
          port: this.#server.wsPort,
          transport: "websocket",
          uid: this.#speaker ?? "",
        });
      if (situation === "after a ban") {
        await this.#setBan(1);
        await this.#setBan(0);
      }
      if (situation === "after deletion of the chat") {
        await this.#server.backEnd.send({ from: this.#other, to: this.#id, type: this.#type, text: "earlier" });
        for (const uid of this.#parties) await this.#server.backEnd.deleteChat(uid, this.#id, this.#type);
      }
    });
  }

  /** The messages under test: resolves with their last answer. */
  act(): Promise<void> {
    return this.#named(async () => {
      const list = [...this.#wanted];
      if (this.cell.situation === "after a NoPersist") list.unshift({ text: "not kept", flags: NO_PERSIST });
      const verdict = kindVerdictOf(this.cell);
      assert.deepEqual(
        await this.#send(list),
        list.map(() => verdict),
        "the reasons",
      );
    });
  }

  /** All go; who was online on another device has been pushed what was accepted. */
  leave(): Promise<void> {
    return this.#named(async () => {
      const pushed = this.#isAccepted ? this.#wanted.map(({ text }) => text) : [];
      if (this.#isAccepted && this.cell.situation === "after a NoPersist") pushed.push("not kept");
      if (this.cell.situation === "after deletion of the chat") pushed.push("earlier");
      for (const client of this.#readerClients) {
        await client.until(() => client.received.length >= pushed.length, 10_000);
        assert.ok(await client.ping(), `${client.uid} is still connected`);
        assert.deepEqual(texts(client.take()).sort(), pushed.toSorted(), `what was pushed to ${client.uid}`);
      }
      this.close();
    });
  }

  close(): void {
    this.#speakerClient?.close();
    this.#jsonClient?.close();
    for (const client of this.#readerClients) client.close();
  }

  /** An acknowledged message is in the lists of both, a refused one in none; the outsider never has the chat. */
  check(): Promise<void> {
    return this.#named(async () => {
      const { backEnd } = this.#server;
      const earlier = this.cell.situation === "after deletion of the chat" ? ["earlier"] : [];
      const wanted = this.#isAccepted ? this.#wanted.map(({ text }) => text) : [];
      const history = texts(await backEnd.history(this.#owner, this.#id, this.#type));
      assert.deepEqual(history.splice(0, earlier.length), earlier, "the earlier history");
      assert.deepEqual(history.sort(), wanted, "the history");
      for (const uid of this.#parties) {
        const chats = await backEnd.sync(uid);
        const found = chats.map((chat) => ({
          id: chat.channel_id,
          type: chat.channel_type,
          unread: chat.unread,
          last: chat.last_msg_seq,
          recents: texts(chat.recents).sort(),
        }));
        const chat = {
          id: this.#id,
          type: this.#type,
          unread: uid === this.#speaker ? 0 : wanted.length,
          last: earlier.length + wanted.length,
          recents: wanted,
        };
        assert.deepEqual(found, this.#isAccepted ? [chat] : [], `the list of ${uid}`);
      }
      assert.deepEqual(await backEnd.sync(this.#outsider), [], "the list of the outsider");
    });
  }

  get #isAccepted(): boolean {
    return kindVerdictOf(this.cell) === ACCEPTED;
  }

  get #parties(): readonly string[] {
    return [this.#owner, this.#other];
  }

  /** undefined: the server itself. */
  get #speaker(): string | undefined {
    const { speaker } = this.cell;
    if (speaker === "HTTP without a user") return undefined;
    if (speaker.endsWith("owner")) return this.#owner;
    return speaker.endsWith("other") ? this.#other : this.#outsider;
  }

  #channelId(): string {
    switch (this.cell.kind) {
      case "customer service":
        return `${this.#owner}|desk`;
      case "visitors":
        return this.#owner;
      case "agent":
        return `${this.#owner}@${this.#other}`;
      case "agent group":
        return uniqueId("g");
    }
  }

  #addMembers(subscribers: readonly string[]): Promise<unknown> {
    const body = { channel_id: this.#id, channel_type: this.#type, subscribers };
    return this.#server.http.ask("/channel/subscriber_add", body);
  }

  #setBan(ban: 0 | 1): Promise<unknown> {
    return this.#server.http.ask("/channel/info", { channel_id: this.#id, channel_type: this.#type, ban });
  }

  /** The reasons of the answers. */
  async #send(list: readonly Message[]): Promise<number[]> {
    // A user names his agent; the agent has to name the channel.
    const isToAgent = this.cell.kind === "agent" && this.#speaker === this.#owner;
    const [to, type] = [isToAgent ? this.#other : this.#id, this.#type];
    if (this.#speakerClient !== undefined) {
      const answers = await this.#speakerClient.burst(
        list.map(({ text, flags }) => ({ to, type, payload: text, flags })),
      );
      return answers.map((answer) => (answer.outcome === "answered" ? answer.reason : -1));
    }
    if (this.#jsonClient !== undefined)
      return jsonBurst(
        this.#jsonClient,
        list.map(({ text, flags }) => ({ to, type, text, flags })),
      );
    const reasons: number[] = [];
    for (const { text, flags } of list) {
      const header = { red_dot: flags === RED_DOT ? 1 : 0, no_persist: flags === NO_PERSIST ? 1 : 0 };
      const from = this.#speaker === undefined ? {} : { from: this.#speaker };
      reasons.push((await this.#server.backEnd.send({ ...from, to, type, text, header })).reason);
    }
    return reasons;
  }

  async #named(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`${nameOfKindCell(this.cell)}: ${text}`, { cause: error });
    }
  }
}
