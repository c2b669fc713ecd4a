/** Things at the same moment. */
import { expect, test } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { atOnce } from "../harness/limits.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { staysQuiet, uniqueId } from "../harness/waiting.ts";
import type { Received, WireClient } from "../harness/wire-client.ts";

const shared = sharedServer();
const NOT_A_MEMBER = 3;

function seqs(messages: readonly Received[]): number[] {
  return messages.map((message) => message.messageSeq);
}
function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || numbers[index - 1]! < number);
}
function upTo(last: number): number[] {
  return Array.from({ length: last }, (_item, n) => n + 1);
}

test("races: a session that connects while 1,000 messages are sent has all of them, pushed or synced", async () => {
  const server = shared.current;
  for (const transport of ["tcp", "websocket"] as const) {
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    const senders = await Promise.all([0, 1, 2, 3].map((flag) => server.connect(a, { deviceFlag: flag, transport })));
    const sending = Promise.all(
      senders.map(async (client) => {
        for (let round = 0; round < 25; round++) {
          const answers = await client.burst(
            Array.from({ length: 10 }, (_item, n) => ({ to: b, type: PERSON, payload: `${n}` })),
          );
          for (const answer of answers) expect(answer).toMatchObject({ reason: 1 });
        }
      }),
    );
    const readers: WireClient[] = [];
    const synced: Set<number>[] = [];
    for (let n = 0; n < 5; n++) {
      const reader = await server.connect(b, { transport });
      readers.push(reader);
      // As a client does: it syncs once it is connected.
      synced.push(new Set((await server.backEnd.history(b, a, PERSON)).map((message) => message.message_seq)));
    }
    await sending;
    for (const [index, reader] of readers.entries()) {
      await reader.until(() => reader.received.at(-1)?.messageSeq === 1_000, 10_000);
      const pushed = seqs(reader.take());
      expect(isAscending(pushed), `pushed to reader ${index}`).toBe(true);
      expect(
        [...new Set([...pushed, ...synced[index]!])].toSorted((x, y) => x - y),
        `reader ${index}`,
      ).toEqual(upTo(1_000));
    }
    for (const client of [...senders, ...readers]) client.close();
  }
});

test("races: a member removed while a burst is under way receives nothing after the answer", async () => {
  const server = shared.current;
  for (let round = 0; round < 5; round++) {
    const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
    await server.backEnd.createGroup(group, [a, b]);
    using client = await server.connect(a);
    using member = await server.connect(b);
    const sending = (async (): Promise<number> => {
      let last = 0;
      for (let n = 0; n < 30; n++) {
        const answers = await client.burst(
          Array.from({ length: 20 }, () => ({ to: group, type: GROUP, payload: "x" })),
        );
        for (const answer of answers) if (answer.outcome === "answered") last = answer.messageSeq;
      }
      return last;
    })();
    await member.until(() => member.received.length > 20, 10_000);
    await server.backEnd.removeMembers(group, [b]);
    // What was sent before the answer may still be on its way; what is sent from here on is not his.
    const { message_seq: bound } = (
      await server.http.get(`/channel/max_message_seq?channel_id=${group}&channel_type=2`)
    ).body as { readonly message_seq: number };
    expect(await sending).toBe(600);
    expect(await member.send({ to: group, type: GROUP, payload: "no" })).toMatchObject({ reason: NOT_A_MEMBER });
    const received = seqs(member.take());
    expect(isAscending(received)).toBe(true);
    expect(received.at(-1)).toBeLessThanOrEqual(bound);
    expect(await staysQuiet(() => member.received.length > 0, 150)).toBe(true);
  }
});

test("H-58: whoever reads while others write sees each message once it is acknowledged, and no seq is given twice", async () => {
  const server = shared.current;
  const group = uniqueId("g");
  const writers = upTo(4).map((n) => uniqueId(`w${n}`));
  await server.backEnd.createGroup(group, writers);
  const head = async (): Promise<number> => {
    const { body } = await server.http.get(`/channel/max_message_seq?channel_id=${group}&channel_type=2`);
    return (body as { readonly message_seq: number }).message_seq;
  };
  const given = await Promise.all(
    writers.map(async (uid) => {
      using client = await server.connect(uid);
      const mine: number[] = [];
      for (let n = 0; n < 50; n++) {
        const { messageSeq } = await client.sendOk({ to: group, type: GROUP, payload: `${uid} ${n}` });
        mine.push(messageSeq);
        expect(await head()).toBeGreaterThanOrEqual(messageSeq);
        const newest = (await server.backEnd.history(uid, group, GROUP)).at(-1);
        expect(newest?.message_seq).toBeGreaterThanOrEqual(messageSeq);
      }
      return mine;
    }),
  );
  expect(given.flat().toSorted((x, y) => x - y)).toEqual(upTo(200));
});

test("races: two bursts into a channel of 5,000 members are seen by each connection in one ascending order", async () => {
  const server = shared.current;
  const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
  const members = Array.from({ length: 5_000 }, (_item, n) => `${uniqueId("m")}n${n}`);
  await server.backEnd.createGroup(group, [a, b, ...members]);
  const online = members.filter((_uid, index) => index % 100 === 0);
  const readers = await Promise.all(
    online.map((uid, index) => server.connect(uid, { transport: index % 2 ? "tcp" : "websocket" })),
  );
  using one = await server.connect(a);
  using two = await server.connect(b);
  // Under small bounds both bursts together still fit the fan-out.
  const count = Math.min(100, 5 * atOnce(100));
  const burst = Array.from({ length: count }, (_item, n) => ({ to: group, type: GROUP, payload: `${n}` }));
  const answers = (await Promise.all([one.burst(burst), two.burst(burst)])).flat();
  for (const answer of answers) expect(answer).toMatchObject({ reason: 1 });
  for (const reader of readers) expect(seqs(await reader.takeSome(2 * count, 20_000))).toEqual(upTo(2 * count));
  for (const client of [one, two]) {
    const received = await client.takeSome(count, 20_000);
    expect(isAscending(seqs(received))).toBe(true);
    expect(texts(received)).toEqual(burst.map((message) => message.payload));
  }
  for (const reader of readers) reader.close();
});

test("races: 64 simultaneous group creations and adds leave one consistent member list", async () => {
  const { backEnd, http } = shared.current;
  const group = uniqueId("g");
  const members = Array.from({ length: 64 }, (_item, n) => `${uniqueId("m")}n${n}`);
  await inParallel(members, 64, async (uid, index) => {
    await (index % 2 === 0 ? backEnd.createGroup(group, [uid]) : backEnd.addMembers(group, [uid]));
  });
  await backEnd.send({ from: members[0]!, to: group, type: GROUP, text: "to all" });
  await inParallel(members, 16, async (uid, index) => {
    expect(await backEnd.chatOf(uid, group, GROUP)).toMatchObject({ unread: index === 0 ? 0 : 1 });
  });
  const list = await http.get(`/cluster/channels/${group}/2/subscribers`);
  expect(list.status).toBe(200);
  for (const uid of members) expect(list.text).toContain(`"${uid}"`);
});
