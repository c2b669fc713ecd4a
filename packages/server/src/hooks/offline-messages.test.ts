import { gunzipSync } from "node:zlib";
import { SYSTEM_UID } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { Presence } from "../delivery/presence.ts";
import { storedMessage } from "../gateway/test-kit.ts";
import type { Conversation } from "../messaging/conversation.ts";
import { type ChannelKey, NAMED_WITH_SUFFIX, NO_ID, ORIGIN, type StoredMessage } from "../messaging/message.ts";
import { ChannelReceivers } from "../messaging/receivers.ts";
import { Messaging } from "../messaging/test-kit.ts";
import type { DeviceLevel } from "../messaging/users.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { OfflineMessages, type OfflineMessagesOptions } from "./offline-messages.ts";
import type { PushReceiver } from "./unacknowledged-pushes.ts";
import { type WebhookEvent, WebhookStopped } from "./webhook.ts";

const ROW: Conversation = {
  channel: { type: 2, id: "g" },
  membership: "member",
  join: ORIGIN,
  read: ORIGIN,
  deletedTo: ORIGIN,
  markedUnread: 0,
  commandSeq: 0,
  commandEnd: null,
  changed: NO_ID,
};
const NOW_SECONDS = 1_767_225_600;

interface Told {
  readonly to_uids: readonly string[];
  readonly [member: string]: unknown;
}

class Bench {
  readonly presence = new Presence();
  readonly events: WebhookEvent[] = [];
  readonly rows = new Map<string, Conversation>();
  readonly ownLast = new Map<string, number>();
  readonly failures: unknown[] = [];
  readonly watched: { readonly seq: number; readonly receivers: readonly PushReceiver[] }[] = [];
  /** Reading this user's row fails so. */
  readonly unreadable = new Map<string, Error>();
  readonly messaging: Messaging;
  readonly offline: OfflineMessages;
  /** What a delivery waits for. */
  hold: Promise<void> = Promise.resolve();
  underWay = 0;
  underWayMax = 0;
  #sessions = 0;

  private constructor(messaging: Messaging, options: Partial<OfflineMessagesOptions>) {
    this.messaging = messaging;
    const { world } = messaging.simulation;
    this.offline = new OfflineMessages({
      clock: { ...world.clock, wallMs: () => NOW_SECONDS * 1000 },
      timers: world.timers,
      channels: messaging.channels,
      conversations: {
        durable: (uid) => {
          const error = this.unreadable.get(uid);
          if (error !== undefined) throw error;
          return this.rows.get(uid);
        },
        ownLastIn: (uid) => ({ seq: this.ownLast.get(uid) ?? 0, counted: 0 }),
      },
      receivers: new ChannelReceivers(messaging.channels),
      presence: this.presence,
      history: messaging.history,
      unacknowledged: { watch: (pushed, receivers) => void this.watched.push({ seq: pushed.seq, receivers }) },
      webhook: {
        deliver: async (event) => {
          this.underWayMax = Math.max(this.underWayMax, ++this.underWay);
          await this.hold;
          this.underWay--;
          this.events.push(event);
        },
      },
      failed: (error) => this.failures.push(error),
      options: {
        nodeId: 7,
        compressOver: 0,
        heldBytesMax: 1 << 20,
        uidsPerCallMax: 1000,
        ageMsMax: 0,
        graceMs: 0,
        ...options,
      },
    });
  }

  static async open(options: Partial<OfflineMessagesOptions> = {}): Promise<Bench> {
    return new Bench(await Messaging.open(), options);
  }

  async group(key: ChannelKey, members: readonly string[], denied: readonly string[] = []): Promise<void> {
    const { admin } = this.messaging;
    await this.messaging.done(admin.addMembers(key, members, { reset: false }));
    await this.messaging.done(admin.addToList(key, "deny", denied));
  }

  login(uid: string, deviceFlag: number, deviceLevel: DeviceLevel): void {
    const id = ++this.#sessions;
    this.presence.add({ id, uid, deviceId: `device ${id}`, deviceFlag, deviceLevel, version: 5, connectedAtMs: 0 });
  }

  async handle(...messages: readonly StoredMessage[]): Promise<readonly Told[]> {
    this.events.length = 0;
    await this.messaging.done(this.offline.handle(0, messages));
    return this.events.map(bodyOf);
  }

  /** Of one message, in all its calls. */
  async told(message: StoredMessage): Promise<readonly string[]> {
    return (await this.handle(message)).flatMap((body) => body.to_uids).sort();
  }
}

function bodyOf(event: WebhookEvent): Told {
  return JSON.parse(Buffer.from(event.body).toString()) as Told;
}

function message(more: Partial<StoredMessage> = {}): StoredMessage {
  return storedMessage({ timeSeconds: NOW_SECONDS, fromUid: "sender", ...more });
}

type Login = readonly [flag: number, level: DeviceLevel];
/** Which sessions somebody has, and whether they make him online for msg.offline. */
const LOGINS: readonly { readonly name: string; readonly logins: readonly Login[]; readonly isOnline: boolean }[] = [
  { name: "none", logins: [], isOnline: false },
  { name: "app-slave", logins: [[0, "slave"]], isOnline: false },
  { name: "web-slave", logins: [[1, "slave"]], isOnline: false },
  { name: "pc-slave", logins: [[2, "slave"]], isOnline: false },
  { name: "app-master", logins: [[0, "master"]], isOnline: true },
  { name: "web-master", logins: [[1, "master"]], isOnline: true },
  { name: "pc-master", logins: [[2, "master"]], isOnline: true },
  {
    name: "app-slave-web-master",
    logins: [
      [0, "slave"],
      [1, "master"],
    ],
    isOnline: true,
  },
  {
    name: "app-slave-web-slave",
    logins: [
      [0, "slave"],
      [1, "slave"],
    ],
    isOnline: false,
  },
];
/** What he has done since, in the log of message 5; `chat` and `command`: whether that makes a late message of this log old news. */
const SINCE = [
  { name: "nothing", row: ROW, chat: false, command: false },
  { name: "read-4", row: { ...ROW, read: { seq: 4, counted: 0 } }, chat: false, command: false },
  { name: "read-5", row: { ...ROW, read: { seq: 5, counted: 0 } }, chat: true, command: false },
  { name: "read-9", row: { ...ROW, read: { seq: 9, counted: 0 } }, chat: true, command: false },
  { name: "deleted-5", row: { ...ROW, deletedTo: { seq: 5, counted: 0 } }, chat: true, command: false },
  { name: "joined-4", row: { ...ROW, join: { seq: 4, counted: 0 }, commandSeq: 4 }, chat: false, command: false },
  { name: "joined-5", row: { ...ROW, join: { seq: 5, counted: 0 }, commandSeq: 5 }, chat: true, command: true },
  { name: "acked-4", row: { ...ROW, commandSeq: 4 }, chat: false, command: false },
  { name: "acked-5", row: { ...ROW, commandSeq: 5 }, chat: false, command: true },
  { name: "sent-6", row: ROW, ownLast: 6, chat: true, command: false },
  { name: "no-row", row: undefined, chat: false, command: false },
] as const;

describe.each([
  { type: 2, id: "g" },
  { type: 3, id: "g" },
  { type: 4, id: "g" },
  { type: 5, id: "g" },
  { type: 6, id: "g" },
  { type: 7, id: "g" },
  { type: 8, id: "g" },
  { type: 9, id: "g" },
  { type: 10, id: "g" },
  { type: 12, id: "g" },
  { type: 77, id: "g" },
])("in a channel of type $type", (channel) => {
  test("exactly those are told who have no master online, are not deny-listed, did not send it and, when it is late, have not come to it", async () => {
    const bench = await Bench.open();
    const people = LOGINS.flatMap((login) =>
      SINCE.flatMap((since) => [true, false].map((isDenied) => ({ login, since, isDenied }))),
    ).map((person, index) => ({ ...person, uid: `u${index}` }));
    const denied = people.filter(({ isDenied }) => isDenied).map(({ uid }) => uid);
    await bench.group(channel, [SYSTEM_UID, ...people.map(({ uid }) => uid)], denied);
    for (const { uid, login, since } of people) {
      for (const [flag, level] of login.logins) bench.login(uid, flag, level);
      if (since.row !== undefined) bench.rows.set(uid, since.row);
      if ("ownLast" in since) bench.ownLast.set(uid, since.ownLast);
    }
    // The visitor that an id of type 10 implies.
    const implied = channel.type === 10 ? ["g"] : [];
    for (const log of ["chat", "command"] as const)
      for (const isLate of [false, true])
        for (const flags of [0, 2, 4, 6])
          for (const sender of [people[0]!, people.find(({ login }) => login.isOnline)!]) {
            const timeSeconds = isLate ? NOW_SECONDS - 3600 : NOW_SECONDS;
            const got = await bench.told(message({ channel, log, flags, seq: 5, fromUid: sender.uid, timeSeconds }));
            const expected = people.filter(
              ({ uid, login, since, isDenied }) =>
                uid !== sender.uid && !login.isOnline && !isDenied && !(isLate && since[log]),
            );
            expect(got, `${log}, late: ${isLate}, sender ${sender.uid}`).toEqual(
              [...implied, ...expected.map(({ uid }) => uid)].sort(),
            );
            expect(got.length).toBeGreaterThan(0);
          }
  });
});

describe("in a person channel", () => {
  const channel = { type: 1, id: "ben@ann" };

  test.each(LOGINS)(
    "the receiver with sessions $name is told or not, the sender never",
    async ({ logins, isOnline }) => {
      const bench = await Bench.open();
      for (const [flag, level] of logins) bench.login("ben", flag, level);
      expect(await bench.told(message({ channel, fromUid: "ann" }))).toEqual(isOnline ? [] : ["ben"]);
    },
  );

  test("nobody is told of a note to oneself", async () => {
    const bench = await Bench.open();
    expect(await bench.handle(message({ channel: { type: 1, id: "ann@ann" }, fromUid: "ann" }))).toEqual([]);
  });

  test("the receiver is told of what the system says", async () => {
    const bench = await Bench.open();
    const id = `ben@${SYSTEM_UID}`;
    expect(await bench.told(message({ channel: { type: 1, id }, fromUid: SYSTEM_UID }))).toEqual(["ben"]);
  });
});

test("of a message that is not kept users are told, however much they have read since", async () => {
  const bench = await Bench.open();
  await bench.group({ type: 2, id: "g" }, ["ben"]);
  bench.rows.set("ben", { ...ROW, read: { seq: 9, counted: 0 } });
  expect(await bench.told(message({ seq: 0, flags: 1, timeSeconds: NOW_SECONDS - 30 }))).toEqual(["ben"]);
});

test("a message of the time before the start is late at once", async () => {
  const bench = await Bench.open();
  await bench.group({ type: 2, id: "g" }, ["ben"]);
  bench.rows.set("ben", { ...ROW, read: { seq: 1, counted: 0 } });
  expect(await bench.told(message({ timeSeconds: NOW_SECONDS - 1 }))).toEqual([]);
  expect(await bench.told(message({ timeSeconds: NOW_SECONDS }))).toEqual(["ben"]);
});

describe("nobody is told", () => {
  test("of an agent channel", async () => {
    const bench = await Bench.open();
    expect(await bench.handle(message({ channel: { type: 11, id: "ann@bot" }, fromUid: "ann" }))).toEqual([]);
  });

  test("of a message that has expired", async () => {
    const bench = await Bench.open();
    await bench.group({ type: 2, id: "g" }, ["ben"]);
    const sent = { timeSeconds: NOW_SECONDS - 100 };
    expect(await bench.told(message({ ...sent, expireSeconds: 100 }))).toEqual([]);
    expect(await bench.told(message({ ...sent, expireSeconds: 101 }))).toEqual(["ben"]);
  });

  test("of a message that is older than the bound, if there is one", async () => {
    const old = message({ timeSeconds: NOW_SECONDS - 61 });
    for (const [ageMsMax, told] of [
      [60_000, []],
      [61_000, ["ben"]],
      [0, ["ben"]],
    ] as const) {
      const bench = await Bench.open({ ageMsMax });
      await bench.group({ type: 2, id: "g" }, ["ben"]);
      expect(await bench.told(old)).toEqual(told);
    }
  });

  test("where all are online: no call is made at all", async () => {
    const bench = await Bench.open();
    await bench.group({ type: 2, id: "g" }, ["ben", "sender"]);
    bench.login("ben", 0, "master");
    expect(await bench.handle(message())).toEqual([]);
  });

  test("until the grace time is over", async () => {
    const bench = await Bench.open({ graceMs: 15_000 });
    await bench.group({ type: 2, id: "g" }, ["ben", "cem"]);
    const handling = bench.offline.handle(0, [message()]);
    await bench.messaging.simulation.run(14_900);
    expect(bench.events).toEqual([]);
    bench.login("ben", 0, "master");
    await bench.messaging.done(handling);
    expect(bodyOf(bench.events[0]!).to_uids).toEqual(["cem"]);
  });

  test("when the server stops in the grace time: the message waits for the next start", async () => {
    const bench = await Bench.open({ graceMs: 15_000 });
    const handling = bench.offline.handle(0, [message()]);
    bench.offline.stop();
    await expect(handling).rejects.toBeInstanceOf(WebhookStopped);
  });
});

describe("who is online", () => {
  const channel = { type: 2, id: "g" };

  test("is watched with his master devices, but for the sender, the deny-listed and who is told anyway", async () => {
    const bench = await Bench.open();
    await bench.group(channel, ["ben", "cem", "dan", "eve", "sender"], ["eve"]);
    bench.login("ben", 0, "master");
    bench.login("ben", 1, "slave");
    bench.login("ben", 2, "master");
    bench.login("cem", 0, "slave");
    bench.login("eve", 0, "master");
    bench.login("sender", 0, "master");
    expect(await bench.told(message({ seq: 7 }))).toEqual(["cem", "dan"]);
    expect(bench.watched).toEqual([{ seq: 7, receivers: [{ uid: "ben", sessionIds: [1, 3] }] }]);
  });

  test("is told of what he did not acknowledge, unless he has come to it meanwhile", async () => {
    const bench = await Bench.open();
    const { messaging } = bench;
    await bench.group(channel, ["sender", "ben", "cem"]);
    await messaging.send("sender", channel);
    const [stored] = await messaging.stored(channel);
    bench.rows.set("ben", ROW);
    bench.rows.set("cem", { ...ROW, read: { seq: 1, counted: 1 } });
    await messaging.done(bench.offline.tellUnacknowledged({ ...stored!, seq: 1 }, ["ben", "cem"]));
    expect(bench.events.map(bodyOf).map((body) => body.to_uids)).toEqual([["ben"]]);
    await messaging.done(bench.offline.tellUnacknowledged({ ...stored!, seq: 2 }, ["ben"]));
    expect(bench.events.length).toBe(1);
    expect(bench.failures).toEqual([]);
  });
});

describe("a call", () => {
  test("has the message as it was addressed, the true sender, the users and the node", async () => {
    const bench = await Bench.open();
    const [body] = await bench.handle(message({ channel: { type: 1, id: `ben@${SYSTEM_UID}` }, fromUid: SYSTEM_UID }));
    expect(body).toEqual({
      header: { no_persist: 0, red_dot: 1, sync_once: 0 },
      setting: 0,
      message_id: expect.anything(),
      message_idstr: expect.any(String),
      client_msg_no: "no-1",
      message_seq: 1,
      from_uid: SYSTEM_UID,
      channel_id: "ben",
      channel_type: 1,
      expire: 0,
      timestamp: NOW_SECONDS,
      payload: Buffer.from("hello").toString("base64"),
      to_uids: ["ben"],
      source_id: 7,
    });
  });

  test("names the command log only if the sender did", async () => {
    const bench = await Bench.open();
    await bench.group({ type: 2, id: "g" }, ["ben"]);
    const plain = await bench.handle(message({ log: "command", flags: 4 }));
    const named = await bench.handle(message({ log: "command", flags: 4 | NAMED_WITH_SUFFIX }));
    expect([plain[0]?.["channel_id"], named[0]?.["channel_id"]]).toEqual(["g", "g____cmd"]);
  });

  test("names each user once, in several calls when there are many, each with an id of its own that stays the same", async () => {
    const bench = await Bench.open({ uidsPerCallMax: 400 });
    const members = Array.from({ length: 1000 }, (_, index) => `u${index}`);
    await bench.group({ type: 2, id: "g" }, members);
    const bodies = await bench.handle(message());
    expect(bodies.map((body) => body.to_uids.length)).toEqual([400, 400, 200]);
    expect(bodies.flatMap((body) => body.to_uids).sort()).toEqual([...members].sort());
    const ids = bench.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    await bench.handle(message());
    expect(bench.events.map(({ id }) => id)).toEqual(ids);
  });

  test("carries more users than the bound as whole gzip, and as many as the bound plain", async () => {
    const bench = await Bench.open({ compressOver: 3 });
    await bench.group({ type: 2, id: "three" }, ["a", "b", "c"]);
    await bench.group({ type: 2, id: "four" }, ["a", "b", "c", "d"]);
    const [plain] = await bench.handle(message({ channel: { type: 2, id: "three" } }));
    expect([plain?.to_uids, plain?.["compress"], plain?.["compress_to_uids"]]).toEqual([
      ["a", "b", "c"],
      undefined,
      undefined,
    ]);
    const [packed] = await bench.handle(message({ channel: { type: 2, id: "four" } }));
    expect([packed?.to_uids, packed?.["compress"]]).toEqual([[], "gzip"]);
    const unpacked = gunzipSync(Buffer.from(String(packed?.["compress_to_uids"]), "base64")).toString();
    expect(JSON.parse(unpacked)).toEqual(["a", "b", "c", "d"]);
  });

  test("is made for few messages at once, and after a stop for none that has not begun", async () => {
    const bench = await Bench.open();
    const release = Promise.withResolvers<void>();
    bench.hold = release.promise;
    const chats = Array.from({ length: 100 }, (_, index) => ({ type: 2, id: `g${index}` }));
    for (const chat of chats) await bench.group(chat, ["ben"]);
    const handling = bench.offline.handle(
      0,
      chats.map((channel) => message({ channel })),
    );
    await bench.messaging.simulation.run(10);
    expect(bench.underWay).toBe(16);
    bench.offline.stop();
    release.resolve();
    await expect(handling).rejects.toBeInstanceOf(WebhookStopped);
    expect([bench.events.length, bench.underWayMax]).toEqual([16, 16]);
  });

  test("waits for the one before it in the same log, and not for those of other channels", async () => {
    const bench = await Bench.open();
    const release = Promise.withResolvers<void>();
    bench.hold = release.promise;
    const chats = ["a", "b", "c"].map((id) => ({ type: 2, id }));
    for (const chat of chats) await bench.group(chat, ["ben"]);
    const messages = [1, 2, 3].flatMap((seq) => chats.map((channel) => message({ channel, seq })));
    const handling = bench.offline.handle(0, messages);
    await bench.messaging.simulation.run(10);
    expect([bench.underWay, bench.events.length]).toEqual([3, 0]);
    release.resolve();
    await bench.messaging.done(handling);
    const seqs = Map.groupBy(bench.events.map(bodyOf), (body) => body["channel_id"]);
    for (const bodies of seqs.values()) expect(bodies.map((body) => body["message_seq"])).toEqual([1, 2, 3]);
    expect([seqs.size, bench.underWayMax]).toEqual([3, 3]);
  });
});

describe("a message that cannot be decided", () => {
  const late = { timeSeconds: NOW_SECONDS - 60 };

  test("because a row cannot be read is passed over with a line in the log, and the next ones are told", async () => {
    const bench = await Bench.open();
    await bench.group({ type: 2, id: "g" }, ["ben"]);
    const error = new Error("a row of version 9");
    bench.unreadable.set("ben", error);
    const told = await bench.handle(message({ ...late, seq: 1 }), message({ seq: 2 }));
    expect([told.map((body) => body["message_seq"]), bench.failures]).toEqual([[2], [error]]);
  });

  test("because the store is away comes again", async () => {
    const bench = await Bench.open();
    await bench.group({ type: 2, id: "g" }, ["ben"]);
    const error = new StoreUnavailable({ outcome: "refused", code: "read_only", cause: null });
    bench.unreadable.set("ben", error);
    await expect(bench.handle(message({ ...late, seq: 1 }), message({ seq: 2 }))).rejects.toBe(error);
    expect([bench.events, bench.failures]).toEqual([[], []]);
  });
});
