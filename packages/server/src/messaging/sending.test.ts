/** Sends when something goes wrong around them: reads that fail, lists that come in parts. */
import { Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { conversationTable, denyTable, memberTable, receiptTable } from "../store/tables.ts";
import { Messaging } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;
const BEN = { type: 1, id: "ben" } as const;

describe("a send whose reads fail", () => {
  test("leaves nothing behind that makes the next message unfindable", async () => {
    const messaging = await Messaging.open();
    await messaging.send("ann", BEN);
    await messaging.reset();
    messaging.faults.getsFailIn = conversationTable;
    expect((await messaging.send("ann", BEN)).reason).toBe(Reason.systemError);
    messaging.faults.getsFailIn = undefined;
    const looked: string[] = [];
    const { decided } = messaging.conversations;
    messaging.conversations.decided = (uid, channel) => {
      looked.push(uid);
      return decided.call(messaging.conversations, uid, channel);
    };
    expect((await messaging.send("ann", BEN)).reason).toBe(Reason.success);
    expect(looked.sort()).toEqual(["ann", "ben"]);
  });

  test("does not keep a channel in memory when another one of the same send cannot be loaded", async () => {
    const messaging = await Messaging.open();
    await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
    await messaging.done(messaging.admin.addToList({ type: 1, id: "ann" }, "deny", ["eve"]));
    await messaging.reset();
    messaging.faults.rangesFailIn = memberTable;
    expect((await messaging.send("ann", GROUP)).reason).toBe(Reason.systemError);
    await messaging.simulation.run(1000);
    expect(messaging.channels.peek({ type: 1, id: "ann" })?.pins).toBe(0);
    messaging.faults.rangesFailIn = denyTable;
    await messaging.reset();
    expect((await messaging.send("ann", GROUP)).reason).toBe(Reason.systemError);
    await messaging.simulation.run(1000);
    expect(messaging.channels.peek(GROUP)?.pins).toBe(0);
  });

  test("is answered, and so is what the same session sends behind it, whatever the failure is", async () => {
    const messaging = await Messaging.open();
    await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
    await messaging.send("ann", GROUP, { clientMsgNo: "first" });
    await messaging.reset();
    // A row that an unknown version has written.
    const { decode } = receiptTable;
    receiptTable.decode = () => {
      throw new Error("a row of version 9");
    };
    try {
      const first = messaging.send("ann", GROUP, { clientMsgNo: "first" });
      const second = messaging.send("ann", GROUP);
      expect((await first).reason).toBe(Reason.systemError);
      expect((await second).reason).toBe(Reason.success);
    } finally {
      receiptTable.decode = decode;
    }
  });
});

test("a member list that is read in parts is whole", async () => {
  const messaging = await Messaging.open();
  const members = ["ann", "ben", "cat", "dan", "eva"];
  await messaging.done(messaging.admin.addMembers(GROUP, members, { reset: false }));
  await messaging.reset();
  messaging.faults.rangeEntriesMax = 2;
  for (const uid of members) expect((await messaging.send(uid, GROUP)).reason).toBe(Reason.success);
});
