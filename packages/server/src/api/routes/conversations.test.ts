import { personChannelId } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import type { ChatView } from "../../messaging/chat-list.ts";
import { channelText } from "../../messaging/message.ts";
import { OK, refusal, storedMessage, TestApi } from "../test-kit.ts";

const PERSONS = { type: 1, id: personChannelId("a", "b") };
const CHAT: ChatView = {
  shown: { type: 1, id: "b" },
  channel: PERSONS,
  unread: 2,
  timeSeconds: 1_776_840_000,
  lastSeq: 7,
  lastClientMsgNo: "n7",
  readedToSeq: 5,
  version: 1_776_840_000_123_456_789n,
  recents: [storedMessage({ seq: 7 }), storedMessage({ seq: 6 })],
};

describe("POST /conversation/sync", () => {
  const url = "/conversation/sync";

  test("shows a chat with the original's keys in the original's order, the version exact", async () => {
    const api = new TestApi();
    api.chats = [CHAT];
    const answer = await api.post(url, { uid: "a", msg_count: 2 });
    expect(answer.text.slice(0, answer.text.indexOf('"recents":'))).toBe(
      '[{"channel_id":"b","channel_type":1,"unread":2,"timestamp":1776840000,"last_msg_seq":7,"last_client_msg_no":"n7",' +
        '"offset_msg_seq":0,"readed_to_msg_seq":5,"version":1776840000123456789,',
    );
    expect(answer.json).toMatchObject([{ recents: [{ message_seq: 7 }, { message_seq: 6 }] }]);
  });

  test.each([{ msg_count: 1 }, { uid: "", msg_count: 1 }])("without a uid (%j) it is refused", async (body) => {
    expect(await new TestApi().post(url, body)).toMatchObject(refusal("uid cannot be empty"));
  });

  test.each([{}, { msg_count: 0 }, { msg_count: -1 }])(
    "%j: without a count of messages the list is empty",
    async (body) => {
      const api = new TestApi();
      api.chats = [CHAT];
      expect((await api.post(url, { uid: "a", ...body })).text).toBe("[]");
      expect(api.syncs).toEqual([]);
    },
  );

  test.each([
    [{}, { page: 0, pageSize: 100 }],
    [
      { page: -1, page_size: -1 },
      { page: 0, pageSize: 100 },
    ],
    [
      { page: 3, page_size: 2 },
      { page: 3, pageSize: 2 },
    ],
    [{ page_size: 501 }, { pageSize: 500 }],
    [{ msg_count: 50_000 }, { messageCount: 10_000 }],
    [{ only_unread: 1 }, { onlyUnread: true }],
    [{ only_unread: 2 }, { onlyUnread: false }],
    [{ exclude_channel_types: [2, 9] }, { excludedTypes: new Set([2, 9]) }],
    [{ exclude_channel_types: null, larges: [{ ChannelID: "g" }] }, { excludedTypes: new Set() }],
  ])("%j asks for %j", async (body, expected) => {
    const api = new TestApi();
    await api.post(url, { uid: "a", msg_count: 3, ...body });
    expect(api.syncs[0]).toMatchObject({ uid: "a", ...expected });
  });

  test("the version is exact", async () => {
    const api = new TestApi();
    await api.postRaw(url, '{"uid":"a","msg_count":1,"version":1776840000123456789}');
    expect(api.syncs[0]?.version).toBe(1_776_840_000_123_456_789n);
  });

  test.each([
    ["", []],
    ["|", []],
    [":::", []],
    ["g:2", []],
    ["g:2:7", [["g", 2, 7]]],
    ["||g:2:7||", [["g", 2, 7]]],
    ["g:2:1|g:2:2", [["g", 2, 2]]],
    [
      "g:2:1|b:1:9",
      [
        ["g", 2, 1],
        ["b", 1, 9],
      ],
    ],
    ["g:2:x", [["g", 2, 0]]],
    ["g:x:2", [["g", 0, 2]]],
    ["g:2:-1", [["g", 2, 0]]],
    ["g:2:", [["g", 2, 0]]],
  ])("last_msg_seqs %j", async (written, expected) => {
    const api = new TestApi();
    await api.post(url, { uid: "a", msg_count: 1, last_msg_seqs: written });
    const seqs = new Map(expected.map(([id, type, seq]) => [channelText({ type: Number(type), id: String(id) }), seq]));
    expect(api.syncs[0]?.lastSeqs).toEqual(seqs);
  });

  test.each([
    "",
    "{",
    "[]",
    '{"uid":5}',
    '{"uid":"b","msg_count":"1"}',
    '{"uid":"b","last_msg_seqs":[]}',
    '{"uid":"b","exclude_channel_types":[300]}',
  ])("%j is refused", async (raw) => {
    expect((await new TestApi().postRaw(url, raw)).status).toBe(400);
  });
});

describe("other reads", () => {
  test.each([
    [{}, "uid cannot be empty"],
    [{ channels: [{ channel_id: "g", channel_type: 2 }] }, "uid cannot be empty"],
    [{ uid: "a" }, "channels cannot be empty"],
    [{ uid: "a", channels: [] }, "channels cannot be empty"],
  ])("syncByChannels %j is refused: %s", async (body, text) => {
    expect(await new TestApi().post("/conversation/syncByChannels", body)).toMatchObject(refusal(text));
  });

  test("syncByChannels asks in order, 15 messages by default", async () => {
    const api = new TestApi();
    const channels = [
      { channel_id: "g", channel_type: 2 },
      { channel_id: "b", channel_type: 1 },
    ];
    await api.post("/conversation/syncByChannels", { uid: "a", channels });
    await api.post("/conversation/syncByChannels", { uid: "a", channels, msg_count: 2 });
    const shown = [
      { type: 2, id: "g" },
      { type: 1, id: "b" },
    ];
    expect(api.asked).toEqual([
      ["forChannels", "a", shown, 15],
      ["forChannels", "a", shown, 2],
    ]);
  });

  test("channels are listed by stored id", async () => {
    const api = new TestApi();
    api.chats = [CHAT];
    expect((await api.post("/conversation/channels", { uid: "a" })).json).toEqual([
      { channel_id: PERSONS.id, channel_type: 1 },
    ]);
    expect(await api.post("/conversation/channels", {})).toMatchObject(refusal("uid cannot be empty"));
  });

  test("syncMessages reads from a seq up, or the newest first, by stored id", async () => {
    const api = new TestApi();
    api.stored = [storedMessage({ seq: 3 }), storedMessage({ seq: 4 })];
    api.ownLast = { seq: 4, counted: 4 };
    const channels = [{ channel_id: "g", channel_type: 2, last_msg_seq: 3 }];
    const up = await api.post("/conversation/syncMessages", { uid: "a", channels });
    expect(up.json).toMatchObject([
      { channel_id: "g", channel_type: 2, messages: [{ message_seq: 3 }, { message_seq: 4 }], user_last_msg_seq: 4 },
    ]);
    expect(api.pages).toEqual([
      { channel: { type: 2, id: "g" }, log: "chat", startSeq: 3, endSeq: 0, limit: 15, direction: "up" },
    ]);
    const newest = await api.post("/conversation/syncMessages", { uid: "a", channels, msg_count: 2, order_by_last: 1 });
    expect(newest.json).toMatchObject([{ messages: [{ message_seq: 4 }, { message_seq: 3 }] }]);
    expect(api.asked).toEqual([["newest", { type: 2, id: "g" }, "chat", 3, 2]]);
  });

  test("syncMessages from 0 starts at the first message", async () => {
    const api = new TestApi();
    await api.post("/conversation/syncMessages", { uid: "a", channels: [{ channel_id: "g", channel_type: 2 }] });
    expect(api.pages[0]).toMatchObject({ startSeq: 1, direction: "up" });
  });

  test.each(["", "{", '{"channels":"x"}', '{"uid":5}'])("syncMessages %j: one text for all bad bodies", async (raw) => {
    expect(await new TestApi().postRaw("/conversation/syncMessages", raw)).toMatchObject(refusal("数据格式有误！"));
  });
});

describe("marks", () => {
  test.each([
    ["/conversations/clearUnread", "uid cannot be empty"],
    ["/conversations/setUnread", "UID cannot be empty"],
    ["/conversations/delete", "Uid cannot be empty"],
  ])("%s checks, with its own text", async (url, noUid) => {
    const noChannel = "channel_id or channel_type cannot be empty";
    const refused = async (body: object, text: string): Promise<void> => {
      const api = new TestApi();
      expect(await api.post(url, body)).toMatchObject(refusal(text));
      expect(api.asked).toEqual([]);
    };
    await refused({}, noUid);
    await refused({ channel_id: "g", channel_type: 2 }, noUid);
    await refused({ uid: "a" }, noChannel);
    await refused({ uid: "a", channel_id: "g" }, noChannel);
    await refused({ uid: "a", channel_type: 2 }, noChannel);
    await refused({ uid: "a", channel_id: "b@c", channel_type: 1 }, "频道ID不合法！");
    await refused({ uid: "a", channel_id: "g____cmd", channel_type: 2 }, "频道ID不合法！");
  });

  test("a person is named by his uid", async () => {
    const api = new TestApi();
    const chat = { uid: "a", channel_id: "b", channel_type: 1 };
    expect(await api.post("/conversations/clearUnread", { ...chat, message_seq: 5 })).toMatchObject(OK);
    expect(await api.post("/conversations/setUnread", { ...chat, unread: 3 })).toMatchObject(OK);
    expect(await api.post("/conversations/delete", chat)).toMatchObject(OK);
    expect(api.asked).toEqual([
      ["clearUnread", "a", PERSONS],
      ["setUnread", "a", PERSONS, 3],
      ["delete", "a", PERSONS],
    ]);
  });

  test("a negative number of unread messages is refused", async () => {
    const api = new TestApi();
    const body = { uid: "a", channel_id: "g", channel_type: 2, unread: -1 };
    expect(await api.post("/conversations/setUnread", body)).toMatchObject(refusal("unread cannot be negative"));
    expect(api.asked).toEqual([]);
  });
});
