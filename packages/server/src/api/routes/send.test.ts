import { int64ToText, Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { OK, refusal, TestApi } from "../test-kit.ts";

const HI = "aGk=";
const GENERATED = `${"ab".repeat(16)}0`;

describe("POST /message/send: checks", () => {
  const command = { sync_once: 1 };
  test.each([
    [{}, "payload不能为空！"],
    [null, "payload不能为空！"],
    [{ payload: "" }, "payload不能为空！"],
    [{ channel_id: "b", channel_type: 1 }, "payload不能为空！"],
    [{ payload: HI }, "无法处理发送消息请求！"],
    [{ channel_id: "  ", payload: HI }, "无法处理发送消息请求！"],
    [{ subscribers: ["b"], payload: HI }, "无法处理发送消息请求！"],
    [{ header: command, subscribers: [], payload: HI }, "无法处理发送消息请求！"],
    [{ header: command, channel_id: "b", subscribers: ["b"], payload: HI }, "无法处理发送消息请求！"],
    [{ channel_id: "a@b", channel_type: 1, payload: HI }, "频道ID不合法！"],
    [{ channel_id: "a#b", channel_type: 2, payload: HI }, "频道ID不合法！"],
    [{ channel_id: "a&b", channel_type: 2, payload: HI }, "频道ID不合法！"],
    [{ from_uid: "a@b", channel_id: "g", channel_type: 2, payload: HI }, "uid不能包含特殊字符！"],
    [{ header: command, subscribers: ["a", " "], payload: HI }, "subscribers不能为空！"],
    [{ header: command, subscribers: ["a", "b@c"], payload: HI }, "uid不能包含特殊字符！"],
    [
      { channel_id: "g", channel_type: 2, payload: Buffer.alloc(101).toString("base64") },
      "payload is larger than 100 bytes",
    ],
  ])("%j is refused: %s", async (body, text) => {
    const api = new TestApi();
    expect(await api.post("/message/send", body)).toMatchObject(refusal(text));
    expect(api.sent).toEqual([]);
    expect(api.asked).toEqual([]);
  });

  test("a payload of just the limit passes", async () => {
    const payload = Buffer.alloc(100).toString("base64");
    expect((await new TestApi().post("/message/send", { channel_id: "g", channel_type: 2, payload })).status).toBe(200);
  });
});

describe("POST /message/send to a channel", () => {
  test("hands over what the caller wrote", async () => {
    const api = new TestApi();
    await api.post("/message/send", {
      header: { no_persist: 1, red_dot: 1, sync_once: 1 },
      from_uid: "a",
      client_msg_no: "n1",
      channel_id: "b",
      channel_type: 1,
      expire: 60,
      is_stream: 1,
      setting: 64,
      topic: "t",
      payload: HI,
    });
    expect(api.sent).toEqual([
      {
        origin: "server",
        session: 0,
        fromUid: "a",
        addressedTo: { type: 1, id: "b" },
        clientSeq: 0,
        clientMsgNo: "n1",
        flags: 7,
        setting: 2,
        expireSeconds: 60,
        topic: "",
        payload: Buffer.from("hi"),
      },
    ]);
  });

  test("only 1 means yes in the header, and no header means no", async () => {
    const api = new TestApi();
    await api.post("/message/send", {
      header: { no_persist: 2, red_dot: -1, sync_once: 9 },
      channel_id: "g",
      payload: HI,
    });
    await api.post("/message/send", { channel_id: "g", payload: HI });
    expect(api.sent.map((request) => request.flags)).toEqual([0, 0]);
  });

  test.each([{}, { from_uid: "", client_msg_no: "" }, { from_uid: "  ", client_msg_no: " " }])(
    "%j: the system sends, with a number of its own",
    async (body) => {
      const api = new TestApi();
      const answer = await api.post("/message/send", { ...body, channel_id: "b", channel_type: 1, payload: HI });
      expect(api.sent[0]).toMatchObject({ fromUid: "____system", clientMsgNo: GENERATED });
      expect(answer.json).toMatchObject({ data: { client_msg_no: GENERATED } });
    },
  );

  test("answers id, seq and reason, the id as a bare 64-bit number", async () => {
    const api = new TestApi();
    const id = { high: 445_785_088, low: 131_073 };
    api.resultOf = () => ({ reason: Reason.success, id, seq: 7, repeated: false });
    const answer = await api.post("/message/send", {
      client_msg_no: 'n"1',
      channel_id: "g",
      channel_type: 2,
      payload: HI,
    });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(
      `{"data":{"client_msg_no":"n\\"1","message_id":${int64ToText(id)},"message_seq":7,"reason":1},"status":200}`,
    );
  });

  test.each([Reason.ban, Reason.disband, Reason.subscriberNotExist])(
    "refused with reason %i is still HTTP 200",
    async (reason) => {
      const api = new TestApi();
      api.resultOf = () => ({ reason, id: { high: 0, low: 9 }, seq: 0, repeated: false });
      expect(await api.post("/message/send", { channel_id: "g", channel_type: 2, payload: HI })).toMatchObject({
        status: 200,
        json: { data: { message_id: 9, message_seq: 0, reason }, status: 200 },
      });
    },
  );

  test.each([
    [Reason.systemError, 503, "the message could not be stored, try again"],
    [Reason.rateLimit, 503, "too many messages are waiting, try again"],
    [Reason.idempotencyConflict, 400, "client_msg_no was used for another payload"],
    [Reason.channelIdError, 400, "频道ID不合法！"],
  ])("reason %i is HTTP %i", async (reason, status, text) => {
    const api = new TestApi();
    api.resultOf = () => ({ reason, id: { high: 0, low: 9 }, seq: 0, repeated: false });
    expect(await api.post("/message/send", { channel_id: "g", channel_type: 2, payload: HI })).toMatchObject(
      refusal(text, status),
    );
  });
});

describe("POST /message/send to an agent channel", () => {
  const send = async (used: readonly string[], body: object): Promise<unknown> => {
    const api = new TestApi();
    api.headSeqOf = (channel) => (used.includes(channel.id) ? 1 : 0);
    expect(await api.post("/message/send", { channel_type: 11, payload: HI, ...body })).toMatchObject(OK);
    return api.sent[0]?.addressedTo.id;
  };

  test("an agent's answer goes where the user's question is", async () => {
    const answer = { from_uid: "bot", channel_id: "u" };
    expect(await send(["u@bot"], answer)).toBe("u@bot");
    expect(await send([], answer)).toBe("u");
    expect(await send(["bot@u"], answer)).toBe("u");
    expect(await send(["bot@u", "u@bot"], answer)).toBe("u");
    expect(await send(["u@bot"], { from_uid: "u", channel_id: "bot" })).toBe("bot");
    expect(await send(["u@bot"], { ...answer, channel_id: "u____cmd" })).toBe("u@bot____cmd");
  });

  test("it may be named by its stored id, which no other kind may", async () => {
    expect(await send([], { from_uid: "bot", channel_id: "u@bot" })).toBe("u@bot");
    for (const [id, type] of [
      ["u@bot", 2],
      ["u@bot@x", 11],
      ["u@", 11],
      ["u#@bot", 11],
    ] as const) {
      const body = { channel_id: id, channel_type: type, payload: HI };
      expect(await new TestApi().post("/message/send", body)).toMatchObject(refusal("频道ID不合法！"));
    }
  });
});

describe("POST /message/send to subscribers", () => {
  test("H-44: kept, it goes to the members of a channel named by their list", async () => {
    const api = new TestApi();
    const body = { header: { sync_once: 1 }, client_msg_no: "mine", subscribers: ["u1", "u2"], payload: HI };
    expect(await api.post("/message/send", body)).toMatchObject(OK);
    const channel = { type: 8, id: "17922244540036557902" };
    expect(api.asked).toEqual([["addMembers", channel, ["u1", "u2"], { reset: false }]]);
    const addressedTo = { type: 8, id: "17922244540036557902____cmd" };
    expect(api.sent).toMatchObject([{ addressedTo, flags: 4, clientMsgNo: GENERATED, fromUid: "____system" }]);
    expect(api.sent[0]).not.toHaveProperty("receivers");
  });

  test("the order of the list makes another channel", async () => {
    const api = new TestApi();
    await api.post("/message/send", { header: { sync_once: 1 }, subscribers: ["u2", "u1"], payload: HI });
    expect(api.sent[0]?.addressedTo.id).toBe("5981087602159037568____cmd");
  });

  test("not kept, it has its receivers with it, each once, and nothing is stored", async () => {
    const api = new TestApi();
    const header = { sync_once: 1, no_persist: 1 };
    expect(await api.post("/message/send", { header, subscribers: ["a", "b", "a"], payload: HI })).toMatchObject(OK);
    expect(api.asked).toEqual([]);
    expect(api.sent).toMatchObject([
      { addressedTo: { type: 8, id: "systemcmdonline" }, flags: 5, receivers: ["a", "b"] },
    ]);
  });

  test("a store that cannot take it is told", async () => {
    const api = new TestApi();
    api.resultOf = () => ({ reason: Reason.rateLimit, id: { high: 0, low: 9 }, seq: 0, repeated: false });
    expect(
      (await api.post("/message/send", { header: { sync_once: 1 }, subscribers: ["a"], payload: HI })).status,
    ).toBe(503);
  });
});

describe("POST /message/sendbatch", () => {
  test.each([
    [{}, "from_uid不能为空！"],
    [{ from_uid: "  ", subscribers: ["b"], payload: HI }, "from_uid不能为空！"],
    [{ from_uid: "a" }, "subscribers不能为空！"],
    [{ from_uid: "a", subscribers: [], payload: HI }, "subscribers不能为空！"],
    [{ from_uid: "a", subscribers: ["b"] }, "payload不能为空！"],
  ])("%j is refused: %s", async (body, text) => {
    expect(await new TestApi().post("/message/sendbatch", body)).toMatchObject(refusal(text));
  });

  test("one person message to each, the same one twice if asked", async () => {
    const api = new TestApi();
    const body = { header: { red_dot: 1 }, from_uid: "a", subscribers: ["b", "c", "b"], payload: HI };
    expect((await api.post("/message/sendbatch", body)).text).toBe('{"fail_uids":[],"reason":[]}');
    expect(api.sent.map(({ addressedTo, flags }) => [addressedTo.type, addressedTo.id, flags])).toEqual([
      [1, "b", 2],
      [1, "c", 2],
      [1, "b", 2],
    ]);
  });

  test("bad ids among good ones are named and the good ones served", async () => {
    const api = new TestApi();
    const body = { from_uid: "a", subscribers: ["b", "x@y", "x#y", ""], payload: HI };
    expect((await api.post("/message/sendbatch", body)).json).toEqual({
      fail_uids: ["x@y", "x#y", ""],
      reason: ["频道ID不合法！", "频道ID不合法！", "频道ID不合法！"],
    });
    expect(api.sent).toHaveLength(1);
  });

  test("a store that takes some: the others are named, so that a retry sends nothing twice", async () => {
    const api = new TestApi();
    api.resultOf = ({ addressedTo }) => ({
      reason: addressedTo.id === "c" ? Reason.rateLimit : Reason.success,
      id: { high: 0, low: 9 },
      seq: 0,
      repeated: false,
    });
    const answer = await api.post("/message/sendbatch", { from_uid: "a", subscribers: ["b", "c"], payload: HI });
    expect(answer).toMatchObject({ status: 200, json: { fail_uids: ["c"], reason: ["refused with reason 22"] } });
  });

  test("a store that takes nothing: 503", async () => {
    const api = new TestApi();
    api.resultOf = () => ({ reason: Reason.systemError, id: { high: 0, low: 9 }, seq: 0, repeated: false });
    expect((await api.post("/message/sendbatch", { from_uid: "a", subscribers: ["b", "c"], payload: HI })).status).toBe(
      503,
    );
  });

  test("thousands are handed over part by part", async () => {
    const api = new TestApi();
    const subscribers = Array.from({ length: 1201 }, (_, index) => `u${index}`);
    await api.post("/message/sendbatch", { from_uid: "a", subscribers, payload: HI });
    expect(api.sent.map((request) => request.addressedTo.id)).toEqual(subscribers);
  });
});
