/** Browsing what real clients have left behind. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { SdkClient } from "../harness/sdk-client.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { Operator, type Page } from "./operator.ts";

const WEB = 1;
const shared = sharedServer({ settings: { tokenAuthOn: true, "auth.users": "admin:pw:*" } });
const token = uniqueId("a-token-to-hide");
const [alice, bob, carol] = [uniqueId("alice"), uniqueId("bob"), uniqueId("carol")];
const group = uniqueId("group");
const held: { operator?: Operator; sent: string[] } = { sent: [] };

function operator(): Operator {
  return held.operator!;
}

/** All rows of a list, by its cursors, `limit` at a time. */
async function allOf(path: string, limit: number): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for (let cursor = ""; ; ) {
    const page = await operator().ask(`${path}${path.includes("?") ? "&" : "?"}limit=${limit}&cursor=${cursor}`);
    rows.push(...page.data);
    expect(page.data.length).toBeLessThanOrEqual(limit);
    if (page.more === 0) return rows;
    cursor = page.cursor!;
  }
}

function messageText(row: { readonly payload?: unknown }): string {
  return (JSON.parse(Buffer.from(String(row.payload), "base64").toString()) as { content: string }).content;
}

beforeAll(async () => {
  vi.spyOn(console, "log").mockImplementation(() => undefined); // the SDK tells every step
  const server = shared.current;
  for (const uid of [alice, bob]) await server.backEnd.setToken(uid, token, WEB, 0);
  await server.backEnd.createGroup(group, [alice, bob, carol]);
  using phone = await SdkClient.connect({ uid: alice, token, wsPort: server.wsPort });
  using web = await SdkClient.connect({ uid: bob, token, wsPort: server.wsPort });
  for (let count = 1; count <= 9; count++) {
    const text = `m${count}`;
    const [client, to, type] = count % 3 === 0 ? [web, alice, PERSON] : [phone, group, GROUP];
    expect(await client.sendText(to, type, text)).toMatchObject({ reason: 1 });
    held.sent.push(text);
  }
  held.operator = await Operator.login(server, "admin", "pw");
});

describe("messages", () => {
  const ours = "from_uid=";

  test("newest first, page by page, and back again", async () => {
    const older: string[] = [];
    const pages: Page[] = [];
    for (let offset = ""; ; ) {
      const page = await operator().ask(`/cluster/messages?limit=2&offset_message_id=${offset}`);
      pages.push(page);
      older.push(...page.data.filter((row) => row["from_uid"] === alice || row["from_uid"] === bob).map(messageText));
      if (page.more === 0) break;
      offset = page.offset_message_id!;
    }
    expect(older).toEqual(held.sent.toReversed());
    // The page before the second one is the first one.
    const [first] = pages;
    const second = pages[1]!.data[0]!;
    const back = await operator().ask(
      `/cluster/messages?limit=2&pre=1&offset_message_id=${String(second["message_id"])}`,
    );
    expect(back.data).toEqual(first!.data);
  });

  test("with the original's keys, the id as text", async () => {
    const { data } = await operator().ask(`/cluster/messages?limit=1&${ours}${alice}`);
    expect(Object.keys(data[0]!)).toEqual([
      "message_id",
      "message_seq",
      "client_msg_no",
      "timestamp",
      "timestamp_format",
      "channel_id",
      "channel_type",
      "topic",
      "from_uid",
      "payload",
      "expire",
      "term",
      "is_stream",
    ]);
    expect(data[0]).toMatchObject({ message_id: expect.stringMatching(/^\d{19}$/), channel_id: group, message_seq: 6 });
  });

  test("by sender, channel, payload, number or id", async () => {
    const found = async (query: string): Promise<string[]> =>
      (await operator().ask(`/cluster/messages?${query}`)).data.map(messageText);
    expect(await found(`${ours}${bob}`)).toEqual(["m9", "m6", "m3"]);
    expect(await found(`channel_id=${group}&channel_type=2&limit=2`)).toEqual(["m8", "m7"]);
    expect(await found(`channel_id=${group}&channel_type=2&limit=2&offset_message_seq=5`)).toEqual(["m5", "m4"]);
    expect(await found(`channel_id=${group}&channel_type=2&limit=2&offset_message_seq=2&pre=1`)).toEqual(["m5", "m4"]);
    expect(await found(`channel_id=${group}&limit=1`)).toEqual(["m8"]);
    const part = encodeURIComponent(Buffer.from('"m5"').toString("base64"));
    expect(await found(`payload=${part}&${ours}${alice}`)).toEqual(["m5"]);
    const [row] = (await operator().ask(`/cluster/messages?payload=${part}`)).data;
    expect(await found(`client_msg_no=${String(row!["client_msg_no"])}`)).toEqual(["m5"]);
    expect(await found(`message_id=${String(row!["message_id"])}`)).toEqual(["m5"]);
    expect(await found(`message_id=${String(row!["message_id"])}&${ours}${bob}`)).toEqual([]);
    expect(await found("message_id=12345")).toEqual([]);
  });

  test.each(["node_id=77", "payload=***", `channel_id=${"x".repeat(600)}`])("%s is refused", async (query) => {
    expect((await operator().get(`/cluster/messages?${query}`)).status).toBe(400);
  });

  test.each(["offset_message_id=99999999999999999999", "offset_message_id=abc", "limit=-1", "limit=1e9", "pre=1"])(
    "%s shows the first page",
    async (query) => {
      expect((await operator().ask(`/cluster/messages?${query}`)).data.length).toBeGreaterThan(5);
    },
  );
});

describe("channels", () => {
  test("with counts and heads; the lists of one", async () => {
    const rows = await allOf("/cluster/channels", 1);
    const row = rows.find((each) => each["channel_id"] === group);
    expect(row).toMatchObject({
      channel_type: 2,
      ban: 0,
      disband: 0,
      subscriber_count: 3,
      last_msg_seq: 6,
      status_format: "正常",
    });
    expect(rows.filter((each) => each["channel_id"] === group)).toHaveLength(1);
    expect((await operator().ask(`/cluster/channels?channel_id=${group}`)).data).toHaveLength(1);
    expect(await operator().ask<string[]>(`/cluster/channels/${group}/2/subscribers`)).toEqual(
      [alice, bob, carol].toSorted(),
    );
    for (const list of ["denylist", "allowlist"])
      expect(await operator().ask<string[]>(`/cluster/channels/${group}/2/${list}`)).toEqual([]);
  });

  test("by their flags and counts, which bring the original down", async () => {
    const banned = uniqueId("banned");
    await shared.current.http.ask("/channel", { channel_id: banned, channel_type: 4, ban: 1 });
    const ids = async (query: string): Promise<unknown[]> =>
      (await allOf(`/cluster/channels?${query}`, 3)).map((row) => row["channel_id"]);
    expect(await ids("ban=1")).toEqual([banned]);
    expect(await ids("ban=0&channel_type=4")).toEqual([]);
    expect(await ids("subscriber_count_gte=3")).toEqual([group]);
    expect(await ids("subscriber_count_gte=3&subscriber_count_lte=2")).toEqual([]);
    expect((await operator().ask(`/cluster/channels?channel_id=${banned}`)).data[0]).toMatchObject({
      status_format: "封禁",
    });
  });

  test("how far given ones have come", async () => {
    const asked = {
      channels: [
        { channel_id: group, channel_type: 2 },
        { channel_id: "none", channel_type: 2 },
      ],
    };
    const answer = await operator().post("/cluster/channel/status", asked);
    expect(answer.body).toMatchObject([
      { channel_id: group, channel_type: 2, running: 1, last_msg_seq: 6 },
      { channel_id: "none", channel_type: 2, running: 0, last_msg_seq: 0, last_msg_time: 0 },
    ]);
  });

  test("a page needs a cursor that a page gave", async () => {
    expect((await operator().get("/cluster/channels?cursor=nonsense")).status).toBe(400);
    expect((await operator().get("/cluster/channels?offset_created_at=1776840000000000000")).status).toBe(400);
    expect((await operator().get("/cluster/channels?node_id=77")).status).toBe(400);
  });
});

describe("users and devices", () => {
  test("everybody is listed once, with what is online", async () => {
    using _client = await SdkClient.connect({ uid: alice, token, wsPort: shared.current.wsPort });
    const rows = await allOf("/cluster/users", 2);
    for (const uid of [alice, bob, carol]) expect(rows.filter((row) => row["uid"] === uid)).toHaveLength(1);
    expect(rows.find((row) => row["uid"] === alice)).toMatchObject({ device_count: 1, conn_count: 1 });
    expect(rows.find((row) => row["uid"] === carol)).toMatchObject({ device_count: 0, conn_count: 0, created_at: 0 });
    expect((await operator().ask(`/cluster/users?uid=${carol}`)).data).toMatchObject([{ uid: carol }]);
    expect((await operator().ask(`/cluster/users?uid=${uniqueId("nobody")}`)).data).toEqual([]);
  });

  test("no page of any list has a token in clear, on either port", async () => {
    const devices = await allOf("/cluster/devices", 1);
    expect(devices.filter((row) => row["uid"] === alice)).toMatchObject([
      { device_flag: WEB, token: "******", device_flag_format: "WEB" },
    ]);
    const paths = ["devices", `devices?uid=${alice}`, "users", `conversations?uid=${alice}`, "channels", "messages"];
    for (const path of paths) {
      expect((await operator().get(`/cluster/${path}`)).text).not.toContain(token);
      expect((await shared.current.http.get(`/cluster/${path}`)).text).not.toContain(token);
    }
  });
});

test("chats have the numbers of the user's own list", async () => {
  const { data } = await operator().ask(`/cluster/conversations?uid=${carol}`);
  const [chat] = await shared.current.backEnd.sync(carol);
  expect(data).toMatchObject([
    {
      uid: carol,
      type: 0,
      type_format: "聊天",
      channel_id: group,
      unread_count: chat!.unread,
      last_msg_seq: chat!.last_msg_seq,
      readed_to_msg_seq: chat!.readed_to_msg_seq,
    },
  ]);
  expect(chat!.unread).toBe(6);
  const all = await allOf("/cluster/conversations", 2);
  expect(all.filter((row) => row["channel_id"] === group).map((row) => row["uid"])).toHaveLength(3);
});

test("this machine is a cluster of one node that leads all slots", async () => {
  const nodes = await operator().ask("/cluster/nodes");
  expect(nodes).toMatchObject({ total: 1, data: [{ id: 1001, is_leader: 1, online: 1, slot_leader_count: 64 }] });
  expect(await operator().ask("/cluster/simpleNodes")).toMatchObject({ total: 1, data: [{ id: 1001 }] });
  expect(await operator().ask("/cluster/node")).toMatchObject({ id: 1001, app_version: expect.stringMatching(/^\d/) });
  expect(await operator().ask("/cluster/info")).toMatchObject({ slotCount: 64, nodes: [{ id: 1001, online: true }] });
  expect((await operator().ask("/cluster/allslot")).data).toHaveLength(64);
  expect(await operator().ask<unknown[]>("/cluster/slots?ids=0,63")).toMatchObject([
    { id: 0 },
    { id: 63, leader_id: 1001 },
  ]);
  expect(await operator().get("/cluster/slots?ids=64")).toMatchObject({ status: 400, body: { msg: "slot not found" } });
});

test("the charts have a sample after the first seconds", async () => {
  const app = await vi.waitUntil(
    async () => {
      const samples = await operator().ask<Record<string, unknown>[]>("/metrics/app?latest=3600");
      return samples.length > 0 && samples;
    },
    { timeout: 30_000, interval: 200 },
  );
  expect(app[0]).toMatchObject({ conn_count: expect.any(Number), send_packet_count_rate: expect.any(Number) });
  const [system] = await operator().ask<{ memstats_alloc_bytes: { value: number }[] }[]>("/metrics/system?latest=3600");
  expect(system!.memstats_alloc_bytes[0]!.value).toBeGreaterThan(1_000_000);
});
