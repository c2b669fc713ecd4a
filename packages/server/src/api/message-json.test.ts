import { int64ToBigInt, personChannelId, SYSTEM_UID } from "@wukong-ts/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageJson, shownChannelId } from "./message-json.ts";
import { storedMessage } from "./test-kit.ts";

describe("a message as the API shows it", () => {
  test("has the original's keys in the original's order", () => {
    const message = storedMessage({ id: { high: 445_785_088, low: 131_073 }, setting: 2, expireSeconds: 60 });
    const id = int64ToBigInt(message.id);
    expect(messageJson(message)).toBe(
      `{"header":{"no_persist":0,"red_dot":1,"sync_once":0},"setting":2,"message_id":${id},"message_idstr":"${id}",` +
        '"client_msg_no":"n1","message_seq":1,"from_uid":"a","channel_id":"g","channel_type":2,"expire":60,' +
        '"timestamp":1776840000,"payload":"aGk="}',
    );
  });

  test("a topic stands before expire, and only if there is one", () => {
    expect(messageJson(storedMessage({ topic: 't"' }))).toContain('"channel_type":2,"topic":"t\\"","expire":0');
    expect(messageJson(storedMessage())).not.toContain("topic");
  });

  test.each([
    [0, { no_persist: 0, red_dot: 0, sync_once: 0 }],
    [1, { no_persist: 1, red_dot: 0, sync_once: 0 }],
    [2, { no_persist: 0, red_dot: 1, sync_once: 0 }],
    [4, { no_persist: 0, red_dot: 0, sync_once: 1 }],
    [15, { no_persist: 1, red_dot: 1, sync_once: 1 }],
  ])("H-56: flags %i are shown truly", (flags, header) => {
    expect(JSON.parse(messageJson(storedMessage({ flags }))).header).toEqual(header);
  });

  test("any texts and bytes survive", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (text, payload) => {
        const shown = JSON.parse(
          messageJson(storedMessage({ clientMsgNo: text, fromUid: `u${text}`, topic: text, payload })),
        );
        expect(shown.client_msg_no).toBe(text);
        expect(shown.from_uid).toBe(`u${text}`);
        expect(shown.topic ?? "").toBe(text);
        expect(new Uint8Array(Buffer.from(shown.payload, "base64"))).toEqual(payload);
      }),
    );
  });

  test("a payload that is a part of a larger buffer is shown alone", () => {
    const whole = Buffer.from("xxhixx");
    expect(JSON.parse(messageJson(storedMessage({ payload: whole.subarray(2, 4) }))).payload).toBe("aGk=");
  });
});

describe("channel_id of a person message", () => {
  const between = (a: string, b: string) => ({ type: 1, id: personChannelId(a, b) });

  test("is who it was sent to, whichever half he is", () => {
    expect(shownChannelId(storedMessage({ channel: between("u1", "u2"), fromUid: "u1" }))).toBe("u2");
    expect(shownChannelId(storedMessage({ channel: between("u1", "u2"), fromUid: "u2" }))).toBe("u1");
  });

  test("is the stored id in a chat with oneself", () => {
    expect(shownChannelId(storedMessage({ channel: between("u1", "u1"), fromUid: "u1" }))).toBe("u1@u1");
  });

  test.each(["u1", "u3", "alice", "张三", "x9", "x10", "x11", "x12"])(
    "from the system it is the system, and from_uid is empty: %s",
    (uid) => {
      const shown = JSON.parse(messageJson(storedMessage({ channel: between(uid, SYSTEM_UID), fromUid: SYSTEM_UID })));
      expect(shown.from_uid).toBe("");
      expect(shown.channel_id).toBe(SYSTEM_UID);
    },
  );

  test("to the system it is the system", () => {
    expect(shownChannelId(storedMessage({ channel: between("u1", SYSTEM_UID), fromUid: "u1" }))).toBe(SYSTEM_UID);
  });

  test("a command keeps the suffix of its log", () => {
    expect(shownChannelId(storedMessage({ channel: between("u1", "u2"), fromUid: "u2", log: "command" }))).toBe(
      "u1____cmd",
    );
    expect(shownChannelId(storedMessage({ log: "command" }))).toBe("g____cmd");
  });

  test("other types show their stored id", () => {
    expect(shownChannelId(storedMessage({ channel: { type: 11, id: "u1@bot" }, fromUid: "u1" }))).toBe("u1@bot");
    expect(shownChannelId(storedMessage({ fromUid: SYSTEM_UID }))).toBe("g");
  });
});
