/** Members that come, go and come back: what they see, what they receive, what they have read. */
import { expect, test } from "vitest";
import { findChat, GROUP, PERSON, texts } from "../harness/back-end.ts";
import type { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { staysQuiet, uniqueId } from "../harness/waiting.ts";

const NOT_A_MEMBER = 3;
const ON_DENY_LIST = 4;
const NOT_ON_ALLOW_LIST = 13;
const shared = sharedServer();

/** A group in which `from` has sent `count` messages "1", "2", … */
async function groupWithMessages(
  server: ServerProcess,
  members: readonly string[],
  from: string,
  count: number,
): Promise<string> {
  const group = uniqueId("g");
  await server.backEnd.createGroup(group, members);
  using client = await server.connect(from);
  for (const answer of await client.burst(numbered(group, 1, count))) expect(answer).toMatchObject({ reason: 1 });
  return group;
}
function numbered(to: string, first: number, last: number): { to: string; type: number; payload: string }[] {
  return Array.from({ length: last - first + 1 }, (_item, n) => ({ to, type: GROUP, payload: String(first + n) }));
}

test("H-21: a member added after 100 messages has unread 1 after message 101", async () => {
  const server = shared.current;
  const [a, b, late] = [uniqueId("a"), uniqueId("b"), uniqueId("late")];
  const group = await groupWithMessages(server, [a, b], a, 100);
  await server.backEnd.addMembers(group, [late]);
  using client = await server.connect(a);
  await client.sendOk({ to: group, type: GROUP, payload: "101" });
  expect(await server.backEnd.chatOf(late, group, GROUP)).toMatchObject({
    unread: 1,
    readed_to_msg_seq: 100,
    last_msg_seq: 101,
  });
  expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 101 });
  // Joining sets a floor for unread; it hides no history.
  expect(await server.backEnd.history(late, group, GROUP)).toHaveLength(101);
});

test("H-22: adding a member again leaves his 5 unread messages", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const group = await groupWithMessages(server, [a, b], a, 5);
  await server.backEnd.addMembers(group, [b]);
  await server.backEnd.addMembers(group, [a, b], 1);
  expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 5, readed_to_msg_seq: 0 });
});

test("H-22: creating the channel again with the full list leaves his 5 unread messages", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const group = await groupWithMessages(server, [a, b], a, 5);
  await server.backEnd.createGroup(group, [a, b]);
  await server.backEnd.createGroup(group, [a, b], { reset: 1 });
  expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 5, readed_to_msg_seq: 0 });
});

test("H-23: a member added at the moment of the first message receives the next one online and offline", async () => {
  const server = shared.current;
  for (let round = 0; round < 20; round++) {
    const [group, a, online, offline] = [uniqueId("g"), uniqueId("a"), uniqueId("on"), uniqueId("off")];
    await server.backEnd.createGroup(group, [a]);
    using client = await server.connect(a);
    using reader = await server.connect(online);
    await Promise.all([
      client.sendOk({ to: group, type: GROUP, payload: "first" }),
      server.backEnd.addMembers(group, [online, offline]),
    ]);
    await client.sendOk({ to: group, type: GROUP, payload: "next" });
    await reader.until(() => reader.received.some((message) => message.payload.toString() === "next"), 5_000);
    expect(texts(reader.take()).at(-1)).toBe("next");
    const chat = await server.backEnd.chatOf(offline, group, GROUP);
    expect(texts(chat.recents)[0]).toBe("next");
    expect(chat.unread).toBeGreaterThanOrEqual(1);
  }
});

test("H-24: a member taken off the deny list has his chat, and had it all the time", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const group = await groupWithMessages(server, [a, b], a, 3);
  for (const undo of [
    () => server.backEnd.clearList("blacklist", group, GROUP),
    () => server.backEnd.editList("blacklist", "set", group, GROUP, []),
    () => server.backEnd.editList("blacklist", "remove", group, GROUP, [b]),
  ]) {
    await server.backEnd.editList("blacklist", "add", group, GROUP, [b]);
    using denied = await server.connect(b);
    expect(await denied.send({ to: group, type: GROUP, payload: "no" })).toMatchObject({ reason: ON_DENY_LIST });
    expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 3 });
    await undo();
    expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 3 });
  }
});

test("H-24b: a deny list of a person makes no junk row and leaves the real row", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await server.backEnd.editList("blacklist", "add", b, PERSON, [a]);
  await server.backEnd.editList("blacklist", "remove", b, PERSON, [a]);
  expect(await server.backEnd.channels(a)).toEqual([]);
  expect(await server.backEnd.channels(b)).toEqual([]);
  await server.backEnd.send({ from: a, to: b, type: PERSON, text: "hello" });
  await server.backEnd.editList("blacklist", "add", b, PERSON, [a]);
  await server.backEnd.editList("blacklist", "remove", b, PERSON, [a]);
  for (const uid of [a, b]) expect(await server.backEnd.channels(uid)).toHaveLength(1);
  expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 1 });
});

test("H-24c: after reset and after remove_all former members do not sync the group", async () => {
  const server = shared.current;
  const [a, b, c] = [uniqueId("a"), uniqueId("b"), uniqueId("c")];
  const first = await groupWithMessages(server, [a, b], a, 3);
  await server.backEnd.createGroup(first, [a, c], { reset: 1 });
  expect(await server.backEnd.chat(b, first, GROUP)).toBeUndefined();
  expect(await server.backEnd.chatOf(a, first, GROUP)).toMatchObject({ last_msg_seq: 3 });

  const second = await groupWithMessages(server, [a, b], a, 3);
  await server.backEnd.removeAllMembers(second);
  for (const uid of [a, b]) expect(await server.backEnd.chat(uid, second, GROUP)).toBeUndefined();
  await server.backEnd.send({ from: a, to: second, type: GROUP, text: "to nobody" });
  for (const uid of [a, b]) expect(findChat(await server.backEnd.sync(uid), second, GROUP)).toBeUndefined();
});

test("H-24d: removing and adding a member during a burst leaves his row with the right read position", async () => {
  const server = shared.current;
  for (let round = 0; round < 10; round++) {
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    const group = await groupWithMessages(server, [a, b], a, 2);
    using client = await server.connect(a);
    const burst = client.burst(numbered(group, 3, 60));
    await server.backEnd.removeMembers(group, [b]);
    await server.backEnd.addMembers(group, [b]);
    for (const answer of await burst) expect(answer).toMatchObject({ reason: 1 });
    await client.sendOk({ to: group, type: GROUP, payload: "61" });
    const chat = await server.backEnd.chatOf(b, group, GROUP);
    expect(chat.last_msg_seq).toBe(61);
    // He joined somewhere in the burst: all that came after is unread, and nothing else.
    expect(chat.unread).toBe(61 - chat.readed_to_msg_seq);
    expect(chat.readed_to_msg_seq).toBeGreaterThanOrEqual(2);
    expect(chat.unread).toBeGreaterThanOrEqual(1);
  }
});

test("R-67: a removed member receives nothing more and is refused as not a member; added again he may send", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const group = await groupWithMessages(server, [a, b], a, 1);
  using client = await server.connect(a);
  using member = await server.connect(b);
  await client.sendOk({ to: group, type: GROUP, payload: "2" });
  expect(texts(await member.takeSome(1))).toEqual(["2"]);
  await server.backEnd.removeMembers(group, [b]);
  await client.sendOk({ to: group, type: GROUP, payload: "3" });
  expect(await member.send({ to: group, type: GROUP, payload: "no" })).toMatchObject({ reason: NOT_A_MEMBER });
  expect(await staysQuiet(() => member.received.length > 0)).toBe(true);
  expect(await server.backEnd.chat(b, group, GROUP)).toBeUndefined();
  await server.backEnd.addMembers(group, [b]);
  await member.sendOk({ to: group, type: GROUP, payload: "4" });
  await client.sendOk({ to: group, type: GROUP, payload: "5" });
  expect(texts(await member.takeSome(1))).toEqual(["5"]);
  expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 1, last_msg_seq: 5 });
});

test("R-40: clearing unread, then adding the member again and creating the channel again leaves unread 0", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const group = await groupWithMessages(server, [a, b], a, 7);
  await server.backEnd.clearUnread(b, group, GROUP);
  await Promise.all([
    server.backEnd.addMembers(group, [b]),
    server.backEnd.createGroup(group, [a, b]),
    server.backEnd.editList("whitelist", "add", group, GROUP, [a, b]),
    server.backEnd.addMembers(group, [a, b], 1),
  ]);
  for (let look = 0; look < 3; look++) {
    expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 0, readed_to_msg_seq: 7 });
  }
});

test("H-59: once the last one is off the allow list, everybody in the group may send, from that answer on", async () => {
  const server = shared.current;
  const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
  await server.backEnd.createGroup(group, [a, b]);
  await server.backEnd.editList("whitelist", "add", group, GROUP, [a]);
  using client = await server.connect(b);
  expect(await client.send({ to: group, type: GROUP, payload: "no" })).toMatchObject({ reason: NOT_ON_ALLOW_LIST });
  await server.backEnd.editList("whitelist", "remove", group, GROUP, [a]);
  expect(await client.sendOk({ to: group, type: GROUP, payload: "yes" })).toMatchObject({ messageSeq: 1 });
});
