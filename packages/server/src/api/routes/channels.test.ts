import { describe, expect, test } from "vitest";
import { OK, refusal, TestApi } from "../test-kit.ts";

const NO_FLAGS = { ban: false, disband: false, sendBan: false, large: false, allowStranger: false };
const KEY = { type: 2, id: "g" };

async function refused(path: string, body: unknown, text: string): Promise<void> {
  const api = new TestApi();
  expect(await api.post(path, body)).toMatchObject(refusal(text));
  expect(api.asked).toEqual([]);
}

describe("POST /channel", () => {
  test.each([
    [{}, "频道ID不能为空！"],
    [{ channel_id: "  ", channel_type: 2 }, "频道ID不能为空！"],
    [{ channel_id: "g" }, "频道类型错误！"],
    [{ channel_id: "a@b", channel_type: 0 }, "频道类型错误！"],
    [{ channel_id: "a@b", channel_type: 2 }, "频道ID不能包含特殊字符！"],
    [{ channel_id: "a@b", channel_type: 1, subscribers: ["a"] }, "频道ID不能包含特殊字符！"],
    [{ channel_id: "a", channel_type: 1, subscribers: ["b"] }, "不支持个人频道添加订阅者！"],
    [{ channel_id: "g", channel_type: 2, subscribers: ["", "a"] }, "添加订阅者失败！"],
    [{ channel_id: "g", channel_type: 2, subscribers: ["a", "b@c"] }, "uid不能包含特殊字符！"],
    [{ channel_id: "g", channel_type: 2, subscribers: ["a____cmd"] }, "uid不能以____cmd结尾！"],
    [{ channel_id: "g____cmd", channel_type: 2 }, "频道ID不能以____cmd结尾！"],
  ])("%j is refused: %s", async (body, text) => {
    await refused("/channel", body, text);
  });

  test("says what is wrong with a body behind its own text", async () => {
    expect(await new TestApi().postRaw("/channel", "")).toMatchObject(refusal("数据格式有误！: EOF"));
  });

  test("overwrites all five flags, and only 1 means yes", async () => {
    const api = new TestApi();
    expect(await api.post("/channel", { ...flagsOf(1), channel_id: "g", channel_type: 2 })).toMatchObject(OK);
    expect(await api.post("/channel", { ...flagsOf(2), channel_id: "g", channel_type: 2 })).toMatchObject(OK);
    expect(api.asked).toEqual([
      ["setFlags", KEY, { ban: true, disband: true, sendBan: true, large: true, allowStranger: true }],
      ["setFlags", KEY, NO_FLAGS],
    ]);
  });

  test("adds members, or replaces them, or removes all", async () => {
    const api = new TestApi();
    await api.post("/channel", { channel_id: "g", channel_type: 2, subscribers: ["a", "b"] });
    await api.post("/channel", { channel_id: "g", channel_type: 2, subscribers: ["b"], reset: 1 });
    await api.post("/channel", { channel_id: "g", channel_type: 2, reset: 1 });
    expect(api.asked.filter(([name]) => name !== "setFlags")).toEqual([
      ["addMembers", KEY, ["a", "b"], { reset: false }],
      ["addMembers", KEY, ["b"], { reset: true }],
      ["removeAllMembers", KEY],
    ]);
  });
});

describe("POST /channel/info", () => {
  test("takes stored ids and type 0, for flags only", async () => {
    const api = new TestApi();
    expect(await api.post("/channel/info", { channel_id: "a@b", channel_type: 1, ban: 1 })).toMatchObject(OK);
    expect(await api.post("/channel/info", { channel_id: "g", channel_type: 0 })).toMatchObject(OK);
    expect(api.asked).toEqual([
      ["setFlags", { type: 1, id: "a@b" }, { ...NO_FLAGS, ban: true }],
      ["setFlags", { type: 0, id: "g" }, NO_FLAGS],
    ]);
  });

  test.each(["", "{", '{"channel_id":5}', '{"channel_id":"g","channel_type":300}'])(
    "%j: one text for all bad bodies",
    async (raw) => {
      expect(await new TestApi().postRaw("/channel/info", raw)).toMatchObject(refusal("数据格式有误！"));
    },
  );

  test("needs an id", async () => {
    await refused("/channel/info", {}, "频道ID不能为空！");
  });
});

describe("POST /channel/delete", () => {
  test("disbands", async () => {
    const api = new TestApi();
    expect(await api.post("/channel/delete", { channel_id: "g", channel_type: 2 })).toMatchObject(OK);
    expect(api.asked).toEqual([["disband", KEY]]);
  });

  test("not a person, not without id", async () => {
    await refused("/channel/delete", { channel_id: "a", channel_type: 1 }, "个人频道不支持添加订阅者！");
    await refused("/channel/delete", {}, "频道ID不能为空！");
  });
});

describe("members", () => {
  test.each([
    [{}, "频道ID不能为空！"],
    [{ subscribers: ["a"] }, "频道ID不能为空！"],
    [{ channel_id: "g" }, "订阅者不能为空！"],
    [{ channel_id: "g", subscribers: [] }, "订阅者不能为空！"],
    [{ channel_id: "g", subscribers: ["", " "] }, "订阅者不能为空！"],
    [{ channel_id: "g@h", subscribers: ["a"] }, "频道ID不能包含特殊字符！"],
    [{ channel_id: "g", channel_type: 1, subscribers: ["a"] }, "个人频道不支持添加订阅者！"],
    [{ channel_id: "g", temp_subscriber: 1, subscribers: ["a"] }, "新版本临时订阅者已不支持！"],
    [{ channel_id: "g", subscribers: ["", "a"] }, "添加频道失败！"],
  ])("subscriber_add %j is refused: %s", async (body, text) => {
    await refused("/channel/subscriber_add", body, text);
  });

  test("subscriber_add defaults to a group", async () => {
    const api = new TestApi();
    expect(await api.post("/channel/subscriber_add", { channel_id: "g", subscribers: ["a"], reset: 1 })).toMatchObject(
      OK,
    );
    expect(api.asked).toEqual([["addMembers", KEY, ["a"], { reset: true }]]);
  });

  test.each([
    [{}, "频道ID不能为空！"],
    [{ channel_id: "g", channel_type: 2 }, "订阅者不能为空！"],
    [{ channel_id: "g", channel_type: 2, subscribers: [""] }, "订阅者不能为空！"],
    [{ channel_id: "g@h", channel_type: 2, subscribers: ["a"] }, "频道ID不能包含特殊字符！"],
    [{ channel_id: "g", channel_type: 1, subscribers: ["a"] }, "个人频道不支持添加订阅者！"],
  ])("subscriber_remove %j is refused: %s", async (body, text) => {
    await refused("/channel/subscriber_remove", body, text);
  });

  test("subscriber_remove without a type addresses another channel, and passes over what is no uid", async () => {
    const api = new TestApi();
    await api.post("/channel/subscriber_remove", { channel_id: "g", subscribers: ["a", "", "b@c"] });
    expect(api.asked).toEqual([["removeMembers", { type: 0, id: "g" }, ["a"]]]);
  });

  test.each([
    [{}, "channel_id不能为空！"],
    [{ channel_id: "g" }, "频道类型不能为0！"],
    [{ channel_type: 2 }, "channel_id不能为空！"],
    [{ channel_id: "g", channel_type: 1 }, "个人频道不支持此操作！"],
  ])("subscriber_remove_all %j is refused: %s", async (body, text) => {
    await refused("/channel/subscriber_remove_all", body, text);
  });

  test("subscriber_remove_all removes all", async () => {
    const api = new TestApi();
    expect(await api.post("/channel/subscriber_remove_all", { channel_id: "g", channel_type: 2 })).toMatchObject(OK);
    expect(api.asked).toEqual([["removeAllMembers", KEY]]);
  });

  test.each([
    [{}, "channel_id不能为空！"],
    [{ channel_id: "t" }, "uids不能为空！"],
    [{ channel_id: "t", uids: ["a", " "] }, "uids不能为空！"],
    [{ channel_id: "t@", uids: ["a"] }, "频道ID不能包含特殊字符！"],
    [{ channel_id: "t", uids: ["a@b"] }, "uid不能包含特殊字符！"],
  ])("tmpchannel/subscriber_set %j is refused: %s", async (body, text) => {
    await refused("/tmpchannel/subscriber_set", body, text);
  });

  test("tmpchannel/subscriber_set sets the receivers of a temporary channel, named with or without the suffix", async () => {
    const api = new TestApi();
    for (const id of ["t", "t____cmd"])
      expect(await api.post("/tmpchannel/subscriber_set", { channel_id: id, uids: ["a", "b"] })).toMatchObject(OK);
    const asked = ["setReceivers", { type: 8, id: "t" }, ["a", "b"]];
    expect(api.asked).toEqual([asked, asked]);
  });

  test.each([
    ["subscribers", "members"],
    ["denylist", "deny"],
    ["allowlist", "allow"],
  ])("GET /cluster/channels/:id/:type/%s is a bare list of uids", async (path, list) => {
    const api = new TestApi();
    api.listed.push({ uid: "a", createdMs: 1 }, { uid: "b", createdMs: 2 });
    expect((await api.get(`/cluster/channels/g/2/${path}`)).json).toEqual(["a", "b"]);
    expect((await api.get(`/cluster/channels/a%40b____cmd/x/${path}`)).status).toBe(200);
    expect(api.asked).toEqual([
      ["list", KEY, list],
      ["list", { type: 0, id: "a@b" }, list],
    ]);
  });
});

function flagsOf(value: number): Record<string, number> {
  return { ban: value, disband: value, send_ban: value, large: value, allow_stranger: value };
}
