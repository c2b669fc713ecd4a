import { describe, expect, test } from "vitest";
import { refusal, TestApi } from "../test-kit.ts";

async function asked(query: string): Promise<unknown> {
  const api = new TestApi();
  const answer = await api.get(`/explain?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return api.asked.at(-1)?.[1];
}

describe("GET /explain", () => {
  test("names a message by its id, whatever its size", async () => {
    expect(await asked("uid=b&message_id=9223372036854775807&from_uid=a")).toEqual({
      uid: "b",
      message: { id: { high: 0x7fffffff, low: 0xffffffff } },
      fromUid: "a",
    });
  });

  test.each([
    ["uid=b&client_msg_no=n&channel_id=a&channel_type=1", { type: 1, id: "a@b" }, undefined],
    ["uid=c&login_uid=b&client_msg_no=n&channel_id=a&channel_type=1", { type: 1, id: "a@b" }, undefined],
    ["uid=b&client_msg_no=n&channel_id=a@b&channel_type=1", { type: 1, id: "a@b" }, undefined],
    ["uid=b&client_msg_no=n&channel_id=b@a&channel_type=1", { type: 1, id: "a@b" }, undefined],
    ["uid=b&client_msg_no=n&channel_id=a____cmd&channel_type=1", { type: 1, id: "a@b" }, "command"],
    ["uid=b&client_msg_no=n&channel_id=g&channel_type=2", { type: 2, id: "g" }, undefined],
    ["uid=b&client_msg_no=n&channel_id=g____cmd&channel_type=2", { type: 2, id: "g" }, "command"],
    ["uid=b&client_msg_no=n&channel_id=bot&channel_type=11", { type: 11, id: "b@bot" }, undefined],
  ])("names a message by its number: ?%s", async (query, channel, log) => {
    expect(await asked(query)).toEqual({
      uid: "b",
      fromUid: "",
      message: { channel, log, clientMsgNo: "n" },
      ...(query.startsWith("uid=c") ? { uid: "c" } : {}),
    });
  });

  test("answers verdict, facts and sessions, ids as exact numbers, and never a payload", async () => {
    const api = new TestApi();
    const id = { high: 0x7fffffff, low: 0xffffffff };
    const place = { channel: { type: 2, id: "g" }, log: "chat", fromUid: "a", clientMsgNo: "n" } as const;
    const device = { deviceFlag: 1, deviceLevel: "master", deviceId: "d", version: 5 } as const;
    api.explanation = {
      verdict: "acknowledged",
      answer: "He has it.",
      advice: "Nothing to do.",
      message: { id, seq: 3, atMs: 5, expiresAtMs: 0, ...place },
      facts: [{ code: "stored", text: "It is stored." }],
      sessions: [
        {
          note: { boot: 1, id: 9, ...device, opened: id, left: id, reason: "idle", untold: 0 },
          openedMs: 6,
          endedMs: 7,
          endReason: "idle",
          state: "acknowledged",
          resends: 2,
          notedMs: 0,
          dueInMs: 0,
        },
      ],
    };
    const { text, json } = await api.get("/explain?uid=b&message_id=1");
    expect(text).toContain('"message_id":9223372036854775807,"message_idstr":"9223372036854775807"');
    expect(json).toMatchObject({
      uid: "b",
      verdict: "acknowledged",
      advice: "Nothing to do.",
      text: "He has it.\nIt is stored.",
      message: { message_seq: 3, client_msg_no: "n", from_uid: "a", channel_id: "g", channel_type: 2, log: "chat" },
      facts: [{ code: "stored", text: "It is stored." }],
      sessions: [
        {
          conn_id: 9,
          device_flag: 1,
          device_level: 1,
          device_id: "d",
          version: 5,
          connected_at_ms: 6,
          ended_at_ms: 7,
          end_reason: "idle",
          state: "acknowledged",
          resends: 2,
        },
      ],
    });
  });

  test("a message that is not known is null", async () => {
    expect((await new TestApi().get("/explain?uid=b&message_id=1")).json).toMatchObject({ message: null });
  });

  test("a person channel that cannot be is refused", async () => {
    const query = "uid=b&client_msg_no=n&channel_id=____cmd&channel_type=1";
    expect(await new TestApi().get(`/explain?${query}`)).toMatchObject(refusal("channel_id有误！"));
  });
});
