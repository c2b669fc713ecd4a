import { Reason, SYSTEM_UID } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { type ChannelKey, MessageFlag } from "../messaging/message.ts";
import type { SendRequest, SendResult } from "../messaging/send.ts";
import { Sender } from "../messaging/sending.ts";
import { Messaging, requestOf } from "../messaging/test-kit.ts";
import { UserDirectory } from "../messaging/user-directory.ts";
import { createSimulatedWorld } from "../world/simulated/simulated-world.ts";
import { Datasource } from "./datasource.ts";
import { SourcedChannels, type SourcedChannelsOptions } from "./sourced-channels.ts";
import { sourcedLists } from "./sourced-lists.ts";
import { SourcedUsers } from "./sourced-users.ts";

const GROUP: ChannelKey = { type: 2, id: "team" };
const FRESH_MS = 60_000;
const STALE_MS = 3_600_000;

interface Question {
  readonly cmd: string;
  readonly data: { readonly channel_id?: string; readonly channel_type?: number };
}

/** The back end behind the datasource: what it knows, and how it answers. It outlives the server. */
class BackEnd {
  readonly asked: string[] = [];
  /** By command and channel: "getSubscribers 2 team". What is not there is answered with null. */
  readonly knows = new Map<string, unknown>();
  systemUids: unknown = [];
  /** Instead of an answer. */
  fails: "not" | "never answers" | "status 500" | "no JSON" = "not";
  answersAfterMs = 5;
  underWay = 0;
  underWayMax = 0;

  async answer({ cmd, data }: Question, delay: (ms: number) => Promise<void>, timeoutMs: number) {
    const name = cmd === "getSystemUIDs" ? cmd : `${cmd} ${data.channel_type} ${data.channel_id}`;
    this.asked.push(name);
    // Read before the answer travels: it may be old when it comes.
    const known = JSON.stringify(cmd === "getSystemUIDs" ? this.systemUids : (this.knows.get(name) ?? null));
    this.underWayMax = Math.max(this.underWayMax, ++this.underWay);
    await delay(this.fails === "never answers" ? timeoutMs : this.answersAfterMs);
    this.underWay--;
    if (this.fails === "never answers") throw new Error("no answer in time");
    const text = this.fails === "no JSON" ? "<html>" : known;
    return { status: this.fails === "status 500" ? 500 : 200, body: Buffer.from(text) };
  }

  members(...uids: readonly unknown[]): void {
    this.knows.set("getSubscribers 2 team", uids);
  }
}

class Bench {
  readonly backEnd: BackEnd;
  readonly messaging: Messaging;
  readonly channels: SourcedChannels;
  readonly users: SourcedUsers;
  readonly sender: Sender;
  readonly states: (string | null)[] = [];

  private constructor(
    backEnd: BackEnd,
    messaging: Messaging,
    directory: UserDirectory,
    options: Partial<SourcedChannelsOptions>,
  ) {
    this.backEnd = backEnd;
    this.messaging = messaging;
    const { store, channels, admin, conversations, ids, simulation } = messaging;
    const { clock, timers } = simulation.world;
    const delay = (ms: number): Promise<void> => new Promise((resolve) => timers.after(ms, resolve));
    const datasource = new Datasource({
      clock,
      http: {
        post: ({ body, timeoutMs }) =>
          backEnd.answer(JSON.parse(Buffer.from(body).toString()) as Question, delay, timeoutMs),
      },
      stateChanged: (because) => this.states.push(because),
      options: { url: "http://back-end", timeoutMs: 3_000, answerBytesMax: 1 << 20, questionsMax: 4 },
    });
    const times = { freshMs: FRESH_MS, staleMs: STALE_MS };
    this.channels = new SourcedChannels({
      clock,
      store,
      channels,
      admin,
      datasource,
      options: {
        asksInfo: true,
        asksMembers: true,
        asksDenyList: true,
        asksAllowList: true,
        personAllowListOff: true,
        channelTypes: new Set(),
        cacheMax: 1000,
        cacheBytesMax: 1 << 20,
        ...times,
        ...options,
      },
    });
    this.users = new SourcedUsers({ clock, users: directory, datasource, options: times });
    this.sender = new Sender({
      clock,
      store,
      channels,
      conversations,
      ids,
      isSystem: (uid) => this.users.isSystem(uid),
      outside: sourcedLists(this.users, this.channels),
      trail: { refused: () => undefined },
      failed: (error) => messaging.failures.push(error),
      deliver: () => undefined,
      isDeliveryFull: () => false,
      options: {
        personAllowListOff: options.personAllowListOff ?? true,
        payloadBytesMax: 1 << 20,
        batchBytesMax: 1 << 20,
      },
    });
  }

  static async open(
    options: Partial<SourcedChannelsOptions> = {},
    backEnd: BackEnd = new BackEnd(),
    messaging?: Messaging,
  ): Promise<Bench> {
    const used = messaging ?? (await Messaging.open({}, createSimulatedWorld({ seed: 5 })));
    const directory = await used.done(
      UserDirectory.load(used.store, used.simulation.world.clock, {
        tokenAuthOn: false,
        managerUid: "____manager",
        managerToken: "",
        visitorsSuffix: undefined,
      }),
    );
    return new Bench(backEnd, used, directory, options);
  }

  async restarted(options: Partial<SourcedChannelsOptions> = {}): Promise<Bench> {
    this.messaging.simulation.crash();
    return Bench.open(options, this.backEnd, await this.messaging.restarted());
  }

  sendLater(fromUid: string, to: ChannelKey = GROUP, more: Partial<SendRequest> = {}): Promise<SendResult> {
    return new Promise((resolve) =>
      this.sender.send([requestOf(fromUid, to, more)], { answered: (_, result) => resolve(result) }),
    );
  }
  async send(fromUid: string, to: ChannelKey = GROUP, more: Partial<SendRequest> = {}): Promise<number> {
    return (await this.messaging.done(this.sendLater(fromUid, to, more))).reason;
  }
  async members(key: ChannelKey = GROUP): Promise<readonly string[]> {
    return (await this.messaging.done(this.messaging.admin.list(key, "members"))).map(({ uid }) => uid);
  }
  pass(ms: number): Promise<void> {
    return this.messaging.simulation.run(ms);
  }
}

describe("a send asks the datasource", () => {
  test("first, so its members may send and have the chat in their lists with the first message", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann", "ben");
    expect(await bench.send("ann")).toBe(Reason.success);
    const [chat] = await bench.messaging.viewsOf("ben");
    expect([chat?.shown.id, chat?.unread]).toEqual(["team", 1]);
    expect(await bench.send("cem")).toBe(Reason.subscriberNotExist);
  });

  test("once for all who write at the same time, and not again while the answer is fresh", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann", "ben");
    await bench.messaging.done(Promise.all(Array.from({ length: 20 }, () => bench.sendLater("ann"))));
    await bench.pass(FRESH_MS - 1_000);
    await bench.send("ben");
    expect(bench.backEnd.asked.filter((name) => name.startsWith("getSubscribers"))).toEqual(["getSubscribers 2 team"]);
    await bench.pass(2_000);
    await bench.send("ben");
    expect(bench.backEnd.asked.filter((name) => name.startsWith("getSubscribers")).length).toBe(2);
  });

  test("for exactly what is turned on", async () => {
    const bench = await Bench.open({ asksInfo: false, asksMembers: false, asksAllowList: false });
    await bench.send("ann");
    expect(bench.backEnd.asked.sort()).toEqual(["getBlacklist 2 team", "getSystemUIDs"]);
  });

  test("of the receiver's own lists for a person, and of his allow list only where it counts", async () => {
    const bench = await Bench.open();
    await bench.send("ann", { type: 1, id: "ben" });
    expect(bench.backEnd.asked.sort()).toEqual(["getBlacklist 1 ben", "getSystemUIDs"]);
    const strict = await Bench.open({ personAllowListOff: false });
    strict.backEnd.knows.set("getWhitelist 1 ben", ["ann"]);
    expect(await strict.send("ann", { type: 1, id: "ben" })).toBe(Reason.success);
    expect(await strict.send("cem", { type: 1, id: "ben" })).toBe(Reason.notInWhitelist);
  });

  test("of channels of the named types only", async () => {
    const bench = await Bench.open({ channelTypes: new Set([4]) });
    await bench.send("ann");
    await bench.send("ann", { type: 1, id: "ben" });
    expect(bench.backEnd.asked).toEqual(["getSystemUIDs"]);
    await bench.send("ann", { type: 4, id: "town" });
    expect(bench.backEnd.asked.length).toBe(5);
  });

  test("never of a temporary channel, an agent's, or one where it decides nothing", async () => {
    const bench = await Bench.open();
    await bench.send("ann", { type: 8, id: "42" }, { origin: "server", session: 0, flags: MessageFlag.syncOnce });
    await bench.send("ann", { type: 11, id: "bot" });
    expect(bench.backEnd.asked).toEqual(["getSystemUIDs"]);
    await bench.send("ann", { type: 3, id: "ann|shop" });
    expect(bench.backEnd.asked).toEqual(["getSystemUIDs", "getSubscribers 3 ann|shop"]);
  });

  test("of a server's message too: its receivers are the members", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann");
    expect(await bench.send(SYSTEM_UID, GROUP, { origin: "server", session: 0 })).toBe(Reason.success);
    expect(await bench.messaging.chatsOf("ann")).toEqual(["team"]);
  });

  test("and what one session sends stays in its order, also behind an answer", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann");
    const results = [0, 1, 2].map((index) => bench.sendLater("ann", GROUP, { clientMsgNo: `no-${index}` }));
    const seqs = (await bench.messaging.done(Promise.all(results))).map(({ seq }) => seq);
    expect(seqs).toEqual([1, 2, 3]);
  });
});

describe("what the datasource says", () => {
  test("replaces the stored members: who is gone may not send, who stays keeps his row", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann", "ben", "cem");
    await bench.send("ann");
    bench.backEnd.members("ann", "dan");
    await bench.pass(FRESH_MS + 1);
    expect(await bench.send("ann")).toBe(Reason.success);
    expect(await bench.members()).toEqual(["ann", "dan"]);
    expect(await bench.send("ben")).toBe(Reason.subscriberNotExist);
    expect([await bench.messaging.chatsOf("ben"), await bench.messaging.chatsOf("dan")]).toEqual([[], ["team"]]);
    expect((await bench.messaging.viewsOf("dan"))[0]?.unread).toBe(1);
  });

  test.each([
    ["getBlacklist 2 team", ["ann"], Reason.inBlacklist],
    ["getWhitelist 2 team", ["ben"], Reason.notInWhitelist],
    ["getChannelInfo 2 team", { ban: 1 }, Reason.ban],
    ["getChannelInfo 2 team", { disband: 1 }, Reason.disband],
    ["getChannelInfo 2 team", { ban: true }, Reason.ban],
  ])("decides: %s %j gives reason %i, and without it the message goes through", async (name, answer, reason) => {
    const bench = await Bench.open();
    bench.backEnd.members("ann", "ben");
    bench.backEnd.knows.set(name, answer);
    expect(await bench.send("ann")).toBe(reason);
    bench.backEnd.knows.set(name, null);
    await bench.pass(FRESH_MS + 1);
    expect(await bench.send("ann")).toBe(Reason.success);
  });

  test("leaves flags alone that it does not name and cannot mean", async () => {
    const bench = await Bench.open();
    await bench.messaging.done(
      bench.channels.setFlags(GROUP, { ban: true, disband: false, sendBan: true, large: false, allowStranger: true }),
    );
    bench.backEnd.knows.set("getChannelInfo 2 team", { large: 1 });
    await bench.send("ann");
    expect(bench.channels.flags(GROUP)).toMatchObject({ ban: false, large: true, sendBan: true, allowStranger: true });
  });

  test("writes nothing when nothing has changed but when it was asked", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann", "ben");
    await bench.send("ann");
    await bench.pass(FRESH_MS + 1);
    const { store } = bench.messaging;
    let steps = 0;
    const commitStep = store.commitStep.bind(store);
    store.commitStep = (batches, settled) => {
      steps++;
      commitStep(batches, settled);
    };
    await bench.send("ann");
    expect(steps).toBe(0);
  });

  test("counts without those that nobody can log in with, and each uid once", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann", "ann", "", "a@b", "x\ud800", "y".repeat(300));
    await bench.send("ann");
    expect(await bench.members()).toEqual(["ann"]);
  });

  test.each([{ uids: ["ann"] }, "ann", [1, 2], 7, ["ann", null]])(
    "is no answer when it has another form: %j",
    async (answer) => {
      const bench = await Bench.open();
      bench.backEnd.knows.set("getSubscribers 2 team", answer);
      expect(await bench.send("ann")).toBe(Reason.systemError);
    },
  );
});

describe.each(["never answers", "status 500", "no JSON"] as const)("a datasource that fails (%s)", (fails) => {
  test("makes sends retryable when nothing is known, and neither allowed nor refused for good", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann");
    bench.backEnd.fails = fails;
    expect(await bench.send("ann")).toBe(Reason.systemError);
    expect(await bench.messaging.stored(GROUP)).toEqual([]);
    bench.backEnd.fails = "not";
    await bench.pass(1_001);
    expect(await bench.send("ann")).toBe(Reason.success);
    expect(bench.states).toEqual([expect.any(String), null]);
  });

  test("is not asked at each send: for a second the answer is the same", async () => {
    const bench = await Bench.open();
    bench.backEnd.fails = fails;
    await bench.send("ann");
    const { length } = bench.backEnd.asked;
    for (let index = 0; index < 50; index++) expect(await bench.send("ann")).toBe(Reason.systemError);
    const more = bench.backEnd.asked.slice(length).filter((name) => name !== "getSystemUIDs");
    expect(more).toEqual([]);
  });

  test("leaves its last answer in force for the stale time, across a restart, and no longer", async () => {
    const first = await Bench.open();
    first.backEnd.members("ann");
    await first.send("ann");
    first.backEnd.fails = fails;
    await first.pass(FRESH_MS + 1);
    expect([await first.send("ann"), await first.send("ben")]).toEqual([Reason.success, Reason.subscriberNotExist]);
    const second = await first.restarted();
    expect([await second.send("ann"), await second.send("ben")]).toEqual([Reason.success, Reason.subscriberNotExist]);
    await second.pass(STALE_MS);
    expect([await second.send("ann"), await second.send("ben")]).toEqual([Reason.systemError, Reason.systemError]);
  });

  test("stops nothing that does not ask it", async () => {
    const bench = await Bench.open({ channelTypes: new Set([4]) });
    bench.backEnd.fails = fails;
    await bench.messaging.done(bench.channels.addMembers(GROUP, ["ann"], { reset: false }));
    expect(await bench.send("ann")).toBe(Reason.success);
  });

  test("in one channel stops only the messages to that one", async () => {
    const bench = await Bench.open({ asksInfo: false, asksDenyList: false, asksAllowList: false });
    bench.backEnd.members("ann");
    bench.backEnd.knows.set("getSubscribers 2 broken", fails);
    const results = new Map<string, number>();
    const requests = [GROUP, { type: 2, id: "broken" }, GROUP].map((to, index) =>
      requestOf("ann", to, { clientMsgNo: `no-${index}` }),
    );
    await bench.messaging.done(
      new Promise<void>((resolve) =>
        bench.sender.send(requests, {
          answered({ clientMsgNo }, { reason }) {
            results.set(clientMsgNo, reason);
            if (results.size === 3) resolve();
          },
        }),
      ),
    );
    expect(Object.fromEntries(results)).toEqual({
      "no-0": Reason.success,
      "no-1": Reason.systemError,
      "no-2": Reason.success,
    });
  });
});

describe("a change by the API", () => {
  test("counts at once, and the datasource is asked again at the next send", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann");
    await bench.send("ann");
    bench.backEnd.members("ann", "ben");
    await bench.messaging.done(bench.channels.addMembers(GROUP, ["ben"], { reset: false }));
    expect(await bench.members()).toEqual(["ann", "ben"]);
    const { length } = bench.backEnd.asked;
    expect(await bench.send("ben")).toBe(Reason.success);
    expect(bench.backEnd.asked.slice(length)).toContain("getSubscribers 2 team");
  });

  test("is not undone by an answer that was under way", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann", "ben");
    bench.backEnd.answersAfterMs = 500;
    const sending = bench.sendLater("ann");
    await bench.pass(100);
    // The answer on its way still names ben.
    bench.backEnd.members("ann");
    await bench.messaging.done(bench.channels.removeMembers(GROUP, ["ben"]));
    await bench.messaging.done(sending);
    expect(await bench.members()).toEqual(["ann"]);
  });

  test("that comes again and again does not hold a send up for ever", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann");
    bench.backEnd.answersAfterMs = 100;
    await bench.messaging.done(bench.channels.addMembers(GROUP, ["ann"], { reset: false }));
    const sending = bench.sendLater("ann");
    let isAnswered = false;
    void sending.then(() => {
      isAnswered = true;
    });
    for (let index = 0; !isAnswered && index < 100; index++) {
      await bench.messaging.done(bench.channels.addToList(GROUP, "allow", ["ann"]));
      await bench.pass(50);
    }
    expect((await sending).reason).toBe(Reason.success);
  });
});

describe("questions", () => {
  test("under way are bounded; the others wait for their turn", async () => {
    const bench = await Bench.open({ asksInfo: false, asksDenyList: false, asksAllowList: false });
    const groups = Array.from({ length: 40 }, (_, index) => ({ type: 2, id: `g${index}` }));
    for (const { id } of groups) bench.backEnd.knows.set(`getSubscribers 2 ${id}`, ["ann"]);
    const sending = groups.map((group, index) => bench.sendLater("ann", group, { session: index + 1 }));
    const reasons = (await bench.messaging.done(Promise.all(sending))).map(({ reason }) => reason);
    expect(new Set(reasons)).toEqual(new Set([Reason.success]));
    expect(bench.backEnd.underWayMax).toBe(4);
  });

  test("that wait longer than an answer may take fail, and the next ones come through again", async () => {
    const bench = await Bench.open({ asksInfo: false, asksDenyList: false, asksAllowList: false });
    bench.backEnd.fails = "never answers";
    const groups = Array.from({ length: 40 }, (_, index) => ({ type: 2, id: `g${index}` }));
    const startMs = bench.messaging.simulation.nowMs;
    const sending = groups.map((group, index) => bench.sendLater("ann", group, { session: index + 1 }));
    await bench.messaging.done(Promise.all(sending));
    expect(bench.messaging.simulation.nowMs - startMs).toBeLessThan(10_000);
    bench.backEnd.fails = "not";
    bench.backEnd.members("ann");
    await bench.pass(2_000);
    expect(await bench.send("ann")).toBe(Reason.success);
  });
});

describe("the cache", () => {
  test("forgets only when it was asked: what is stored stays, also when fewer channels fit than are used", async () => {
    const bench = await Bench.open({ cacheMax: 2 });
    bench.backEnd.members("ann");
    await bench.send("ann");
    for (let index = 0; index < 20; index++) await bench.send("ann", { type: 2, id: `g${index}` });
    const { length } = bench.backEnd.asked;
    expect(await bench.send("ann")).toBe(Reason.success);
    expect(bench.backEnd.asked.length).toBe(length);
  });
});

describe("system accounts", () => {
  test("are those that the datasource names, from the first message on", async () => {
    const bench = await Bench.open();
    bench.backEnd.systemUids = ["helper"];
    bench.backEnd.members("ann");
    expect(await bench.send("helper")).toBe(Reason.success);
    expect(await bench.send("ben")).toBe(Reason.subscriberNotExist);
    expect(bench.users.systemUids()).toEqual(["helper"]);
  });

  test("are the stored ones while it does not answer, and its own again when it does", async () => {
    const bench = await Bench.open();
    await bench.messaging.done(bench.users.addSystemUids(["stored"]));
    bench.backEnd.systemUids = ["helper"];
    bench.backEnd.members("ann");
    await bench.send("ann");
    bench.backEnd.fails = "status 500";
    const second = await bench.restarted();
    expect([await second.send("stored"), await second.send("helper")]).toEqual([
      Reason.success,
      Reason.subscriberNotExist,
    ]);
    bench.backEnd.fails = "not";
    await second.pass(1_001);
    await second.send("ann");
    await second.pass(1_000);
    expect([await second.send("stored"), await second.send("helper")]).toEqual([
      Reason.subscriberNotExist,
      Reason.success,
    ]);
  });

  test("that the API adds or removes count at once", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann");
    bench.backEnd.systemUids = ["helper"];
    await bench.send("ann");
    await bench.messaging.done(bench.users.addSystemUids(["new"]));
    expect([bench.users.isSystem("new"), bench.users.isSystem("helper"), bench.users.isSystem(SYSTEM_UID)]).toEqual([
      true,
      true,
      true,
    ]);
    await bench.messaging.done(bench.users.removeSystemUids(["helper"]));
    expect(bench.users.isSystem("helper")).toBe(false);
  });

  test("that the API adds while an answer is under way are not lost by it", async () => {
    const bench = await Bench.open();
    bench.backEnd.members("ann");
    await bench.send("ann");
    bench.backEnd.answersAfterMs = 500;
    await bench.pass(FRESH_MS + 1);
    await bench.send("ann");
    const adding = bench.users.addSystemUids(["new"]);
    await bench.messaging.done(adding);
    await bench.pass(1_000);
    expect(bench.users.isSystem("new")).toBe(true);
  });
});
