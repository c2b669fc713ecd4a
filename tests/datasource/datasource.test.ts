/** The back end is asked for what it knows better, and a message never depends on luck while it does not answer. */
import { expect, test } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { DatasourceServer } from "../harness/datasource-server.ts";
import { ServerProcess, type Settings } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import type { WireClient } from "../harness/wire-client.ts";

const NOT_A_MEMBER = 3;
const DENIED = 4;
const NOT_ALLOWED = 13;
const SYSTEM_ERROR = 15;
const BANNED = 19;
const ALL: Settings = {
  "datasource.channelInfoOn": true,
  "datasource.subscribersOn": true,
  "datasource.blacklistOn": true,
  "datasource.whitelistOn": true,
  "datasource.timeout": "500ms",
};

function start(source: DatasourceServer, settings: Settings = ALL): Promise<ServerProcess> {
  return ServerProcess.start({ settings: { "datasource.addr": source.url, ...settings } });
}
async function reasonOf(client: WireClient, to: string, payload = "hi", type = GROUP): Promise<number> {
  const answer = await client.send({ to, type, payload });
  return answer.outcome === "answered" ? answer.reason : 0;
}
interface Bench extends AsyncDisposable {
  readonly source: DatasourceServer;
  readonly server: ServerProcess;
}

/** What the start has asked is forgotten. */
async function started(settings: Settings = ALL): Promise<Bench> {
  const source = await DatasourceServer.start();
  const server = await start(source, settings);
  source.asked.length = 0;
  return {
    source,
    server,
    async [Symbol.asyncDispose]() {
      await server.dispose();
      await source.close();
    },
  };
}

test("with only an address it is asked for the system accounts, once, and for nothing else", async () => {
  await using source = await DatasourceServer.start();
  const helper = uniqueId("helper");
  source.knows.set("getSystemUIDs", [helper]);
  await using server = await start(source, {});
  const group = uniqueId("g");
  await server.backEnd.createGroup(group, [uniqueId("m")]);
  using system = await server.connect(helper);
  using stranger = await server.connect(uniqueId("s"));
  expect([await reasonOf(system, group), await reasonOf(stranger, group)]).toEqual([1, NOT_A_MEMBER]);
  expect(source.asked).toEqual([{ cmd: "getSystemUIDs", data: {} }]);
});

test("the members that it names have the first message in their lists and on their devices, without any call of the API", async () => {
  await using bench = await started();
  const { source, server } = bench;
  const [a, b, group] = [uniqueId("a"), uniqueId("b"), uniqueId("g")];
  source.knows.set(`getSubscribers 2 ${group}`, [a, b]);
  using receiver = await server.connect(b);
  using sender = await server.connect(a);
  await sender.sendOk({ to: group, type: GROUP, payload: "first" });
  expect(texts(await receiver.takeSome(1))).toEqual(["first"]);
  expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 1, last_msg_seq: 1 });
  await server.restart("SIGKILL");
  expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 1, last_msg_seq: 1 });
  expect(source.askedFor("getSubscribers").filter(({ data }) => data.channel_id === group)).toEqual([
    { cmd: "getSubscribers", data: { channel_id: group, channel_type: GROUP } },
  ]);
});

test("what it says decides: who may send, who is denied, who is allowed, whether the channel is banned", async () => {
  await using bench = await started({ ...ALL, whitelistOffOfPerson: false, "datasource.cacheTime": "0s" });
  const { source, server } = bench;
  const [a, b, group] = [uniqueId("a"), uniqueId("b"), uniqueId("g")];
  using client = await server.connect(a);
  const say = (cmd: string, id: string, type: number, answer: unknown): unknown =>
    source.knows.set(`${cmd} ${type} ${id}`, answer);
  say("getSubscribers", group, GROUP, [b]);
  expect(await reasonOf(client, group)).toBe(NOT_A_MEMBER);
  say("getSubscribers", group, GROUP, [a, b]);
  expect(await reasonOf(client, group)).toBe(1);
  say("getBlacklist", group, GROUP, [a]);
  expect(await reasonOf(client, group)).toBe(DENIED);
  say("getBlacklist", group, GROUP, []);
  say("getWhitelist", group, GROUP, [b]);
  expect(await reasonOf(client, group)).toBe(NOT_ALLOWED);
  say("getWhitelist", group, GROUP, null);
  say("getChannelInfo", group, GROUP, { ban: 1 });
  expect(await reasonOf(client, group)).toBe(BANNED);
  say("getChannelInfo", group, GROUP, {});
  expect(await reasonOf(client, group)).toBe(1);
  expect(await reasonOf(client, b, "hi", PERSON)).toBe(NOT_ALLOWED);
  say("getWhitelist", b, PERSON, [a]);
  expect(await reasonOf(client, b, "hi", PERSON)).toBe(1);
});

test.each(["hangs", 500, "is gone"] as const)(
  "when it fails (%s) a send is refused for now, with SENDACK 15 and HTTP 503, the rest of the server goes on, and it heals by itself",
  async (failure) => {
    await using bench = await started();
    const { source, server } = bench;
    const [a, b, group] = [uniqueId("a"), uniqueId("b"), uniqueId("g")];
    source.knows.set(`getSubscribers 2 ${group}`, [a, b]);
    if (failure === "is gone") await source.close();
    else source.mode = failure;
    using client = await server.connect(a);
    const copy = { to: group, type: GROUP, payload: "once", clientMsgNo: uniqueId("no") };
    const refused = client.send(copy);
    const message = { from_uid: a, channel_id: group, channel_type: GROUP, payload: "eA==" };
    const unavailable = server.http.post("/message/send", message);
    expect((await server.http.get("/health")).status).toBe(200);
    expect(await refused).toMatchObject({ outcome: "answered", reason: SYSTEM_ERROR });
    expect((await unavailable).status).toBe(503);
    expect(await server.backEnd.history(a, group, GROUP)).toEqual([]);
    source.mode = "answers";
    if (failure === "is gone") await source.open();
    await eventually(async () => {
      const answer = await client.send(copy);
      return answer.outcome === "answered" && answer.reason === 1;
    }, "the send goes through");
    expect((await server.backEnd.history(a, group, GROUP)).length).toBe(1);
    expect(server.output).toContain("the datasource does not answer");
    expect(server.output).toContain("the datasource answers again");
  },
);

test("its last answer counts while none can be had, also after the server was killed, but not beyond the stale time", async () => {
  await using bench = await started({ ...ALL, "datasource.cacheTime": "0s" });
  const { source, server } = bench;
  const [a, s, group] = [uniqueId("a"), uniqueId("s"), uniqueId("g")];
  source.knows.set(`getSubscribers 2 ${group}`, [a]);
  const reasons = async (): Promise<readonly number[]> => {
    using member = await server.connect(a);
    using stranger = await server.connect(s);
    return [await reasonOf(member, group), await reasonOf(stranger, group)];
  };
  expect(await reasons()).toEqual([1, NOT_A_MEMBER]);
  source.failsFor = group;
  expect(await reasons()).toEqual([1, NOT_A_MEMBER]);
  await server.restart("SIGKILL");
  expect(await reasons()).toEqual([1, NOT_A_MEMBER]);
  const settings = { "datasource.addr": source.url, ...ALL, "datasource.cacheTime": "0s" };
  await server.restart("SIGKILL", { ...settings, "datasource.staleTime": "0s" });
  expect(await reasons()).toEqual([SYSTEM_ERROR, SYSTEM_ERROR]);
});

test("a change by the API counts at once and is not undone by an older answer", async () => {
  await using bench = await started();
  const { source, server } = bench;
  const [a, b, group] = [uniqueId("a"), uniqueId("b"), uniqueId("g")];
  source.knows.set(`getSubscribers 2 ${group}`, [a]);
  using first = await server.connect(a);
  using second = await server.connect(b);
  expect([await reasonOf(first, group), await reasonOf(second, group)]).toEqual([1, NOT_A_MEMBER]);
  source.knows.set(`getSubscribers 2 ${group}`, [a, b]);
  // Fresh still: nobody asks again by itself.
  expect(await reasonOf(second, group)).toBe(NOT_A_MEMBER);
  await server.backEnd.addMembers(group, [b]);
  expect(await reasonOf(second, group)).toBe(1);
  source.knows.set(`getSubscribers 2 ${group}`, [b]);
  await server.backEnd.removeMembers(group, [a]);
  expect(await reasonOf(first, group)).toBe(NOT_A_MEMBER);
});

test("a member that it no longer names keeps his place for when he comes back, and loses the chat meanwhile", async () => {
  await using bench = await started({ ...ALL, "datasource.cacheTime": "0s" });
  const { source, server } = bench;
  const [a, b, group] = [uniqueId("a"), uniqueId("b"), uniqueId("g")];
  const members = (...uids: readonly string[]): unknown => source.knows.set(`getSubscribers 2 ${group}`, uids);
  using client = await server.connect(a);
  members(a, b);
  await client.sendOk({ to: group, type: GROUP, payload: "1" });
  members(a);
  await client.sendOk({ to: group, type: GROUP, payload: "2" });
  expect(await server.backEnd.chat(b, group, GROUP)).toBeUndefined();
  members(a, b);
  await client.sendOk({ to: group, type: GROUP, payload: "3" });
  expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 1, last_msg_seq: 3 });
});

test("a bad address or channel type stops the start with the key's name", async () => {
  for (const [key, value] of [
    ["datasource.addr", "not a url"],
    ["datasource.channelTypes", "2 group"],
  ] as const) {
    await using server = await ServerProcess.launch({ settings: { [key]: value } });
    const exit = await server.waitForExit();
    expect([exit.code, server.output.includes(key)]).toEqual([expect.any(Number), true]);
    expect(exit.code).not.toBe(0);
  }
});
