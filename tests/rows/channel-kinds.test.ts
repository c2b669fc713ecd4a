/** The kinds of channels beside persons and groups: whose chat it is, who is pushed, and what is in no list. */
import { describe, expect, test } from "vitest";
import { type Chat, texts } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { staysQuiet, uniqueId } from "../harness/waiting.ts";

const CUSTOMER_SERVICE = 3;
const INFO = 6;
const VISITORS = 10;
const AGENT = 11;
const NOT_A_MEMBER = 3;

const shared = sharedServer();

function edit(how: "add" | "remove", id: string, type: number, uids: readonly string[]): Promise<unknown> {
  const body = { channel_id: id, channel_type: type, subscribers: uids };
  return shared.current.http.ask(`/channel/subscriber_${how}`, body);
}

/** A full list in short: [channel, unread, last seq]. */
async function listOf(uid: string): Promise<[string, number, number][]> {
  return (await shared.current.backEnd.sync(uid)).map(short);
}
function short(chat: Chat): [string, number, number] {
  return [chat.channel_id, chat.unread, chat.last_msg_seq];
}

describe("customer service", () => {
  test("H-10: the visitor's first message is in the list of the offline agents and in his own", async () => {
    const [visitor, agent] = [uniqueId("v"), uniqueId("agent")];
    const desk = `${visitor}|desk`;
    await edit("add", desk, CUSTOMER_SERVICE, [agent]);
    using client = await shared.current.connect(visitor);
    await client.sendOk({ to: desk, type: CUSTOMER_SERVICE, payload: "help" });
    expect(await listOf(agent)).toEqual([[desk, 1, 1]]);
    expect(await listOf(visitor)).toEqual([[desk, 0, 1]]);
  });

  test("H-11: an agent who comes after the first message has the chat, with the later messages unread", async () => {
    const [visitor, first, late] = [uniqueId("v"), uniqueId("agent"), uniqueId("agent")];
    const desk = `${visitor}|desk`;
    await edit("add", desk, CUSTOMER_SERVICE, [first]);
    using client = await shared.current.connect(visitor);
    await client.sendOk({ to: desk, type: CUSTOMER_SERVICE, payload: "1" });
    await edit("add", desk, CUSTOMER_SERVICE, [late]);
    expect(await listOf(late)).toEqual([[desk, 0, 1]]);
    await client.sendOk({ to: desk, type: CUSTOMER_SERVICE, payload: "2" });
    expect(await listOf(late)).toEqual([[desk, 1, 2]]);
    expect(await listOf(first)).toEqual([[desk, 2, 2]]);
  });

  test("H-12: a visitor who is only in the id has the chat whichever message comes, and outsiders who write do not", async () => {
    const [visitor, agent, outsider] = [uniqueId("v"), uniqueId("agent"), uniqueId("x")];
    const desk = `${visitor}|desk`;
    await edit("add", desk, CUSTOMER_SERVICE, [agent]);
    const { backEnd } = shared.current;
    await backEnd.send({ from: outsider, to: desk, type: CUSTOMER_SERVICE, text: "1", header: { no_persist: 1 } });
    await backEnd.send({ from: outsider, to: desk, type: CUSTOMER_SERVICE, text: "2" });
    using client = await shared.current.connect(outsider);
    await client.sendOk({ to: desk, type: CUSTOMER_SERVICE, payload: "3" });
    await shared.current.restart("SIGKILL");
    await backEnd.send({ from: agent, to: desk, type: CUSTOMER_SERVICE, text: "4" });
    expect(await listOf(visitor)).toEqual([[desk, 3, 3]]);
    expect(await listOf(agent)).toEqual([[desk, 0, 3]]);
    expect(await listOf(outsider)).toEqual([]);
    // Taken off the list of agents he still is the visitor.
    await edit("add", desk, CUSTOMER_SERVICE, [visitor]);
    await edit("remove", desk, CUSTOMER_SERVICE, [visitor, agent]);
    expect(await listOf(visitor)).toEqual([[desk, 3, 3]]);
    expect(await listOf(agent)).toEqual([]);
  });
});

describe("visitors", () => {
  test("H-13: a member's answer to an offline visitor is in the visitor's list", async () => {
    const [visitor, member, outsider] = [uniqueId("v"), uniqueId("m"), uniqueId("x")];
    await edit("add", visitor, VISITORS, [member]);
    using client = await shared.current.connect(member);
    await client.sendOk({ to: visitor, type: VISITORS, payload: "here" });
    expect(await listOf(visitor)).toEqual([[visitor, 1, 1]]);
    expect(await listOf(member)).toEqual([[visitor, 0, 1]]);
    using owner = await shared.current.connect(visitor);
    await owner.sendOk({ to: visitor, type: VISITORS, payload: "thanks" });
    expect(texts(await client.takeSome(1))).toEqual(["thanks"]);
    using stranger = await shared.current.connect(outsider);
    expect(await stranger.send({ to: visitor, type: VISITORS, payload: "no" })).toMatchObject({ reason: NOT_A_MEMBER });
  });

  test.each([CUSTOMER_SERVICE, VISITORS])(
    "type %i: an id that can be no uid is a channel of its members alone",
    async (type) => {
      const { backEnd } = shared.current;
      const [member, long] = [uniqueId("m"), `${uniqueId("v")}${"x".repeat(300)}`];
      const id = type === VISITORS ? long : `${long}|desk`;
      await edit("add", id, type, [member]);
      expect(await backEnd.send({ from: member, to: id, type, text: "hello" })).toMatchObject({ reason: 1 });
      expect(await listOf(member)).toEqual([[id, 0, 1]]);
    },
  );
});

describe("agents", () => {
  test("H-14: user and agent have the chat, whoever writes first and by whichever way", async () => {
    const { backEnd, http } = shared.current;
    const ask = { header: { red_dot: 1 }, channel_type: AGENT, payload: Buffer.from("hello").toString("base64") };
    for (const first of ["client of the user", "HTTP as the user", "HTTP as the agent", "client of the agent"]) {
      const [user, agent] = [uniqueId("u"), uniqueId("bot")];
      const chat = `${user}@${agent}`;
      using client = await shared.current.connect(first.endsWith("agent") ? agent : user);
      if (first === "client of the user") await client.sendOk({ to: agent, type: AGENT, payload: "hello" });
      else if (first === "client of the agent") await client.sendOk({ to: chat, type: AGENT, payload: "hello" });
      else if (first === "HTTP as the user") await backEnd.send({ from: user, to: agent, type: AGENT, text: "hello" });
      else await http.ask("/message/send", { ...ask, from_uid: agent, channel_id: chat });
      const byAgent = first.endsWith("agent");
      expect(await listOf(user), first).toEqual([[chat, byAgent ? 1 : 0, 1]]);
      expect(await listOf(agent), first).toEqual([[chat, byAgent ? 0 : 1, 1]]);
    }
  });

  test("H-14: the agent's answers land where the question is, over HTTP by the user's uid too", async () => {
    const { backEnd } = shared.current;
    const [user, agent] = [uniqueId("u"), uniqueId("bot")];
    const chat = `${user}@${agent}`;
    using asking = await shared.current.connect(user);
    using answering = await shared.current.connect(agent);
    await asking.sendOk({ to: agent, type: AGENT, payload: "question" });
    expect(await answering.takeSome(1)).toMatchObject([{ fromUid: user, channelId: agent, channelType: AGENT }]);
    await answering.sendOk({ to: chat, type: AGENT, payload: "by client" });
    await backEnd.send({ from: agent, to: user, type: AGENT, text: "by HTTP" });
    const received = await asking.takeSome(2);
    expect(texts(received)).toEqual(["by client", "by HTTP"]);
    expect(received).toMatchObject(Array(2).fill({ fromUid: agent, channelId: user, channelType: AGENT }));
    expect(received.map((message) => message.messageSeq)).toEqual([2, 3]);
    expect(await listOf(user)).toEqual([[chat, 2, 3]]);
    await backEnd.clearUnread(user, agent, AGENT);
    expect(await listOf(user)).toEqual([[chat, 0, 3]]);
  });
});

describe("listed kinds", () => {
  test.each([4, 5, INFO, 12, 13])("H-15: type %i: a member has the chat and counts what comes", async (type) => {
    const { backEnd } = shared.current;
    const [id, speaker, early, late] = [uniqueId("c"), uniqueId("s"), uniqueId("e"), uniqueId("l")];
    await edit("add", id, type, [speaker, early]);
    using client = await shared.current.connect(speaker);
    await client.sendOk({ to: id, type, payload: "1" });
    await edit("add", id, type, [late]);
    await client.sendOk({ to: id, type, payload: "2" });
    expect(await listOf(speaker)).toEqual([[id, 0, 2]]);
    expect(await listOf(early)).toEqual([[id, 2, 2]]);
    expect(await listOf(late)).toEqual([[id, 1, 2]]);
    await edit("remove", id, type, [early]);
    expect(await listOf(early)).toEqual([]);
    await client.sendOk({ to: id, type, payload: "3" });
    await edit("add", id, type, [early]);
    expect(await listOf(early)).toEqual([[id, 0, 3]]);
    await backEnd.send({ from: speaker, to: id, type, text: "4" });
    expect(await listOf(early)).toEqual([[id, 1, 4]]);
  });

  test("info channels take messages of anyone, who then has no chat and gets no push", async () => {
    const [id, member, outsider] = [uniqueId("c"), uniqueId("m"), uniqueId("x")];
    await edit("add", id, INFO, [member]);
    using reader = await shared.current.connect(member);
    using client = await shared.current.connect(outsider);
    using other = await shared.current.connect(outsider, { deviceFlag: 1 });
    await client.sendOk({ to: id, type: INFO, payload: "news" });
    expect(texts(await reader.takeSome(1))).toEqual(["news"]);
    expect(await staysQuiet(() => other.received.length > 0)).toBe(true);
    expect(await listOf(member)).toEqual([[id, 1, 1]]);
    expect(await listOf(outsider)).toEqual([]);
  });

  test.each([7, 8, 9])("type %i is pushed and in nobody's list", async (type) => {
    const { backEnd } = shared.current;
    const [id, speaker, reader] = [uniqueId("c"), uniqueId("s"), uniqueId("r")];
    await edit("add", id, type, [speaker, reader]);
    using client = await shared.current.connect(speaker);
    using online = await shared.current.connect(reader);
    await client.sendOk({ to: id, type, payload: "1" });
    await backEnd.send({ from: speaker, to: id, type, text: "a command", header: { sync_once: 1 } });
    await client.sendOk({ to: id, type, payload: "2" });
    expect(texts(await online.takeSome(3)).toSorted()).toEqual(["1", "2", "a command"]);
    await shared.current.restart("SIGKILL");
    for (const uid of [speaker, reader]) {
      expect(await listOf(uid)).toEqual([]);
      expect(await backEnd.channels(uid)).toEqual([]);
    }
    expect(texts(await backEnd.history(reader, id, type))).toContain("2");
  });

  test("receivers of a temporary channel stay after a kill -9, are replaced by the next call and may not send", async () => {
    const { backEnd, http } = shared.current;
    const [id, a, b] = [uniqueId("t"), uniqueId("a"), uniqueId("b")];
    await http.ask("/tmpchannel/subscriber_set", { channel_id: id, uids: [a] });
    await shared.current.restart("SIGKILL");
    using first = await shared.current.connect(a);
    using second = await shared.current.connect(b);
    await backEnd.send({ from: b, to: id, type: 8, text: "1" });
    expect(texts(await first.takeSome(1))).toEqual(["1"]);
    expect(await first.send({ to: id, type: 8, payload: "no" })).toMatchObject({ reason: NOT_A_MEMBER });
    await http.ask("/tmpchannel/subscriber_set", { channel_id: id, uids: [b] });
    await backEnd.send({ from: a, to: id, type: 8, text: "2" });
    expect(texts(await second.takeSome(1))).toEqual(["2"]);
    expect(await staysQuiet(() => first.received.length > 0)).toBe(true);
    await edit("add", id, 8, [a]);
    await first.sendOk({ to: id, type: 8, payload: "3" });
    expect(texts(await second.takeSome(1))).toEqual(["3"]);
  });
});
