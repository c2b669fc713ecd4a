import { Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { type Channel, NO_CHANNEL_ROW } from "./channel.ts";
import { kindOf } from "./channel-kinds.ts";
import { EMPTY_HEAD } from "./message.ts";
import { type PermissionQuestion, refusalOf } from "./permission.ts";
import { Roster } from "./roster.ts";

interface Lists {
  readonly members?: readonly string[];
  readonly deny?: readonly string[];
  readonly allow?: readonly string[];
}

function channel(type: number, id: string, row: Partial<Channel["row"]> = {}, lists: Lists = {}): Channel {
  const log = { decided: EMPTY_HEAD, durable: EMPTY_HEAD, inFlight: undefined, touch: undefined };
  const roster = (uids: readonly string[] = []): Roster => {
    const made = new Roster();
    made.load(uids);
    return made;
  };
  return {
    key: { type, id },
    shard: 0,
    kind: kindOf(type),
    implied: kindOf(type).implied(id),
    chat: { ...log },
    command: { ...log },
    members: roster(lists.members),
    deny: roster(lists.deny),
    allow: roster(lists.allow),
    row: { ...NO_CHANNEL_ROW, ...row },
    impliedRowsWritten: false,
    bucket: undefined,
    pins: 0,
    bytes: 0,
  };
}

function ask(question: Partial<PermissionQuestion> & Pick<PermissionQuestion, "channel">): number {
  const refused = refusalOf({
    origin: "client",
    fromUid: "a",
    log: "chat",
    senderRecord: channel(1, "a"),
    receiverRecord: channel(1, "b"),
    isSystem: (uid) => uid === "robot",
    personAllowListOff: true,
    ...question,
  });
  return refused?.reason ?? Reason.success;
}

const person = channel(1, "b@a");

describe("sending to a person", () => {
  test.each([
    [true, {}, Reason.success],
    [true, { deny: ["a"] }, Reason.inBlacklist],
    [true, { allow: ["c"] }, Reason.success],
    [false, {}, Reason.notInWhitelist],
    [false, { allow: ["c"] }, Reason.notInWhitelist],
    [false, { allow: ["a"] }, Reason.success],
    [false, { allow: ["a"], deny: ["a"] }, Reason.inBlacklist],
  ])("whitelistOffOfPerson %s and the receiver's lists %j: %i", (personAllowListOff, lists, reason) => {
    expect(ask({ channel: person, personAllowListOff, receiverRecord: channel(1, "b", {}, lists) })).toBe(reason);
  });

  test("the sender's own lists do not matter", () => {
    const senderRecord = channel(1, "a", {}, { deny: ["b"] });
    expect(ask({ channel: person, senderRecord })).toBe(Reason.success);
  });

  test("anyone may write to a system account, whatever its lists say", () => {
    const receiverRecord = channel(1, "robot", {}, { deny: ["a"] });
    expect(ask({ channel: channel(1, "robot@a"), receiverRecord, personAllowListOff: false })).toBe(Reason.success);
  });

  test("a chat with oneself follows one's own lists", () => {
    const self = { channel: channel(1, "a@a"), personAllowListOff: false };
    expect(ask({ ...self, receiverRecord: channel(1, "a") })).toBe(Reason.notInWhitelist);
    expect(ask({ ...self, receiverRecord: channel(1, "a", {}, { allow: ["a"] }) })).toBe(Reason.success);
  });
});

describe("sending to a channel with members", () => {
  test.each([
    [{}, Reason.subscriberNotExist],
    [{ members: ["a"] }, Reason.success],
    [{ members: ["a"], deny: ["a"] }, Reason.inBlacklist],
    [{ deny: ["a"] }, Reason.inBlacklist],
    [{ members: ["a"], allow: ["b"] }, Reason.notInWhitelist],
    [{ members: ["a"], allow: ["a"] }, Reason.success],
    [{ allow: ["a"] }, Reason.subscriberNotExist],
  ])("lists %j: %i", (lists, reason) => {
    for (const type of [2, 4, 5, 7, 8, 9, 12, 0, 99])
      expect(ask({ channel: channel(type, "c", {}, lists) })).toBe(reason);
  });

  test("receivers of a temporary channel are no senders", () => {
    const temporary = channel(8, "t", { receiveOnly: true }, { members: ["a"] });
    expect(ask({ channel: temporary })).toBe(Reason.subscriberNotExist);
    expect(ask({ channel: temporary, fromUid: "robot" })).toBe(Reason.success);
    expect(ask({ channel: temporary, origin: "server", senderRecord: undefined })).toBe(Reason.success);
  });

  test("H-59: once the last one is off the allow list, it holds nobody back", () => {
    const group = channel(2, "g", {}, { members: ["a"], allow: ["b"] });
    group.allow.decideRemove("b");
    expect(ask({ channel: group })).toBe(Reason.success);
  });
});

describe("flags", () => {
  test("ban comes before disband, and both before the sender's rights", () => {
    expect(ask({ channel: channel(2, "g", { ban: true, disband: true }) })).toBe(Reason.ban);
    expect(ask({ channel: channel(2, "g", { disband: true }) })).toBe(Reason.disband);
  });

  test("they hold for the server and system accounts too, but not for commands", () => {
    const banned = channel(2, "g", { ban: true }, { members: ["a"] });
    expect(ask({ channel: banned, origin: "server", senderRecord: undefined })).toBe(Reason.ban);
    expect(ask({ channel: banned, fromUid: "robot" })).toBe(Reason.ban);
    expect(ask({ channel: banned, log: "command" })).toBe(Reason.success);
  });

  test("types 3, 6, 10 and 11 know neither", () => {
    for (const [type, id] of [
      [3, "a|s"],
      [6, "i"],
      [10, "a"],
      [11, "a@bot"],
    ] as const)
      expect(ask({ channel: channel(type, id, { ban: true, disband: true }) })).toBe(Reason.success);
  });

  test("who is banned from sending is told so first, but what the server sends in his name goes", () => {
    const senderRecord = channel(1, "a", { sendBan: true });
    expect(ask({ channel: channel(2, "g", { ban: true }), senderRecord })).toBe(Reason.sendBan);
    expect(ask({ channel: person, origin: "server", senderRecord: undefined })).toBe(Reason.success);
  });
});

describe("other kinds", () => {
  test("anyone writes to customer service and info, only owner or members to visitors, parties or members to agents", () => {
    expect(ask({ channel: channel(3, "v|s") })).toBe(Reason.success);
    expect(ask({ channel: channel(6, "i") })).toBe(Reason.success);
    expect(ask({ channel: channel(10, "a") })).toBe(Reason.success);
    expect(ask({ channel: channel(10, "v") })).toBe(Reason.subscriberNotExist);
    expect(ask({ channel: channel(10, "v", {}, { members: ["a"] }) })).toBe(Reason.success);
    expect(ask({ channel: channel(11, "a@bot") })).toBe(Reason.success);
    expect(ask({ channel: channel(11, "u@bot") })).toBe(Reason.subscriberNotExist);
  });

  test("a system account and the server may send anywhere", () => {
    for (const type of [1, 2, 7, 10, 12]) {
      const to = channel(type, type === 1 ? "robot@b" : "c");
      expect(ask({ channel: to, fromUid: "robot" })).toBe(Reason.success);
      expect(ask({ channel: to, origin: "server", senderRecord: undefined })).toBe(Reason.success);
    }
  });
});
