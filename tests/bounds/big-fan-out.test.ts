/** A message to thousands does not hold up anybody else, and everybody gets it. */
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import type { WireClient } from "../harness/wire-client.ts";

const MEMBERS = 5_000;
const ONLINE = 200;
const MESSAGES = 40;
const PAIRS = 10;
const ROUNDS = 20;
const shared = sharedServer();

test("persons, syncs and logins go on while 40 messages go to 5,000 members", async () => {
  const server = shared.current;
  const [group, sender] = [uniqueId("g"), uniqueId("s")];
  const members = Array.from({ length: MEMBERS }, (_, index) => `${group}m${index}`);
  await server.backEnd.createGroup(group, [sender, ...members]);
  const readers: WireClient[] = [];
  const isOnline = (_: string, index: number): boolean => index % (MEMBERS / ONLINE) === 0;
  await inParallel(members.filter(isOnline), 16, async (uid) => {
    readers.push(await server.connect(uid));
  });
  using client = await server.connect(sender);
  const burst = client.burst(
    Array.from({ length: MESSAGES }, (_, index) => ({ to: group, type: GROUP, payload: `${index}` })),
  );
  const pairs = Array.from({ length: PAIRS }, () => [uniqueId("a"), uniqueId("b")] as const);
  await inParallel(pairs, PAIRS, async ([a, b]) => {
    using one = await server.connect(a);
    using other = await server.connect(b);
    for (let round = 1; round <= ROUNDS; round++) {
      await one.sendOk({ to: b, type: PERSON, payload: "ping" });
      expect(await other.takeSome(1)).toMatchObject([{ messageSeq: round * 2 - 1, fromUid: a }]);
      await other.sendOk({ to: a, type: PERSON, payload: "pong" });
      expect(await one.takeSome(1)).toMatchObject([{ messageSeq: round * 2, fromUid: b }]);
    }
    expect(await server.backEnd.chatOf(a, b)).toMatchObject({ unread: 1, last_msg_seq: ROUNDS * 2 });
  });
  for (const answer of await burst) expect(answer).toMatchObject({ reason: 1 });
  const all = Array.from({ length: MESSAGES }, (_, index) => index + 1);
  for (const reader of readers) {
    expect((await reader.takeSome(MESSAGES, 30_000)).map((message) => message.messageSeq)).toEqual(all);
    reader.close();
  }
  for (const uid of [members[1], members[MEMBERS - 1]])
    expect(await server.backEnd.chatOf(uid ?? "", group, GROUP)).toMatchObject({ unread: MESSAGES });
});
