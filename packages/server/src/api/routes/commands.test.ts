import { describe, expect, test } from "vitest";
import { OK, refusal, storedMessage, TestApi } from "../test-kit.ts";

describe("POST /message/sync", () => {
  const url = "/message/sync";

  test.each([
    [{}, "用户uid不能为空！"],
    [{ uid: "", limit: -1 }, "用户uid不能为空！"],
    [{ uid: "b", limit: -1 }, "limit不能为负数！"],
  ])("%j is refused: %s", async (body, text) => {
    expect(await new TestApi().post(url, body)).toMatchObject(refusal(text));
  });

  test.each([
    [{}, 200],
    [{ limit: 0 }, 200],
    [{ limit: 7 }, 7],
    [{ limit: 20_000 }, 10_000],
    [{ limit: 7, message_seq: 99 }, 7],
  ])("%j hands out at most %i", async (body, limit) => {
    const api = new TestApi();
    await api.post(url, { uid: "b", ...body });
    expect(api.asked).toEqual([["sync", "b", limit]]);
  });

  test("the answer is a bare list, and its channels keep the suffix", async () => {
    const api = new TestApi();
    expect((await api.post(url, { uid: "b" })).text).toBe("[]");
    api.stored = [storedMessage({ log: "command", flags: 4 })];
    expect((await api.post(url, { uid: "b" })).json).toMatchObject([
      { channel_id: "g____cmd", channel_type: 2, header: { sync_once: 1 } },
    ]);
  });
});

describe("POST /message/syncack", () => {
  const url = "/message/syncack";

  test.each([
    [{ last_message_seq: 5 }, "用户UID不能为空！"],
    [{ uid: "b" }, "最后一次messageSeq不能为0！"],
    [{ uid: "b", last_message_seq: 0 }, "最后一次messageSeq不能为0！"],
  ])("%j is refused: %s", async (body, text) => {
    expect(await new TestApi().post(url, body)).toMatchObject(refusal(text));
  });

  test("names the last message that came", async () => {
    const api = new TestApi();
    expect(await api.post(url, { uid: "b", last_message_seq: 5 })).toMatchObject(OK);
    expect(api.asked).toEqual([["acknowledge", "b", 5]]);
  });

  test("any last seq of 64 bits is taken", async () => {
    const api = new TestApi();
    expect(await api.postRaw(url, '{"uid":"b","last_message_seq":18446744073709551615}')).toMatchObject(OK);
  });
});

test("switched off, both succeed whatever the body is, and nothing is asked", async () => {
  const api = new TestApi({ commandSyncOff: true });
  for (const body of ["", "{", '{"uid":"b"}']) {
    expect(await api.postRaw("/message/sync", body)).toMatchObject({ status: 200, text: "[]" });
    expect(await api.postRaw("/message/syncack", body)).toMatchObject(OK);
  }
  expect(api.asked).toEqual([]);
});
