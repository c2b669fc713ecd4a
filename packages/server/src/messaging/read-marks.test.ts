import { expect, test } from "vitest";
import { channelText } from "./message.ts";
import { Messaging } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;

function sync(messaging: Messaging, version: bigint) {
  return messaging.done(
    messaging.chatList.sync({
      uid: "ben",
      version,
      lastSeqs: new Map([[channelText(GROUP), 1]]),
      messageCount: 1,
      onlyUnread: false,
      excludedTypes: new Set(),
      page: 0,
      pageSize: 100,
    }),
  );
}

test("what one device reads reaches the other although the clock was set back over a restart", async () => {
  const before = await Messaging.open();
  await before.done(before.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  await before.send("ann", GROUP);
  await before.simulation.run(10_000);
  await before.done(before.chatList.clearUnread("ben", GROUP));
  const version = (await sync(before, 1n))[0]?.version ?? 0n;
  before.simulation.stepWallClock(-5_000);
  const after = await before.restarted();
  await after.done(after.chatList.setUnread("ben", GROUP, 1));
  expect(await sync(after, version)).toMatchObject([{ unread: 1 }]);
});
