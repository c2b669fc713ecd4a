/** What was acknowledged is in the lists, whatever becomes of the process. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { Seeded } from "../harness/seeded.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { delay, uniqueId } from "../harness/waiting.ts";
import type { Answer } from "../harness/wire-client.ts";

const OVERLOADED = 22;

function people(count: number, prefix: string): string[] {
  return Array.from({ length: count }, (_item, n) => `${uniqueId(prefix)}n${n}`);
}
function isAccepted(answer: Answer): boolean {
  return answer.outcome === "answered" && answer.reason === 1;
}

describe("ends of the process", () => {
  test("H-35: a first message acknowledged right before kill -9 is in both lists after the restart", async () => {
    await using server = await ServerProcess.start();
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    using client = await server.connect(a);
    await client.sendOk({ to: b, type: PERSON, payload: "hello" });
    await server.kill();
    await server.startAgain();
    expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 1, last_msg_seq: 1 });
    expect(await server.backEnd.chatOf(a, b)).toMatchObject({ unread: 0, last_msg_seq: 1 });
  });

  test("H-36: a message acknowledged right before kill -9 is found and a later one is delivered", async () => {
    await using server = await ServerProcess.start();
    const [group, a, b, offline] = [uniqueId("g"), uniqueId("a"), uniqueId("b"), uniqueId("off")];
    await server.backEnd.createGroup(group, [a, b, offline]);
    {
      using client = await server.connect(a);
      await client.sendOk({ to: group, type: GROUP, payload: "before" });
    }
    await server.kill();
    await server.startAgain();
    using reader = await server.connect(b);
    using client = await server.connect(a);
    await client.sendOk({ to: group, type: GROUP, payload: "after" });
    expect(texts(await reader.takeSome(1))).toEqual(["after"]);
    for (const uid of [b, offline]) {
      const chat = await server.backEnd.chatOf(uid, group, GROUP);
      expect([chat.unread, texts(chat.recents)]).toEqual([2, ["after", "before"]]);
    }
  });

  test("H-37: a graceful stop in the middle of a burst loses no acknowledged chat", async () => {
    await using server = await ServerProcess.start();
    const a = uniqueId("a");
    const receivers = people(2_000, "b");
    using client = await server.connect(a);
    const answers = client.burst(receivers.map((to) => ({ to, type: PERSON, payload: "hello" })));
    const others = Promise.all(
      people(20, "c").map((from) =>
        server.backEnd.send({ from, to: a, type: PERSON, text: "x" }).catch(() => undefined),
      ),
    );
    await client.until(() => client.waitingCount < receivers.length, 10_000); // the first answers are here
    await server.stop();
    const settled = await answers;
    const accepted = receivers.filter((_receiver, index) => isAccepted(settled[index]!));
    expect(accepted.length).toBeGreaterThan(0);
    await others;
    await server.startAgain();
    await inParallel(accepted, 16, async (b) => {
      expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 1 });
    });
    const listed = new Set((await server.backEnd.sync(a, { msg_count: 1 })).map((chat) => chat.channel_id));
    expect(accepted.filter((b) => !listed.has(b))).toEqual([]);
  });

  test("H-38: graceful stop, start and kill -9 at once loses no chat", async () => {
    await using server = await ServerProcess.start();
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    await server.backEnd.send({ from: a, to: b, type: PERSON, text: "hello" });
    for (let round = 0; round < 3; round++) {
      await server.restart("SIGTERM");
      await server.kill();
      await server.startAgain();
    }
    expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 1 });
    expect(await server.backEnd.chatOf(a, b)).toMatchObject({ unread: 0 });
  });

  test("H-39: files that the original leaves behind, damaged, do not stop the start", async () => {
    await using server = await ServerProcess.start();
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    await server.backEnd.send({ from: a, to: b, type: PERSON, text: "hello" });
    await server.stop();
    for (const folder of [
      server.dataDirectory,
      ...readdirSync(server.dataDirectory).map((name) => join(server.dataDirectory, name)),
    ]) {
      if (existsSync(join(folder, "CURRENT"))) continue; // the store's own folder
      writeFileSync(join(folder, "conversations.json"), '[{"uid":"u1","cha');
    }
    await server.startAgain();
    expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 1 });
  });

  test("H-40: 150 new person chats within seconds are all listed, also after kill -9", async () => {
    await using server = await ServerProcess.start();
    const a = uniqueId("a");
    const receivers = people(150, "b");
    using client = await server.connect(a);
    for (const b of receivers) await client.sendOk({ to: b, type: PERSON, payload: "hello" });
    const check = async (): Promise<void> => {
      expect(await server.backEnd.sync(a)).toHaveLength(150);
      await inParallel(receivers, 16, async (b) => {
        expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 1 });
      });
    };
    await check();
    await server.kill();
    await server.startAgain();
    await check();
  });

  test("R-03: a first message and kill -9 after a random delay: both lists contain the chat", async () => {
    const random = new Seeded();
    const rounds = Number(process.env["WK_KILL_ROUNDS"] ?? 4);
    await using server = await ServerProcess.start();
    const chats: (readonly [string, string])[] = [];
    for (let round = 0; round < rounds; round++) {
      const [a, b] = [uniqueId("a"), uniqueId("b")];
      using client = await server.connect(a);
      await client.sendOk({ to: b, type: PERSON, payload: "hello" });
      chats.push([a, b]);
      await delay(random.below(200));
      await server.kill();
      await server.startAgain();
      for (const [from, to] of chats) {
        expect(await server.backEnd.chatOf(to, from), `WK_SEED=${random.seed}, round ${round}`).toMatchObject({
          unread: 1,
        });
        expect(await server.backEnd.chatOf(from, to), `WK_SEED=${random.seed}, round ${round}`).toMatchObject({
          unread: 0,
        });
      }
    }
  });
});

describe("many rows at once", () => {
  const shared = sharedServer();

  test("R-04: 120 new person chats give 240 rows", async () => {
    const { backEnd } = shared.current;
    const pairs = Array.from({ length: 120 }, () => [uniqueId("a"), uniqueId("b")] as const);
    await inParallel(pairs, 30, async ([a, b]) => {
      await backEnd.send({ from: a, to: b, type: PERSON, text: "hello" });
    });
    await inParallel(pairs, 16, async ([a, b]) => {
      expect(await backEnd.chatOf(a, b)).toMatchObject({ unread: 0 });
      expect(await backEnd.chatOf(b, a)).toMatchObject({ unread: 1 });
    });
  });

  test("H-40b: a message to a group of 250 members is in 250 lists", async () => {
    const { backEnd } = shared.current;
    const members = people(250, "m");
    const group = uniqueId("g");
    await backEnd.createGroup(group, members);
    await backEnd.send({ from: members[0]!, to: group, type: GROUP, text: "to all" });
    await inParallel(members, 16, async (uid, index) => {
      expect(await backEnd.chatOf(uid, group, GROUP)).toMatchObject({ unread: index === 0 ? 0 : 1 });
    });
  });

  test("H-40c: rows written while others are being written are all kept", async () => {
    const server = shared.current;
    const group = uniqueId("g");
    const a = uniqueId("a");
    const waves = Array.from({ length: 12 }, () => people(25, "m"));
    await server.backEnd.createGroup(group, [a]);
    using client = await server.connect(a);
    await Promise.all([
      ...waves.map((wave) => server.backEnd.addMembers(group, wave)),
      client.burst(Array.from({ length: 200 }, (_item, n) => ({ to: group, type: GROUP, payload: `${n}` }))),
    ]);
    const last = await client.sendOk({ to: group, type: GROUP, payload: "last" });
    await inParallel(waves.flat(), 16, async (uid) => {
      const chat = await server.backEnd.chatOf(uid, group, GROUP, { msg_count: 1 });
      expect([texts(chat.recents), chat.last_msg_seq]).toEqual([["last"], last.messageSeq]);
      expect(chat.unread).toBeGreaterThanOrEqual(1);
    });
  });

  test("H-40d: a member change between two messages loses nobody's row", async () => {
    const { backEnd } = shared.current;
    const [group, a, stays, goes, comes] = ["g", "a", "s", "go", "co"].map(uniqueId) as [
      string,
      string,
      string,
      string,
      string,
    ];
    await backEnd.createGroup(group, [a, stays, goes]);
    await backEnd.send({ from: a, to: group, type: GROUP, text: "1" });
    await backEnd.removeMembers(group, [goes]);
    await backEnd.addMembers(group, [comes]);
    await backEnd.send({ from: a, to: group, type: GROUP, text: "2" });
    expect(await backEnd.chatOf(stays, group, GROUP)).toMatchObject({ unread: 2 });
    expect(await backEnd.chatOf(comes, group, GROUP)).toMatchObject({ unread: 1 });
    expect(await backEnd.chat(goes, group, GROUP)).toBeUndefined();
  });

  test("H-40e: a burst larger than every pool is answered message by message and nothing acknowledged is lost", async () => {
    const server = shared.current;
    const a = uniqueId("a");
    const receivers = people(500, "b");
    const burst = Array.from({ length: 20_000 }, (_item, n) => ({
      to: receivers[n % receivers.length]!,
      type: PERSON,
      payload: `${n}`,
    }));
    using client = await server.connect(a);
    const answers = await client.burst(burst, 60_000);
    const acceptedPerReceiver = new Map<string, number>();
    for (const [index, answer] of answers.entries()) {
      expect(answer.outcome).toBe("answered");
      if (answer.outcome !== "answered") continue;
      expect([1, 15, 22]).toContain(answer.reason);
      if (answer.reason === 1) {
        const to = burst[index]!.to;
        acceptedPerReceiver.set(to, (acceptedPerReceiver.get(to) ?? 0) + 1);
      }
    }
    await inParallel(receivers, 16, async (b) => {
      const accepted = acceptedPerReceiver.get(b) ?? 0;
      const chat = await server.backEnd.chat(b, a, PERSON, { msg_count: 1 });
      expect([chat?.unread ?? 0, chat?.last_msg_seq ?? 0]).toEqual([accepted, accepted]);
    });
  });

  test("H-40f: removing members during a burst does not end the process", async () => {
    const server = shared.current;
    const group = uniqueId("g");
    const a = uniqueId("a");
    const members = people(300, "m");
    await server.backEnd.createGroup(group, [a, ...members]);
    using client = await server.connect(a);
    const [answers] = await Promise.all([
      client.burst(Array.from({ length: 500 }, (_item, n) => ({ to: group, type: GROUP, payload: `${n}` }))),
      inParallel(members.slice(0, 200), 10, async (uid) => {
        await server.backEnd.removeMembers(group, [uid]);
      }),
    ]);
    const accepted = answers.filter(isAccepted).length; // the rest was refused with a reason: too much at once
    for (const answer of answers) if (!isAccepted(answer)) expect(answer).toMatchObject({ reason: OVERLOADED });
    await inParallel(members, 16, async (uid, index) => {
      const chat = await server.backEnd.chat(uid, group, GROUP, { msg_count: 1 });
      expect(chat?.unread).toBe(index < 200 || accepted === 0 ? undefined : accepted);
    });
  });

  test("H-40i: the last of many queued deletes and creates of one row wins", async () => {
    const { backEnd } = shared.current;
    const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
    await backEnd.createGroup(group, [a, b]);
    await backEnd.send({ from: a, to: group, type: GROUP, text: "1" });
    for (const isMemberAtLast of [true, false, true]) {
      const calls: Promise<unknown>[] = [];
      for (let n = 0; n < 20; n++) {
        calls.push(n % 2 === 0 ? backEnd.removeMembers(group, [b]) : backEnd.addMembers(group, [b]));
      }
      await Promise.all(calls); // in any order: these only fill the queue
      await (isMemberAtLast ? backEnd.addMembers(group, [b]) : backEnd.removeMembers(group, [b]));
      await backEnd.send({ from: a, to: group, type: GROUP, text: "next" });
      const chat = await backEnd.chat(b, group, GROUP);
      expect(chat !== undefined && texts(chat.recents)[0]).toBe(isMemberAtLast ? "next" : false);
    }
  });
});
