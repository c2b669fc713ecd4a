/** What a user does to his own rows, as his chat list shows it. */
import { describe, expect, test } from "vitest";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { Messaging, requestOf } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;

/** Ann has sent so many messages to a group of hers and Ben's. */
async function opened(messages: number): Promise<Messaging> {
  const messaging = await Messaging.open();
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  for (let count = 0; count < messages; count++) await messaging.send("ann", GROUP);
  return messaging;
}
async function viewOf(messaging: Messaging, uid = "ben"): Promise<object | undefined> {
  const [view] = await messaging.viewsOf(uid);
  return view && { unread: view.unread, readedToSeq: view.readedToSeq, lastSeq: view.lastSeq };
}

describe("clearing unread", () => {
  test("reads up to the last message, and the next one is unread again", async () => {
    const messaging = await opened(3);
    expect(await viewOf(messaging)).toEqual({ unread: 3, readedToSeq: 0, lastSeq: 3 });
    await messaging.done(messaging.chatList.clearUnread("ben", GROUP));
    expect(await viewOf(messaging)).toEqual({ unread: 0, readedToSeq: 3, lastSeq: 3 });
    await messaging.send("ann", GROUP);
    expect(await viewOf(messaging)).toEqual({ unread: 1, readedToSeq: 3, lastSeq: 4 });
  });

  test("does not read a message that is still on its way: nobody can have seen it", async () => {
    const messaging = await opened(0);
    let answered = 0;
    messaging.sender.send([requestOf("ann", GROUP)], { answered: () => void answered++ });
    await messaging.done(messaging.chatList.clearUnread("ben", GROUP));
    await messaging.simulation.until(() => answered === 1);
    expect(await viewOf(messaging)).toEqual({ unread: 1, readedToSeq: 0, lastSeq: 1 });
  });
});

describe("marking as unread", () => {
  test("shows the number, and takes it off the place he has read to", async () => {
    const messaging = await opened(5);
    await messaging.done(messaging.chatList.setUnread("ben", GROUP, 2));
    expect(await viewOf(messaging)).toEqual({ unread: 2, readedToSeq: 3, lastSeq: 5 });
    await messaging.send("ann", GROUP);
    expect(await viewOf(messaging)).toEqual({ unread: 3, readedToSeq: 3, lastSeq: 6 });
  });

  test("never shows more than there is after what he deleted", async () => {
    const messaging = await opened(3);
    await messaging.done(messaging.chatList.delete("ben", GROUP));
    await messaging.send("ann", GROUP);
    await messaging.send("ann", GROUP);
    await messaging.done(messaging.chatList.setUnread("ben", GROUP, 1000));
    expect(await viewOf(messaging)).toEqual({ unread: 2, readedToSeq: 3, lastSeq: 5 });
  });

  test("H-27: of an empty chat shows none, also when the first message comes", async () => {
    const messaging = await opened(0);
    await messaging.done(messaging.chatList.setUnread("ben", GROUP, 3));
    await messaging.send("ann", GROUP);
    expect(await viewOf(messaging)).toEqual({ unread: 1, readedToSeq: 0, lastSeq: 1 });
  });

  test("with 0 is reading", async () => {
    const messaging = await opened(3);
    await messaging.done(messaging.chatList.setUnread("ben", GROUP, 0));
    expect(await viewOf(messaging)).toEqual({ unread: 0, readedToSeq: 3, lastSeq: 3 });
  });

  test("is void once he reads, and once he sends", async () => {
    const messaging = await opened(3);
    await messaging.done(messaging.chatList.setUnread("ben", GROUP, 2));
    await messaging.done(messaging.chatList.clearUnread("ben", GROUP));
    expect(await viewOf(messaging)).toEqual({ unread: 0, readedToSeq: 3, lastSeq: 3 });
    await messaging.done(messaging.chatList.setUnread("ben", GROUP, 2));
    await messaging.send("ben", GROUP);
    expect(await viewOf(messaging)).toEqual({ unread: 0, readedToSeq: 4, lastSeq: 4 });
  });
});

describe("deleting a chat", () => {
  test("takes it off the list until the next message, which is the only one shown then", async () => {
    const messaging = await opened(3);
    await messaging.done(messaging.chatList.delete("ben", GROUP));
    expect(await messaging.chatsOf("ben")).toEqual([]);
    expect(await messaging.chatsOf("ann")).toEqual(["team"]);
    await messaging.send("ann", GROUP);
    expect(await viewOf(messaging)).toEqual({ unread: 1, readedToSeq: 3, lastSeq: 4 });
    const [view] = await messaging.viewsOf("ben");
    expect(view?.recents.map((each) => each.seq)).toEqual([4]);
  });

  test("ends what he had marked as unread", async () => {
    const messaging = await opened(3);
    await messaging.done(messaging.chatList.setUnread("ben", GROUP, 3));
    await messaging.done(messaging.chatList.delete("ben", GROUP));
    await messaging.send("ann", GROUP);
    expect(await viewOf(messaging)).toEqual({ unread: 1, readedToSeq: 3, lastSeq: 4 });
  });
});

describe("a change of marks", () => {
  test("without a row writes nothing", async () => {
    const messaging = await opened(1);
    const before = await messaging.keys();
    for (const change of ["clearUnread", "delete"] as const)
      await messaging.done(messaging.chatList[change]("stranger", GROUP));
    await messaging.done(messaging.chatList.setUnread("stranger", GROUP, 3));
    expect(await messaging.keys()).toEqual(before);
    expect(messaging.conversations.durable("stranger", GROUP)).toBeUndefined();
  });

  test("stands on the one before it, although that is not durable yet, and survives a restart", async () => {
    const messaging = await opened(4);
    await messaging.done(
      Promise.all([
        messaging.chatList.delete("ben", GROUP),
        messaging.chatList.setUnread("ben", GROUP, 4),
        messaging.admin.removeMembers(GROUP, ["ben"]),
        messaging.chatList.clearUnread("ben", GROUP),
      ]),
    );
    const next = await messaging.restarted();
    expect(next.conversations.durable("ben", GROUP)).toMatchObject({
      membership: "left",
      read: { seq: 4, counted: 4 },
      deletedTo: { seq: 4, counted: 4 },
      markedUnread: 0,
    });
  });

  test("gives the row a later version, so that his other devices learn of it", async () => {
    const messaging = await opened(2);
    const versions: bigint[] = [];
    const note = async (): Promise<void> => {
      versions.push((await messaging.viewsOf("ben"))[0]!.version);
    };
    await note();
    await messaging.done(messaging.chatList.clearUnread("ben", GROUP));
    await note();
    await messaging.done(messaging.chatList.setUnread("ben", GROUP, 1));
    await note();
    await messaging.send("ann", GROUP);
    await note();
    for (let index = 1; index < versions.length; index++)
      expect(versions[index]! > versions[index - 1]!, `version ${index}`).toBe(true);
  });

  test("is refused while the store is read-only, and the row is as it was", async () => {
    const messaging = await opened(2);
    messaging.simulation.setDiskFull(true);
    await messaging.send("ann", GROUP);
    const changes = [
      messaging.chatList.clearUnread("ben", GROUP),
      messaging.chatList.setUnread("ben", GROUP, 1),
      messaging.chatList.delete("ben", GROUP),
    ];
    for (const outcome of await messaging.done(Promise.allSettled(changes)))
      expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailable) });
    expect(messaging.conversations.decided("ben", GROUP)).toEqual(messaging.conversations.durable("ben", GROUP));
    messaging.simulation.setDiskFull(false);
    await messaging.recovered();
    expect(await viewOf(messaging)).toMatchObject({ readedToSeq: 0 });
  });
});
