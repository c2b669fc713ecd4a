import { personChannelId } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { refusal, storedMessage, TestApi } from "../test-kit.ts";

const NOT_FOUND = { status: 200, json: { status: 404 } };
const PERSONS = { type: 1, id: personChannelId("a", "b") };

describe("POST /channel/messagesync", () => {
  const url = "/channel/messagesync";

  test.each([
    [{}, "channel_id不能为空！"],
    [{ login_uid: "a" }, "channel_id不能为空！"],
    [{ login_uid: "a", channel_id: " " }, "channel_id不能为空！"],
    [{ channel_id: "g" }, "login_uid不能为空！"],
    [{ login_uid: " ", channel_id: "g", channel_type: 2 }, "login_uid不能为空！"],
  ])("%j is refused: %s", async (body, text) => {
    expect(await new TestApi().post(url, body)).toMatchObject(refusal(text));
  });

  test.each([
    [{ channel_id: "b", channel_type: 1 }, PERSONS, "chat"],
    [{ channel_id: "b____cmd", channel_type: 1 }, PERSONS, "command"],
    [{ channel_id: "g", channel_type: 2 }, { type: 2, id: "g" }, "chat"],
    [{ channel_id: "g____cmd", channel_type: 2 }, { type: 2, id: "g" }, "command"],
    [{ channel_id: "a@bot", channel_type: 11 }, { type: 11, id: "a@bot" }, "chat"],
    [{ channel_id: "bot", channel_type: 11 }, { type: 11, id: "bot" }, "chat"],
  ])("%j reads %j, the %s log", async (body, channel, log) => {
    const api = new TestApi();
    await api.post(url, { ...body, login_uid: "a" });
    expect(api.pages).toEqual([{ channel, log, startSeq: 0, endSeq: 0, limit: 100, direction: "down" }]);
  });

  test("a stored id in place of a person's uid finds nothing", async () => {
    const api = new TestApi();
    const answer = await api.post(url, { login_uid: "a", channel_id: "a@b", channel_type: 1 });
    expect(answer.json).toEqual({ start_message_seq: 0, end_message_seq: 0, more: 0, messages: [] });
    expect(api.pages).toEqual([]);
  });

  test.each([
    [0, 100],
    [-5, 100],
    [1, 1],
    [10_000, 10_000],
    [20_000, 10_000],
  ])("limit %i reads %i", async (limit, expected) => {
    const api = new TestApi();
    await api.post(url, { login_uid: "a", channel_id: "g", channel_type: 2, limit });
    expect(api.pages[0]?.limit).toBe(expected);
  });

  test.each([
    [0, "down"],
    [1, "up"],
    [2, "down"],
    [-1, "down"],
  ])("pull_mode %i is %s", async (mode, direction) => {
    const api = new TestApi();
    await api.post(url, { login_uid: "a", channel_id: "g", channel_type: 2, pull_mode: mode });
    expect(api.pages[0]?.direction).toBe(direction);
  });

  test("start and end come back exactly, however large", async () => {
    const api = new TestApi();
    const raw =
      '{"login_uid":"a","channel_id":"g","channel_type":2,"start_message_seq":18446744073709551615,"end_message_seq":7}';
    const answer = await api.postRaw(url, raw);
    expect(answer.text).toBe('{"start_message_seq":18446744073709551615,"end_message_seq":7,"more":0,"messages":[]}');
    expect(api.pages[0]).toMatchObject({ startSeq: Number.MAX_SAFE_INTEGER, endSeq: 7 });
  });

  test("there is more when as many came as were asked for", async () => {
    const api = new TestApi();
    api.stored = [storedMessage({ seq: 1 }), storedMessage({ seq: 2 })];
    const body = { login_uid: "a", channel_id: "g", channel_type: 2 };
    expect((await api.post(url, { ...body, limit: 2 })).json).toMatchObject({
      more: 1,
      messages: [{ message_seq: 1 }, { message_seq: 2 }],
    });
    expect((await api.post(url, { ...body, limit: 3 })).json).toMatchObject({ more: 0 });
  });
});

describe("GET /channel/max_message_seq", () => {
  const url = "/channel/max_message_seq";

  test.each(["", "?channel_type=2", "?channel_id=%20"])("%j is refused", async (query) => {
    expect(await new TestApi().get(url + query)).toMatchObject(refusal("channel_id不能为空"));
  });

  test("a person needs login_uid, his stored id does not", async () => {
    expect(await new TestApi().get(`${url}?channel_id=b&channel_type=1`)).toMatchObject(refusal("login_uid不能为空"));
    const api = new TestApi();
    api.stored = [storedMessage({ seq: 9 })];
    expect((await api.get(`${url}?channel_id=b&channel_type=1&login_uid=a`)).json).toEqual({ message_seq: 9 });
    expect((await api.get(`${url}?channel_id=${encodeURIComponent(PERSONS.id)}&channel_type=1`)).json).toEqual({
      message_seq: 9,
    });
    expect(api.asked).toEqual([
      ["head", PERSONS, "chat"],
      ["head", PERSONS, "chat"],
    ]);
  });

  test.each(["?channel_id=g&channel_type=2", "?channel_id=g", "?channel_id=g&channel_type=abc"])(
    "%s of an unused channel is 0",
    async (query) => {
      expect((await new TestApi().get(url + query)).json).toEqual({ message_seq: 0 });
    },
  );

  test("an id longer than any is refused", async () => {
    expect((await new TestApi().get(`${url}?channel_id=${"g".repeat(513)}&channel_type=2`)).status).toBe(400);
  });
});

describe("GET /channel/last_message", () => {
  const url = "/channel/last_message";

  test("checks", async () => {
    expect(await new TestApi().get(url)).toMatchObject(refusal("channel_id不能为空"));
    expect(await new TestApi().get(`${url}?channel_id=b&channel_type=1`)).toMatchObject(refusal("login_uid不能为空"));
    expect(await new TestApi().get(`${url}?channel_id=a%40b&channel_type=1`)).toMatchObject(
      refusal("login_uid不能为空"),
    );
  });

  test("is the newest message, or status 404 in HTTP 200", async () => {
    const api = new TestApi();
    expect(await api.get(`${url}?channel_id=g&channel_type=2`)).toMatchObject(NOT_FOUND);
    api.stored = [storedMessage({ seq: 4 })];
    expect((await api.get(`${url}?channel_id=b&channel_type=1&login_uid=a`)).json).toMatchObject({ message_seq: 4 });
    expect(api.asked.at(-1)).toEqual(["newest", PERSONS, "chat", 0, 1]);
  });
});

describe("single messages", () => {
  const first = storedMessage({ id: { high: 1, low: 1 }, seq: 1, clientMsgNo: "n1" });
  const second = storedMessage({ id: { high: 1, low: 2 }, seq: 2, clientMsgNo: "n2" });
  const ID_OF_SECOND = "4294967298";

  function api(): TestApi {
    const made = new TestApi();
    made.stored = [first, second];
    return made;
  }

  test("POST /messages: seqs, then ids, then numbers, as asked, missing ones left out, duplicates kept", async () => {
    const raw = `{"login_uid":"a","channel_id":"g","channel_type":2,"message_seqs":[2,9,1,0,2],"message_ids":[${ID_OF_SECOND},5],"client_msg_nos":["n1","","nope"]}`;
    const answer = await api().postRaw("/messages", raw);
    const shown = answer.json as { messages: { message_seq: number }[] };
    expect(shown).toMatchObject({ start_message_seq: 0, end_message_seq: 0, more: 0 });
    expect(shown.messages.map((message) => message.message_seq)).toEqual([2, 1, 2, 2, 1]);
  });

  test("POST /messages: ids are found in whatever channel, also for a person without login_uid", async () => {
    const raw = `{"channel_id":"b","channel_type":1,"message_ids":[${ID_OF_SECOND}]}`;
    expect((await api().postRaw("/messages", raw)).json).toMatchObject({ messages: [{ message_seq: 2 }] });
  });

  test("POST /messages: nothing asked, nothing found", async () => {
    const lists = { message_seqs: null, message_ids: null, client_msg_nos: null };
    expect((await api().post("/messages", { channel_id: "g", channel_type: 2, ...lists })).json).toMatchObject({
      messages: [],
    });
  });

  test.each([
    ["{}", "channel_id不能为空！"],
    ["", "数据格式有误！"],
    ["[]", "数据格式有误！"],
    ['{"channel_id":"g","message_seqs":["1"]}', "数据格式有误！"],
    ['{"channel_id":"g","message_ids":["123"]}', "数据格式有误！"],
    ['{"channel_id":"g","message_seqs":[4294967296]}', "数据格式有误！"],
    [`{"channel_id":"g","message_seqs":[${"1,".repeat(10_000)}1]}`, "数据格式有误！"],
  ])("POST /messages %.60j is refused: %s", async (raw, text) => {
    expect(await api().postRaw("/messages", raw)).toMatchObject(refusal(text));
  });

  test.each([
    ["{}", "channel_id不能为空！"],
    ['{"channel_id":"g"}', "channel_type不能为0"],
    ['{"channel_id":"g","channel_type":1}', "login_uid不能为空！"],
    ['{"channel_id":"g","channel_type":2,"message_id":"5"}', "数据格式有误！"],
    ['{"channel_id":"g","channel_type":2,"message_id":9223372036854775808}', "数据格式有误！"],
    ['{"channel_id":"g","channel_type":2,"message_id":1e3}', "数据格式有误！"],
  ])("POST /message %j is refused: %s", async (raw, text) => {
    expect(await api().postRaw("/message", raw)).toMatchObject(refusal(text));
  });

  test("POST /message finds by id, in whatever channel, and by number", async () => {
    const byId = await api().postRaw(
      "/message",
      `{"channel_id":"other","channel_type":2,"message_id":${ID_OF_SECOND}}`,
    );
    expect(byId.json).toMatchObject({ message_seq: 2 });
    const byNumber = await api().post("/message", { channel_id: "g", channel_type: 2, client_msg_no: "n1" });
    expect(byNumber.json).toMatchObject({ message_seq: 1 });
  });

  test.each(["5", "-1", "9223372036854775807", "0"])("POST /message with unknown id %s: status 404", async (id) => {
    expect(await api().postRaw("/message", `{"channel_id":"g","channel_type":2,"message_id":${id}}`)).toMatchObject(
      NOT_FOUND,
    );
  });

  test("GET /message/byclientmsgno takes stored ids", async () => {
    const url = "/message/byclientmsgno";
    expect(await api().get(url)).toMatchObject(refusal("channel_id不能为空"));
    expect(await api().get(`${url}?channel_id=g`)).toMatchObject(refusal("channel_type不能为0"));
    expect(await api().get(`${url}?channel_id=g&channel_type=2`)).toMatchObject(refusal("client_msg_no不能为空"));
    expect(await api().get(`${url}?channel_id=g&channel_type=2&client_msg_no=nope`)).toMatchObject(NOT_FOUND);
    const found = api();
    expect((await found.get(`${url}?channel_id=a%40b&channel_type=1&client_msg_no=n1`)).json).toMatchObject({
      message_seq: 1,
    });
    expect(found.asked).toEqual([["byClientMsgNos", { type: 1, id: "a@b" }, "chat", ["n1"]]]);
  });
});
