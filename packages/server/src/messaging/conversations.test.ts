import { expect, test } from "vitest";
import { createBatch } from "../store/batch.ts";
import { shardOfUser } from "../store/shards.ts";
import type { Conversation } from "./conversation.ts";
import { Messaging } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;

test("two changes of a row in one write leave the later one, whoever waits for which", async () => {
  const messaging = await Messaging.open();
  const { conversations } = messaging;
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  await messaging.chatsOf("ben");
  const change = (commandSeq: number) => {
    const batch = createBatch(shardOfUser("ben"));
    const row = conversations.decided("ben", GROUP);
    const next: Conversation = { ...row!, commandSeq };
    return { batch, write: conversations.decide(batch, "ben", row, next) };
  };
  const first = change(1);
  const waiting = conversations.commit(first.batch, [first.write]);
  const second = change(2);
  messaging.store.commit(second.batch, () => conversations.settle(second.write));
  await messaging.done(waiting);
  expect(conversations.durable("ben", GROUP)?.commandSeq).toBe(2);
});
