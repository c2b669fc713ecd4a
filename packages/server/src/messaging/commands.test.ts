/** Commands: what is handed out, what an acknowledgement moves, and that nothing is skipped whatever happens between. */
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../world/simulated/seeded-random.ts";
import { CommandCursors } from "./command-cursors.ts";
import { CommandSync } from "./command-sync.ts";
import { EarlyAcks } from "./early-acks.ts";
import { HandOuts } from "./hand-outs.ts";
import { type ChannelKey, MessageFlag, type MessageId } from "./message.ts";
import type { SendRequest } from "./send.ts";
import { Messaging } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;
const BOUNDS = { countMax: 10_000, bytesMax: 1 << 24 };

class Bench {
  readonly messaging: Messaging;
  readonly cursors: CommandCursors;
  readonly sync: CommandSync;

  constructor(messaging: Messaging, bounds = BOUNDS) {
    const { store, channels, conversations } = messaging;
    this.messaging = messaging;
    const early = new EarlyAcks(bounds);
    const failed = (error: unknown): number => messaging.failures.push(error);
    this.cursors = new CommandCursors({ store, channels, conversations, early, failed });
    const { world } = messaging.simulation;
    const handOuts = new HandOuts(bounds);
    this.sync = new CommandSync({ world, store, channels, conversations, cursors: this.cursors, early, handOuts });
  }

  static async open(): Promise<Bench> {
    return new Bench(await Messaging.open());
  }

  add(channel: ChannelKey, ...uids: string[]): Promise<void> {
    return this.messaging.done(this.messaging.admin.addMembers(channel, uids, { reset: false }));
  }
  remove(channel: ChannelKey, ...uids: string[]): Promise<void> {
    return this.messaging.done(this.messaging.admin.removeMembers(channel, uids));
  }
  async command(channel: ChannelKey, text: string, more: Partial<SendRequest> = {}): Promise<MessageId> {
    const flags = MessageFlag.syncOnce;
    const payload = Buffer.from(text);
    const result = await this.messaging.send("boss", channel, { origin: "server", flags, payload, ...more });
    expect(result.reason).toBe(1);
    return result.id;
  }
  /** "channel:text" of each. */
  async handedOut(uid: string, limit = 1000): Promise<string[]> {
    const messages = await this.messaging.done(this.sync.sync(uid, limit));
    return messages.map((message) => Buffer.from(message.payload).toString());
  }
  acknowledge(uid: string, lastSeq: number): Promise<void> {
    return this.messaging.done(this.sync.acknowledge(uid, lastSeq));
  }
  /** RECVACKs, until their cursors are written. */
  async received(uid: string, channel: ChannelKey, ...seqs: number[]): Promise<void> {
    for (const seq of seqs) this.cursors.received(uid, channel, seq);
    await this.messaging.simulation.run(1000);
  }
  cursor(uid: string, channel: ChannelKey): number | undefined {
    return this.messaging.conversations.durable(uid, channel)?.commandSeq;
  }
}

async function withCommands(count: number, channel: ChannelKey = GROUP): Promise<Bench> {
  const bench = await Bench.open();
  await bench.add(channel, "ann", "ben");
  for (let n = 1; n <= count; n++) await bench.command(channel, String(n));
  return bench;
}

describe("a sync", () => {
  test("hands out the oldest of all channels in the order of their ids, and goes on after the acknowledgement", async () => {
    const bench = await Bench.open();
    const channels = Array.from({ length: 40 }, (_, n) => ({ type: 2, id: `g${n}` }));
    for (const channel of channels) await bench.add(channel, "ann");
    const sent: string[] = [];
    for (let n = 0; n < 200; n++) {
      const channel = channels[(n * 7) % 40]!;
      sent.push(`${channel.id}:${n}`);
      await bench.command(channel, `${channel.id}:${n}`);
    }
    const seen: string[] = [];
    for (;;) {
      const messages = await bench.messaging.done(bench.sync.sync("ann", 7));
      if (messages.length === 0) break;
      seen.push(...messages.map((message) => Buffer.from(message.payload).toString()));
      await bench.acknowledge("ann", messages.at(-1)?.seq ?? 0);
    }
    expect(seen).toEqual(sent);
  });

  test("does not show what was received a moment ago, whenever its cursor becomes durable", async () => {
    for (let pauseMs = 0; pauseMs < 20; pauseMs++) {
      const bench = await withCommands(6);
      for (const seq of [1, 2, 4]) bench.cursors.received("ben", GROUP, seq);
      await bench.messaging.simulation.run(pauseMs);
      expect(await bench.handedOut("ben"), `after ${pauseMs} ms`).toEqual(["3", "5", "6"]);
    }
  });

  test("has chat messages and commands that are not kept nowhere", async () => {
    const bench = await withCommands(1);
    await bench.messaging.send("ann", GROUP);
    await bench.command(GROUP, "typing", { flags: MessageFlag.syncOnce | MessageFlag.noPersist });
    expect(await bench.handedOut("ben")).toEqual(["1"]);
    await bench.add({ type: 7, id: "data" }, "ben");
    await bench.command({ type: 7, id: "data" }, "no list");
    expect(await bench.handedOut("ben")).toEqual(["1"]);
  });

  test("shows no expired command, and the acknowledgement passes over it", async () => {
    const bench = await Bench.open();
    await bench.add(GROUP, "ben");
    for (let n = 1; n <= 100; n++) await bench.command(GROUP, "short", { expireSeconds: 5 });
    await bench.command(GROUP, "long");
    await bench.command(GROUP, "short", { expireSeconds: 5 });
    await bench.messaging.simulation.run(10_000);
    expect(await bench.handedOut("ben", 1)).toEqual(["long"]);
    await bench.acknowledge("ben", 101);
    expect(bench.cursor("ben", GROUP)).toBe(102);
  });

  test("ends early when the commands are large, and the rest comes after the acknowledgement", async () => {
    const bench = await Bench.open();
    await bench.add(GROUP, "ben");
    for (let n = 0; n < 20; n++) await bench.command(GROUP, "x", { payload: Buffer.alloc(1 << 20, n) });
    const first = await bench.messaging.done(bench.sync.sync("ben", 200));
    expect(first.map((message) => message.seq)).toEqual(Array.from({ length: 16 }, (_, n) => n + 1));
    await bench.acknowledge("ben", 16);
    const rest = await bench.messaging.done(bench.sync.sync("ben", 200));
    expect(rest.map((message) => message.seq)).toEqual([17, 18, 19, 20]);
  });

  test("of a user with more chats than one slice finds the one command", async () => {
    const bench = await Bench.open();
    for (let n = 0; n < 2100; n++) await bench.add({ type: 2, id: `g${n}` }, "ben");
    await bench.command({ type: 2, id: "g2050" }, "here");
    expect(await bench.handedOut("ben")).toEqual(["here"]);
  });
});

describe("membership", () => {
  test("begins at the tail, ends with the removal, and what was before the removal stays", async () => {
    const bench = await withCommands(3);
    await bench.add(GROUP, "cid");
    await bench.command(GROUP, "4");
    await bench.remove(GROUP, "cid");
    await bench.command(GROUP, "5");
    expect(await bench.handedOut("cid")).toEqual(["4"]);
    await bench.received("cid", GROUP, 4, 5);
    expect(bench.cursor("cid", GROUP)).toBe(4);
    await bench.add(GROUP, "cid");
    await bench.command(GROUP, "6");
    expect(await bench.handedOut("cid")).toEqual(["6"]);
  });

  test("by the id alone gets every command: the visitor of types 3 and 10", async () => {
    const bench = await Bench.open();
    await bench.command({ type: 3, id: "guest|shop" }, "3");
    await bench.command({ type: 10, id: "guest" }, "10");
    expect(await bench.handedOut("guest")).toEqual(["3", "10"]);
  });
});

describe("an acknowledgement", () => {
  test("moves to exactly what was handed out, not to what came meanwhile", async () => {
    const bench = await withCommands(3);
    expect(await bench.handedOut("ben", 2)).toEqual(["1", "2"]);
    await bench.command(GROUP, "4");
    await bench.acknowledge("ben", 2);
    expect(bench.cursor("ben", GROUP)).toBe(2);
    await bench.acknowledge("ben", 2);
    expect(await bench.handedOut("ben")).toEqual(["3", "4"]);
  });

  test("does not change the chat's version", async () => {
    const bench = await withCommands(1);
    const before = bench.messaging.conversations.durable("ben", GROUP)?.changed;
    await bench.handedOut("ben");
    await bench.acknowledge("ben", 1);
    expect(bench.cursor("ben", GROUP)).toBe(1);
    expect(bench.messaging.conversations.durable("ben", GROUP)?.changed).toEqual(before);
  });

  test("that cannot be written is refused and can be repeated", async () => {
    const bench = await withCommands(2);
    await bench.handedOut("ben");
    bench.messaging.simulation.failNextWrite();
    await expect(bench.acknowledge("ben", 2)).rejects.toThrow();
    await bench.messaging.recovered();
    await bench.acknowledge("ben", 2);
    expect(bench.cursor("ben", GROUP)).toBe(2);
    expect(await bench.handedOut("ben")).toEqual([]);
  });

  test("is answered when the cursor is durable, also one that a RECVACK has just moved", async () => {
    const bench = await withCommands(1);
    await bench.handedOut("ben");
    bench.cursors.received("ben", GROUP, 1);
    await bench.acknowledge("ben", 1);
    expect(bench.cursor("ben", GROUP)).toBe(1);
  });

  test("of a hand-out before a return to the channel does not pull the cursor back", async () => {
    const bench = await withCommands(2);
    await bench.handedOut("ben");
    await bench.remove(GROUP, "ben");
    for (const text of ["3", "4"]) await bench.command(GROUP, text);
    await bench.add(GROUP, "ben");
    await bench.acknowledge("ben", 2);
    expect(bench.cursor("ben", GROUP)).toBe(4);
  });
});

describe("RECVACK", () => {
  test("moves the cursor over a gapless run only", async () => {
    const bench = await withCommands(5);
    await bench.received("ben", GROUP, 2, 4);
    expect(bench.cursor("ben", GROUP)).toBe(0);
    expect(await bench.handedOut("ben")).toEqual(["1", "3", "5"]);
    await bench.received("ben", GROUP, 1);
    expect(bench.cursor("ben", GROUP)).toBe(2);
    await bench.received("ben", GROUP, 3);
    expect(bench.cursor("ben", GROUP)).toBe(4);
    expect(await bench.handedOut("ben")).toEqual(["5"]);
  });

  test("and syncack together skip nothing and repeat nothing", async () => {
    const bench = await withCommands(6);
    await bench.received("ben", GROUP, 3, 5);
    expect(await bench.handedOut("ben", 2)).toEqual(["1", "2"]);
    await bench.acknowledge("ben", 2);
    await bench.messaging.simulation.run(1000);
    expect(bench.cursor("ben", GROUP)).toBe(3);
    expect(await bench.handedOut("ben")).toEqual(["4", "6"]);
    await bench.acknowledge("ben", 6);
    expect(bench.cursor("ben", GROUP)).toBe(6);
  });

  test("is found by the id when nobody waits for it any more", async () => {
    const bench = await Bench.open();
    await bench.add(GROUP, "ben");
    const id = await bench.command(GROUP, "1");
    bench.cursors.receivedById("ben", { high: 1, low: 1 });
    bench.cursors.receivedById("ben", id);
    await bench.messaging.simulation.run(1000);
    expect(bench.cursor("ben", GROUP)).toBe(1);
    expect(bench.messaging.failures).toEqual([]);
  });

  test("of a chat message, of a stranger or beyond the tail means nothing", async () => {
    const bench = await withCommands(1);
    const chat = await bench.messaging.send("ann", GROUP);
    bench.cursors.receivedById("ben", chat.id);
    await bench.received("zoe", GROUP, 1);
    await bench.received("ben", GROUP, 2, 0, -1);
    expect(bench.cursor("zoe", GROUP)).toBeUndefined();
    expect(bench.cursor("ben", GROUP)).toBe(0);
  });

  test("that cannot be written can be repeated", async () => {
    const bench = await withCommands(1);
    bench.messaging.simulation.failNextWrite();
    await bench.received("ben", GROUP, 1);
    await bench.messaging.recovered();
    await bench.received("ben", GROUP, 1);
    expect(bench.cursor("ben", GROUP)).toBe(1);
    expect(bench.messaging.failures).toEqual([]);
  });

  test("of many in one turn moves over all of them", async () => {
    const bench = await withCommands(50);
    const seqs = Array.from({ length: 50 }, (_, n) => n + 1);
    await bench.received("ben", GROUP, ...seqs);
    expect(bench.cursor("ben", GROUP)).toBe(50);
  });
});

/** What the user has of one channel, as the definition says it. */
interface ModelChannel {
  readonly key: ChannelKey;
  readonly sent: { readonly order: number }[];
  isMember: boolean;
  /** Acknowledged up to here; what lies behind it and is acknowledged is known only until a restart. */
  cursor: number;
  readonly early: Set<number>;
  /** Up to here they are his: the tail while he is a member. */
  end: number;
}

function moved(channel: ModelChannel, seq: number): void {
  channel.cursor = Math.max(channel.cursor, Math.min(seq, channel.end));
  while (channel.early.has(channel.cursor + 1)) channel.cursor++;
}

test.each(Array.from({ length: 30 }, (_, seed) => seed + 1))(
  "random histories equal the model (seed %i)",
  async (seed) => {
    const random = new SeededRandom(seed);
    const below = (count: number): number => random.uint32() % count;
    let bench = await Bench.open();
    const channels: ModelChannel[] = [0, 1, 2].map((n) => ({
      key: { type: 2, id: `g${n}` },
      sent: [],
      isMember: false,
      cursor: 0,
      early: new Set(),
      end: 0,
    }));
    let order = 0;
    let lastDone = 0;
    for (let step = 0; step < 120; step++) {
      const channel = channels[below(3)]!;
      const tail = channel.sent.length;
      switch (below(9)) {
        case 0:
        case 1:
        case 2: {
          await bench.command(channel.key, `${++order}`);
          channel.sent.push({ order });
          if (channel.isMember) channel.end = tail + 1;
          break;
        }
        case 3:
          await bench.add(channel.key, "u");
          if (!channel.isMember) channel.cursor = tail;
          channel.isMember = true;
          channel.end = tail;
          break;
        case 4:
          await bench.remove(channel.key, "u");
          channel.isMember = false;
          break;
        case 5: {
          const limit = 1 + below(6);
          const expected = channels
            .flatMap((each) =>
              each.sent.flatMap((sent, index) => {
                const seq = index + 1;
                return seq > each.cursor && seq <= each.end && !each.early.has(seq)
                  ? [{ order: sent.order, seq, channel: each }]
                  : [];
              }),
            )
            .sort((a, b) => a.order - b.order)
            .slice(0, limit);
          expect(await bench.handedOut("u", limit), `step ${step}`).toEqual(expected.map((each) => `${each.order}`));
          const last = expected.at(-1);
          if (last === undefined) break;
          const positions = new Map(expected.map((each) => [each.channel, each.seq]));
          if (below(3) === 0) {
            // The answer was lost: the same comes again.
            expect(await bench.handedOut("u", limit), `step ${step}`).toEqual(expected.map((each) => `${each.order}`));
          } else if (lastDone > 0 && !expected.some((each) => each.seq === lastDone)) {
            // A late repetition means nothing.
            await bench.acknowledge("u", lastDone);
          }
          await bench.acknowledge("u", last.seq);
          await bench.messaging.simulation.run(200);
          for (const [each, seq] of positions) moved(each, seq);
          lastDone = last.seq;
          break;
        }
        case 6: {
          if (tail === 0) break;
          const seq = 1 + below(tail);
          await bench.received("u", channel.key, seq);
          if (seq > channel.cursor && seq <= channel.end) channel.early.add(seq);
          moved(channel, channel.cursor);
          break;
        }
        case 7:
          if (lastDone > 0) await bench.acknowledge("u", lastDone);
          break;
        default:
          if (below(4) !== 0) break;
          bench = new Bench(await bench.messaging.restarted());
          for (const each of channels) each.early.clear();
          lastDone = 0;
      }
      for (const each of channels)
        if (each.early.size > 0) for (const seq of each.early) if (seq <= each.cursor) each.early.delete(seq);
    }
  },
);
