import { expect, test } from "vitest";
import { removedTable } from "../store/tables.ts";
import { Messaging } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;

test("of messages too large for one answer the chat list shows the newest", async () => {
  const messaging = await Messaging.open({ writeBytesMax: 1 << 24 });
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  const payload = new Uint8Array(1 << 20);
  for (let seq = 1; seq <= 60; seq++) await messaging.send("ann", GROUP, { payload });
  const [chat] = await messaging.done(
    messaging.chatList.sync({
      uid: "ben",
      version: 0n,
      lastSeqs: new Map(),
      messageCount: 60,
      onlyUnread: false,
      excludedTypes: new Set(),
      page: 0,
      pageSize: 100,
    }),
  );
  expect(chat?.recents[0]?.seq).toBe(60);
});

test("once the answer for named chats is large enough, those behind get their newest message only", async () => {
  const messaging = await Messaging.open({ writeBytesMax: 1 << 24 });
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  const payload = new Uint8Array(1 << 20);
  for (let seq = 1; seq <= 5; seq++) await messaging.send("ann", GROUP, { payload });
  const named = new Array<typeof GROUP>(40).fill(GROUP);
  const chats = await messaging.done(messaging.chatList.forChannels("ben", named, 5));
  expect(chats).toHaveLength(40);
  expect(chats.at(0)?.recents.map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1]);
  expect(chats.at(-1)?.recents.map(({ seq }) => seq)).toEqual([5]);
});

test("unread is exact however many messages have expired, and what is read is not asked for", async () => {
  const messaging = await Messaging.open({ writeBytesMax: 1 << 24, queueBatchesMax: 20_000 });
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  const sent = Array.from({ length: 10_100 }, (_, index) =>
    messaging.send("ann", GROUP, { expireSeconds: index < 10_050 ? 1 : 0, origin: "server", session: 0 }),
  );
  await Promise.all(sent);
  await messaging.simulation.run(10_000);
  const [chat] = await messaging.done(messaging.chatList.forChannels("ben", [GROUP], 1));
  expect(chat?.unread).toBe(50);
  await messaging.done(messaging.chatList.clearUnread("ben", GROUP));
  messaging.faults.rangesFailIn = removedTable;
  expect(await messaging.chatsOf("ben")).toEqual(["team"]);
});
