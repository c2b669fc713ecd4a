/** The calls of WuKongIM's command line tool: its token header, its bodies, and what it prints of the answers. */
import { beforeAll, describe, expect, test } from "vitest";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { GoClient } from "./go-client.ts";

const MANAGER_TOKEN = "manager's secret";
const shared = sharedServer({ settings: { managerToken: MANAGER_TOKEN } });
const held: { wkcli?: GoClient } = {};
const OK = { status: 200 };
const SENT = { data: { message_id: "int64", client_msg_no: "string" } } as const;
const MESSAGE = {
  header: { no_persist: "int", red_dot: "int", sync_once: "int" },
  message_id: "int64",
  client_msg_no: "string",
  message_seq: "int64",
  from_uid: "string",
  channel_id: "string",
  channel_type: "uint8",
  timestamp: "int32",
  payload: "string",
} as const;
const CONVERSATION = {
  channel_id: "string",
  channel_type: "uint8",
  unread: "int",
  timestamp: "int64",
  last_msg_seq: "uint32",
  readed_to_msg_seq: "uint32",
  version: "int64",
} as const;
const CONNECTIONS = {
  connections: [
    {
      id: "int64",
      uid: "string",
      ip: "string",
      port: "int",
      uptime: "string",
      idle: "string",
      in_msgs: "int64",
      out_msgs: "int64",
      device: "string",
      device_id: "string",
      version: "int",
      in_msg_bytes: "int64",
      out_msg_bytes: "int64",
    },
  ],
  total: "int",
  offset: "int",
  limit: "int",
  now: "string",
} as const;

beforeAll(() => {
  held.wkcli = new GoClient(shared.current.http, { token: MANAGER_TOKEN, "content-type": "application/json" });
});

/** A new group with its members, made by `channel create` and `channel subscribers add`. */
async function groupOf(...members: string[]): Promise<{ readonly channel_id: string; readonly channel_type: number }> {
  const named = { channel_id: uniqueId("g"), channel_type: 2 };
  await held.wkcli!.done("/channel", { ...named, subscribers: members.slice(0, 1) });
  if (members.length > 1)
    await held.wkcli!.done("/channel/subscriber_add", { ...named, subscribers: members.slice(1) });
  return named;
}

function send(from: string, named: object, payload: object, header: object = { red_dot: 1 }): Promise<unknown> {
  const body = { header, from_uid: from, ...named, payload: Buffer.from(JSON.stringify(payload)).toString("base64") };
  return held.wkcli!.post("/message/send", body, SENT);
}

describe("wkcli", () => {
  test("health", async () => {
    expect(await held.wkcli!.get("/health", { status: "string" })).toEqual({ status: "ok" });
  });

  test("server connz: every sort it offers, with what it prints", async () => {
    const server = shared.current;
    const uid = uniqueId("u");
    using client = await server.connect(uid, { deviceFlag: 1 });
    await client.send({ to: uniqueId("peer"), type: 1, payload: "x" });
    for (const sort of ["", "&sort=id", "&sort=inMsg", "&sort=outMsg", "&sort=uptime", "&sort=idle"]) {
      const found = await held.wkcli!.get(`/connz?limit=20&offset=0&uid=${uid}${sort}`, CONNECTIONS);
      expect(found).toMatchObject({ offset: 0, limit: 20 });
      expect(found.total).toBeGreaterThanOrEqual(1);
      expect(found.connections).toHaveLength(1);
      expect(found.connections[0]).toMatchObject({
        uid,
        device: "Web(从)",
        ip: "127.0.0.1",
        in_msgs: 1n,
        out_msgs: 0n,
      });
      expect(found.connections[0]!.uptime).toMatch(/^\d+s$/);
    }
  });

  test("server varz", async () => {
    const varz = await held.wkcli!.get("/varz", {
      server_id: "string",
      server_name: "string",
      version: "string",
      connections: "int",
      uptime: "string",
      cpu: "float64",
      goroutine: "int",
      mem: "int64",
      in_msgs: "int64",
      out_msgs: "int64",
      in_bytes: "int64",
      out_bytes: "int64",
      tcp_addr: "string",
      ws_addr: "string",
      wss_addr: "string",
      commit: "string",
      commit_date: "string",
    });
    expect(varz.tcp_addr).toContain(String(shared.current.tcpPort));
    expect(varz.mem).toBeGreaterThan(0n);
  });

  test("user token, user online", async () => {
    const uid = uniqueId("u");
    const body = { uid, token: "abc123", device_flag: 0, device_level: 0 };
    expect(await held.wkcli!.done("/user/token", body)).toEqual(OK);
    const online = [{ uid: "string", device_flag: "int", online: "int" }] as const;
    expect(await held.wkcli!.post("/user/onlinestatus", [uid], online)).toEqual([]);
    using client = await shared.current.connect(uid);
    expect(client.isClosed).toBe(false);
    expect(await held.wkcli!.post("/user/onlinestatus", [uid, ""], online)).toEqual([
      { uid, device_flag: 0, online: 1 },
    ]);
  });

  test("channel create, info, subscribers add and remove, delete", async () => {
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    const named = await groupOf(a, b);
    using client = await shared.current.connect(b);
    const write = async (): Promise<unknown> => client.send({ to: named.channel_id, type: 2, payload: "x" });
    expect(await write()).toMatchObject({ reason: 1 });
    expect(await held.wkcli!.done("/channel/info", { ...named, ban: 1 })).toEqual(OK);
    expect(await write()).toMatchObject({ reason: 19 });
    // It sends only the flags it was given; what is left out is lifted.
    expect(await held.wkcli!.done("/channel/info", { ...named, large: 1 })).toEqual(OK);
    expect(await write()).toMatchObject({ reason: 1 });
    expect(await held.wkcli!.done("/channel/subscriber_remove", { ...named, subscribers: [b] })).toEqual(OK);
    expect(await write()).toMatchObject({ reason: 3 });
    expect(await held.wkcli!.done("/channel/delete", named)).toEqual(OK);
    expect(await write()).toMatchObject({ reason: 24 });
  });

  test("message send, message sync", async () => {
    const a = uniqueId("a");
    const named = await groupOf(a);
    for (const content of ["one", "two"]) await send(a, named, { content });
    const range = { ...named, start_message_seq: 0, end_message_seq: 0, limit: 20 };
    const page = { start_message_seq: "uint32", end_message_seq: "uint32", more: "int", messages: [MESSAGE] } as const;
    const found = await held.wkcli!.post("/channel/messagesync", { ...range, login_uid: a }, page);
    expect(found).toMatchObject({ more: 0, messages: [{ message_seq: 1n }, { message_seq: 2n, from_uid: a }] });
    await expect(held.wkcli!.post("/channel/messagesync", range, page)).rejects.toThrow("login_uid不能为空！");
  });

  test("cmd send, sync, syncack: acknowledged right after they are not handed out again", async () => {
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    const named = await groupOf(a, b);
    await send(a, named, { type: "typing" }, { red_dot: 0, sync_once: 1 });
    const sync = (): Promise<readonly { readonly message_seq: bigint; readonly channel_id: string }[]> =>
      held.wkcli!.post("/message/sync", { uid: b, message_seq: 0, limit: 200 }, [MESSAGE]);
    expect(await sync()).toMatchObject([{ message_seq: 1n, from_uid: a, channel_id: `${named.channel_id}____cmd` }]);
    expect(await held.wkcli!.done("/message/syncack", { uid: b, last_message_seq: 1 })).toEqual(OK);
    expect(await sync()).toEqual([]);
  });

  test("conversation sync, channels, setunread, clearunread, delete", async () => {
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    const named = await groupOf(a, b);
    for (const content of ["one", "two", "three"]) await send(a, named, { content });
    const sync = (count: number): Promise<unknown> =>
      held.wkcli!.post("/conversation/sync", { uid: b, msg_count: count, only_unread: 0, page: 0, page_size: 100 }, [
        CONVERSATION,
      ]);
    // Its default asks for no messages, and gets no chats.
    expect(await sync(0)).toEqual([]);
    expect(await sync(1)).toMatchObject([{ ...named, unread: 3, last_msg_seq: 3, readed_to_msg_seq: 0 }]);
    const channels = [{ channel_id: "string", channel_type: "uint8" }] as const;
    expect(await held.wkcli!.post("/conversation/channels", { uid: b }, channels)).toEqual([named]);
    expect(await held.wkcli!.done("/conversations/setUnread", { uid: b, ...named, unread: 2 })).toEqual(OK);
    expect(await sync(1)).toMatchObject([{ unread: 2 }]);
    expect(await held.wkcli!.done("/conversations/clearUnread", { uid: b, ...named })).toEqual(OK);
    expect(await sync(1)).toMatchObject([{ unread: 0, readed_to_msg_seq: 3 }]);
    expect(await held.wkcli!.done("/conversations/delete", { uid: b, ...named })).toEqual(OK);
    expect(await sync(1)).toEqual([]);
  });

  test("route", async () => {
    expect(await held.wkcli!.get("/route", { tcp_addr: "string" })).toEqual({
      tcp_addr: `127.0.0.1:${shared.current.tcpPort}`,
    });
  });

  test("without its token every call is refused, with no body to show", async () => {
    const stranger = new GoClient(shared.current.http, { token: "wrong" });
    await expect(stranger.done("/user/token", { uid: "u", token: "t" })).rejects.toMatchObject({ status: 401 });
  });
});
