/** A list of chats as JSON: whole, in slices, and what was written once is not written again. */
import { expect, test } from "vitest";
import type { ChatView } from "../messaging/chat-list.ts";
import type { StoredMessage } from "../messaging/message.ts";
import { ChatsJson } from "./chat-json.ts";

const soon = (run: () => void): void => void setImmediate(run);

function message(seq: number, text = "hello"): StoredMessage {
  return {
    id: { high: 1, low: seq },
    seq,
    countedTotal: seq,
    timeSeconds: 1,
    channel: { type: 2, id: "g" },
    log: "chat",
    fromUid: "ann",
    clientMsgNo: `n${seq}`,
    session: 0,
    flags: 2,
    setting: 0,
    expireSeconds: 0,
    topic: "",
    payload: Buffer.from(text),
  };
}
function chat(id: string, recents: readonly StoredMessage[]): ChatView {
  return {
    shown: { type: 2, id },
    channel: { type: 2, id },
    unread: 3,
    timeSeconds: 9,
    lastSeq: 7,
    lastClientMsgNo: "n7",
    readedToSeq: 4,
    version: 1_700_000_000_123_456_789n,
    recents,
  };
}
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("is a list of chats with their messages, with bare 64-bit numbers", async () => {
  const json = new ChatsJson({ soon });
  const text = textOf(await json.list([chat('a"b', [message(2, "é"), message(1)]), chat("c", [])]));
  expect(text).toContain('"version":1700000000123456789,');
  expect(JSON.parse(text)).toMatchObject([
    { channel_id: 'a"b', unread: 3, readed_to_msg_seq: 4, recents: [{ message_seq: 2 }, { message_seq: 1 }] },
    { channel_id: "c", recents: [] },
  ]);
  expect(textOf(await json.list([]))).toBe("[]");
});

test("is the same when the messages were written before, also beside another unread number", async () => {
  const json = new ChatsJson({ soon });
  const recents = [message(2), message(1)];
  const first = textOf(await json.list([chat("g", recents)]));
  expect(textOf(await json.list([chat("g", recents)]))).toBe(first);
  const read = textOf(await json.list([{ ...chat("g", recents), unread: 0 }]));
  expect(read).toBe(first.replace('"unread":3', '"unread":0'));
});

test("lets other work go between slices of messages that are written for the first time", async () => {
  let turns = 0;
  const json = new ChatsJson({
    soon: (run) =>
      soon(() => {
        turns++;
        run();
      }),
  });
  const chats = Array.from({ length: 8 }, (_, n) =>
    chat(
      `g${n}`,
      Array.from({ length: 250 }, (__, seq) => message(seq)),
    ),
  );
  const first = textOf(await json.list(chats));
  expect(turns).toBe(3);
  turns = 0;
  expect(textOf(await json.list(chats))).toBe(first);
  expect(turns).toBe(0);
});
