/** What adding and removing members does to their rows, and what a failure or a crash in the middle leaves behind. */
import { Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { StoreUnavailable } from "../store/commit-failure.ts";
import type { Conversation } from "./conversation.ts";
import { type ChannelKey, MessageFlag } from "./message.ts";
import { Messaging, type MessagingOptions } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `member-${`${index}`.padStart(5, "0")}`);
}
function add(messaging: Messaging, uids: readonly string[], reset = false): Promise<void> {
  return messaging.done(messaging.admin.addMembers(GROUP, uids, { reset }));
}
async function membersOf(messaging: Messaging, key: ChannelKey = GROUP): Promise<readonly string[]> {
  return (await messaging.done(messaging.admin.list(key, "members"))).map((each) => each.uid);
}
function rowOf(messaging: Messaging, uid: string): Conversation {
  const row = messaging.conversations.durable(uid, GROUP);
  expect(row).toBeDefined();
  return row!;
}
async function opened(members: readonly string[], options: MessagingOptions = {}): Promise<Messaging> {
  const messaging = await Messaging.open(options);
  await add(messaging, members);
  return messaging;
}

describe("adding a member", () => {
  test("gives him a row at the tail of both logs: earlier messages and commands are not his", async () => {
    const messaging = await opened(["ann"]);
    await messaging.send("ann", GROUP);
    await messaging.send("ann", GROUP, { flags: 0 });
    await messaging.send("ann", GROUP, { flags: MessageFlag.syncOnce });
    await add(messaging, ["ben"]);
    expect(rowOf(messaging, "ben")).toMatchObject({
      membership: "member",
      join: { seq: 2, counted: 1 },
      commandSeq: 1,
      commandEnd: null,
    });
    expect(await messaging.viewsOf("ben")).toMatchObject([{ unread: 0, lastSeq: 2, readedToSeq: 2 }]);
    await messaging.send("ann", GROUP);
    expect(await messaging.viewsOf("ben")).toMatchObject([{ unread: 1, lastSeq: 3 }]);
  });

  test("H-22: who is there already keeps everything", async () => {
    const messaging = await opened(["ann", "ben"]);
    await messaging.send("ann", GROUP);
    const [keys, row, list] = [await messaging.keys(), rowOf(messaging, "ben"), await membersOf(messaging)];
    await messaging.simulation.run(5_000);
    await add(messaging, ["ben", "ben", "ann"]);
    expect(await messaging.keys()).toEqual(keys);
    expect(rowOf(messaging, "ben")).toEqual(row);
    expect(await membersOf(messaging)).toEqual(list);
    expect(await messaging.viewsOf("ben")).toMatchObject([{ unread: 1 }]);
  });

  test("creates the channel; a list of 2,500 is taken in whole, with a name that comes twice once", async () => {
    const uids = names(2500);
    const messaging = await opened([...uids, ...uids.slice(0, 100)]);
    expect(messaging.admin.flags(GROUP)).toMatchObject({ ban: false, disband: false });
    expect(await membersOf(messaging)).toEqual(uids);
    const next = await messaging.restarted();
    expect((await next.send(uids[2499]!, GROUP)).reason).toBe(Reason.success);
    expect(await next.chatsOf(uids[1000]!)).toEqual(["team"]);
  });

  test("of a channel that is in no chat list and keeps no commands writes no row", async () => {
    const messaging = await Messaging.open();
    for (const type of [7, 9]) {
      const key = { type, id: "team" };
      await messaging.done(messaging.admin.addMembers(key, ["ann"], { reset: false }));
      expect(await membersOf(messaging, key)).toEqual(["ann"]);
      expect(messaging.conversations.durable("ann", key)).toBeUndefined();
      await messaging.done(messaging.admin.removeMembers(key, ["ann"]));
      expect(messaging.conversations.durable("ann", key)).toBeUndefined();
    }
  });
});

describe("removing a member", () => {
  test("H-61: keeps his row as left, with the command tail of that moment, and he may not send", async () => {
    const messaging = await opened(["ann", "ben"]);
    await messaging.send("ann", GROUP, { flags: MessageFlag.syncOnce });
    await messaging.done(messaging.admin.removeMembers(GROUP, ["ben", "nobody"]));
    await messaging.send("ann", GROUP, { flags: MessageFlag.syncOnce });
    expect(rowOf(messaging, "ben")).toMatchObject({ membership: "left", commandSeq: 0, commandEnd: 1 });
    expect(messaging.conversations.durable("nobody", GROUP)).toBeUndefined();
    expect(await membersOf(messaging)).toEqual(["ann"]);
    expect((await messaging.send("ben", GROUP)).reason).toBe(Reason.subscriberNotExist);
    expect(await messaging.chatsOf("ben")).toEqual([]);
  });

  test("who joins again starts at the new tail, and none of his marks is lower than before", async () => {
    const messaging = await opened(["ann", "ben"]);
    await messaging.send("ann", GROUP);
    await messaging.send("ann", GROUP);
    await messaging.done(messaging.chatList.clearUnread("ben", GROUP));
    await messaging.done(messaging.chatList.delete("ben", GROUP));
    const before = rowOf(messaging, "ben");
    await messaging.done(messaging.admin.removeAllMembers(GROUP));
    expect(await membersOf(messaging)).toEqual([]);
    await add(messaging, ["ann"]);
    await messaging.send("ann", GROUP);
    await add(messaging, ["ben"]);
    expect(rowOf(messaging, "ben")).toMatchObject({
      membership: "member",
      join: { seq: 3, counted: 3 },
      read: before.read,
      deletedTo: before.deletedTo,
      commandEnd: null,
    });
    expect(await messaging.viewsOf("ben")).toMatchObject([{ unread: 0, lastSeq: 3 }]);
  });

  test("whom the id implies takes the entry but leaves the row: he still belongs", async () => {
    const messaging = await Messaging.open();
    const shop = { type: 3, id: "vic|shop" };
    await messaging.done(messaging.admin.addMembers(shop, ["vic", "ann"], { reset: false }));
    await messaging.done(messaging.admin.removeAllMembers(shop));
    expect(await membersOf(messaging, shop)).toEqual([]);
    expect(messaging.conversations.durable("vic", shop)?.membership).toBe("member");
    expect(messaging.conversations.durable("ann", shop)?.membership).toBe("left");
  });
});

describe("a reset", () => {
  test("is a difference: who stays keeps his row, who is not named has left, who is new begins", async () => {
    const messaging = await opened(["ann", "ben", "cat"]);
    await messaging.send("ann", GROUP);
    const stays = rowOf(messaging, "ben");
    await add(messaging, ["ben", "dan", "ann"], true);
    expect(await membersOf(messaging)).toEqual(["ann", "ben", "dan"]);
    expect(rowOf(messaging, "ben")).toEqual(stays);
    expect(await messaging.viewsOf("ben")).toMatchObject([{ unread: 1 }]);
    expect(rowOf(messaging, "cat").membership).toBe("left");
    expect(rowOf(messaging, "dan").join).toEqual({ seq: 1, counted: 1 });
  });

  test("to nobody removes all", async () => {
    const messaging = await opened(names(1200));
    await add(messaging, [], true);
    expect(await membersOf(messaging)).toEqual([]);
    expect(await messaging.chatsOf("member-01100")).toEqual([]);
  });
});

test("changes that are asked for at the same time are made in the order they were asked", async () => {
  for (const last of ["add", "remove"] as const) {
    const messaging = await opened(["ann"]);
    const steps = last === "add" ? [true, false, true] : [true, false, true, false];
    const changes = steps.map((isAdding) =>
      isAdding
        ? messaging.admin.addMembers(GROUP, ["ben"], { reset: false })
        : messaging.admin.removeMembers(GROUP, ["ben"]),
    );
    await messaging.done(Promise.all(changes));
    expect(await membersOf(messaging)).toEqual(last === "add" ? ["ann", "ben"] : ["ann"]);
    expect(rowOf(messaging, "ben").membership).toBe(last === "add" ? "member" : "left");
    const next = await messaging.restarted();
    expect((await next.send("ben", GROUP)).reason).toBe(last === "add" ? Reason.success : Reason.subscriberNotExist);
  }
});

test("a change that another one has made superfluous is answered when that one is durable", async () => {
  const messaging = await opened(["ann"]);
  await messaging.done(messaging.admin.addToList(GROUP, "deny", ["eve"]));
  for (const change of [
    () => messaging.admin.removeAllMembers(GROUP),
    () => messaging.admin.setList(GROUP, "deny", []),
  ]) {
    void change();
    // Decided, and not yet written.
    await messaging.simulation.run(0);
    await messaging.done(change());
  }
  expect(await membersOf(messaging)).toEqual([]);
  expect(await messaging.done(messaging.admin.list(GROUP, "deny"))).toEqual([]);
});

describe("a change that ends half way", () => {
  const uids = names(2200);
  const isMemberRow = (messaging: Messaging, uid: string): boolean =>
    messaging.conversations.durable(uid, GROUP)?.membership === "member";

  test.each([1, 2, 3, 4, 5])(
    "by a failed write, adding after %i ms: every entry has its row, and the repeated call does the rest",
    async (afterMs) => {
      const messaging = await opened(["ann"], { writeBytesMax: 1 });
      const adding = messaging.admin.addMembers(GROUP, uids, { reset: false }).then(
        () => undefined,
        (error: unknown) => error,
      );
      await messaging.simulation.run(afterMs);
      messaging.simulation.failEngines();
      expect(await messaging.done(adding)).toBeInstanceOf(StoreUnavailable);
      await messaging.recovered();
      for (const uid of await membersOf(messaging)) expect(isMemberRow(messaging, uid)).toBe(true);
      await add(messaging, uids);
      expect(await membersOf(messaging)).toEqual(["ann", ...uids]);
      expect(uids.filter((uid) => !isMemberRow(messaging, uid))).toEqual([]);
    },
  );

  test.each([1, 2, 3, 4, 5])(
    "by a crash, removing after %i ms: every entry has its row, and the repeated call does the rest",
    async (afterMs) => {
      const messaging = await opened(["ann", ...uids], { writeBytesMax: 1 });
      void messaging.admin.removeMembers(GROUP, uids);
      await messaging.simulation.run(afterMs);
      const next = await messaging.restarted();
      for (const uid of await membersOf(next)) expect(isMemberRow(next, uid)).toBe(true);
      await next.done(next.admin.removeMembers(GROUP, uids));
      expect(await membersOf(next)).toEqual(["ann"]);
      expect(uids.filter((uid) => isMemberRow(next, uid))).toEqual([]);
    },
  );

  test.each([1, 3, 5, 8, 12, 20, 30])(
    "by a failed write, removing all after %i ms: nobody keeps the row without the entry, and the repeated call does the rest",
    async (afterMs) => {
      const messaging = await opened(["ann", ...uids], { writeBytesMax: 1 });
      const removing = messaging.admin.removeAllMembers(GROUP).catch(() => undefined);
      await messaging.simulation.run(afterMs);
      messaging.simulation.failEngines();
      await messaging.done(removing);
      await messaging.recovered();
      const members = new Set(await membersOf(messaging));
      expect(uids.filter((uid) => isMemberRow(messaging, uid) !== members.has(uid))).toEqual([]);
      await messaging.done(messaging.admin.removeAllMembers(GROUP));
      expect(await membersOf(messaging)).toEqual([]);
      expect(uids.filter((uid) => isMemberRow(messaging, uid))).toEqual([]);
    },
  );
});

describe("stays", () => {
  test("a row keeps where its memberships began and ended in both logs, the last four", async () => {
    const messaging = await opened(["ann"]);
    for (let round = 1; round <= 6; round++) {
      await messaging.send("ann", GROUP);
      await add(messaging, ["ben"]);
      await messaging.send("ann", GROUP);
      await messaging.send("ann", GROUP, { flags: MessageFlag.syncOnce });
      await messaging.done(messaging.admin.removeMembers(GROUP, ["ben"]));
    }
    expect(rowOf(messaging, "ben").stays).toEqual(
      [3, 4, 5, 6].map((round) => ({
        chat: { from: round * 2 - 1, to: round * 2 },
        command: { from: round - 1, to: round },
      })),
    );
    await add(messaging, ["ben"]);
    expect(rowOf(messaging, "ben")).toMatchObject({ commandJoin: 6, stays: { length: 4 } });
  });
});
