import { describe, expect, test } from "vitest";
import { Presence } from "../delivery/presence.ts";
import type { Session } from "../delivery/session.ts";
import { Messaging } from "../messaging/test-kit.ts";
import { GLOBAL_SHARD } from "../store/shards.ts";
import { statusEventTable, tableRange, toldOnlineTable } from "../store/tables.ts";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import { forgetOnlineStatus, OnlineStatus } from "./online-status.ts";
import type { WebhookEvent } from "./webhook.ts";

const GRACE_MS = 15_000;

/** The back end: what it was told, and what it makes of that. It outlives the server. */
class Receiver {
  readonly texts: string[] = [];
  readonly events: WebhookEvent[] = [];
  /** A delivery waits while it is down. */
  #up = Promise.resolve();
  #rise: () => void = () => undefined;

  down(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#up = promise;
    this.#rise = resolve;
  }
  up(): void {
    this.#rise();
  }
  async deliver(event: WebhookEvent): Promise<void> {
    await this.#up;
    this.events.push(event);
    this.texts.push(...(JSON.parse(Buffer.from(event.body).toString()) as string[]));
  }
  /** Sessions per uid and device flag, by the last text. */
  believed(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const text of this.texts) {
      const parts = text.split("-");
      const [flag, , , device] = parts.slice(-5);
      counts[`${parts.slice(0, -5).join("-")} ${flag}`] = Number(device);
    }
    return counts;
  }
}

class Life {
  readonly presence = new Presence();
  dropped = 0;
  readonly failures: unknown[] = [];
  readonly messaging: Messaging;
  status!: OnlineStatus;
  #nextSession = 1;

  private constructor(messaging: Messaging) {
    this.messaging = messaging;
  }

  static async begin(receiver: Receiver, simulation: Simulation, eventsMax = 1000): Promise<Life> {
    const life = new Life(await Messaging.open({}, simulation));
    const { store, ids } = life.messaging;
    life.status = await life.messaging.done(
      OnlineStatus.start({
        store,
        ids,
        timers: simulation.world.timers,
        presence: life.presence,
        webhook: receiver,
        failed: (error) => life.failures.push(error),
        dropped: (events) => {
          life.dropped += events;
        },
        options: { eventsMax, graceMs: GRACE_MS },
      }),
    );
    life.presence.watcher = (session, isOnline) => life.status.changed(session, isOnline);
    return life;
  }

  login(uid: string, deviceFlag = 0, more: Partial<Session> = {}): number {
    const id = this.#nextSession++;
    this.presence.add({
      id,
      uid,
      deviceId: `device ${id}`,
      deviceFlag,
      deviceLevel: "slave",
      version: 5,
      connectedAtMs: 0,
      ...more,
    });
    return id;
  }
  logout(session: number): void {
    this.presence.remove(session);
  }
  run(ms: number): Promise<void> {
    return this.messaging.simulation.run(ms);
  }
  /** Every uid and flag with sessions. */
  truth(uids: readonly string[], flags: readonly number[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const uid of uids)
      for (const flag of flags) {
        const count = this.presence.of(uid).filter(({ deviceFlag }) => deviceFlag === flag).length;
        if (count > 0) counts[`${uid} ${flag}`] = count;
      }
    return counts;
  }
  async rows(): Promise<readonly [events: number, online: number]> {
    const { store } = this.messaging;
    const events = store.all(statusEventTable, tableRange(statusEventTable, GLOBAL_SHARD));
    const online = store.all(toldOnlineTable, tableRange(toldOnlineTable, GLOBAL_SHARD));
    return [(await this.messaging.done(events)).length, (await this.messaging.done(online)).length];
  }
}

function online(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

async function begun(eventsMax?: number): Promise<{ receiver: Receiver; life: Life; simulation: Simulation }> {
  const receiver = new Receiver();
  const simulation = createSimulatedWorld({ seed: 3 });
  return { receiver, simulation, life: await Life.begin(receiver, simulation, eventsMax) };
}

describe("the back end is told", () => {
  test("of a login and its end, with the counts after it, in order", async () => {
    const { receiver, life } = await begun();
    const app = life.login("a-b");
    const web = life.login("a-b", 1);
    const app2 = life.login("a-b");
    life.logout(web);
    await life.run(500);
    life.logout(app);
    life.logout(app2);
    await life.run(500);
    expect(receiver.texts).toEqual([
      "a-b-0-1-1-1-1",
      "a-b-1-1-2-1-2",
      "a-b-0-1-3-2-3",
      "a-b-1-0-2-0-2",
      "a-b-0-0-1-1-1",
      "a-b-0-0-3-0-0",
    ]);
    expect(life.failures).toEqual([]);
  });

  test("of a session that a login ends, before that login", async () => {
    const { receiver, life } = await begun();
    life.login("ann", 0, { deviceLevel: "master" });
    life.login("ann", 0, { deviceLevel: "master" });
    await life.run(500);
    expect(receiver.texts).toEqual(["ann-0-1-1-1-1", "ann-0-0-1-0-0", "ann-0-1-2-1-1"]);
  });

  test("in few calls, each with an id of its own", async () => {
    const { receiver, life } = await begun(5000);
    for (let index = 0; index < 1200; index++) life.login(`u${index}`);
    await life.run(2_000);
    expect(receiver.texts.length).toBe(1200);
    expect(receiver.events.length).toBe(3);
    expect(new Set(receiver.events.map(({ id }) => id)).size).toBe(3);
  });

  test("and nothing is kept of what it was told but who is online", async () => {
    const { life } = await begun();
    life.logout(life.login("ann"));
    life.login("ben");
    await life.run(1_000);
    expect(await life.rows()).toEqual([0, 1]);
  });

  test("a thousand logins at once cost a handful of writes", async () => {
    const { life } = await begun(5000);
    const { store } = life.messaging;
    let commits = 0;
    const commit = store.commit.bind(store);
    store.commit = (batch, settled) => {
      commits++;
      commit(batch, settled);
    };
    for (let index = 0; index < 1000; index++) life.login(`u${index}`);
    await life.run(1_000);
    expect(commits).toBeLessThanOrEqual(4);
  });
});

describe("after a crash", () => {
  test("what it was not told of is told, in the same order", async () => {
    const { receiver, life, simulation } = await begun();
    receiver.down();
    life.logout(life.login("ann"));
    life.login("ann", 1);
    await life.run(200);
    simulation.crash();
    simulation.restart();
    const next = new Receiver();
    const second = await Life.begin(next, simulation);
    await second.run(1_000);
    expect(next.texts).toEqual(["ann-0-1-1-1-1", "ann-0-0-1-0-0", "ann-1-1-2-1-1"]);
  });

  test("the order stays, also when the clock was set back", async () => {
    const { receiver, life, simulation } = await begun();
    receiver.down();
    life.login("ann");
    await life.run(200);
    simulation.crash();
    simulation.stepWallClock(-3_600_000);
    simulation.restart();
    const second = await Life.begin(receiver, simulation);
    second.logout(second.login("ann", 1));
    await second.run(200);
    simulation.crash();
    simulation.restart();
    const next = new Receiver();
    const third = await Life.begin(next, simulation);
    await third.run(500);
    expect(next.texts).toEqual(["ann-0-1-1-1-1", "ann-1-1-1-1-1", "ann-1-0-1-0-0"]);
  });

  test("who was online and did not come back is told to be offline when the grace time is over, and nobody else", async () => {
    const { receiver, life, simulation } = await begun();
    life.login("gone");
    life.login("back");
    life.login("other-device");
    life.logout(life.login("left"));
    await life.run(500);
    simulation.crash();
    simulation.restart();
    receiver.texts.length = 0;
    const second = await Life.begin(receiver, simulation);
    second.login("back");
    second.login("other-device", 1);
    await second.run(GRACE_MS - 1_000);
    expect(receiver.texts).toEqual(["back-0-1-1-1-1", "other-device-1-1-2-1-1"]);
    await second.run(2_000);
    expect(receiver.texts.slice(2).sort()).toEqual(["gone-0-0-1-0-0", "other-device-0-0-3-0-1"]);
    expect(await second.rows()).toEqual([0, 2]);
  });

  test("a session with the number of an older one stays believed to be online", async () => {
    const { receiver, life, simulation } = await begun();
    life.login("ann");
    await life.run(500);
    simulation.crash();
    simulation.restart();
    const second = await Life.begin(receiver, simulation);
    second.login("ann");
    await second.run(GRACE_MS + 1_000);
    expect(await second.rows()).toEqual([0, 1]);
    expect(receiver.texts).toEqual(["ann-0-1-1-1-1", "ann-0-1-1-1-1"]);
    simulation.crash();
    simulation.restart();
    const third = await Life.begin(receiver, simulation);
    await third.run(GRACE_MS + 1_000);
    expect(receiver.texts.at(-1)).toBe("ann-0-0-1-0-0");
  });

  test("in the grace time of the restart before, the old sessions are still known", async () => {
    const { receiver, life, simulation } = await begun();
    life.login("ann");
    await life.run(500);
    for (let crash = 0; crash < 3; crash++) {
      simulation.crash();
      simulation.restart();
      const next = await Life.begin(receiver, simulation);
      await next.run(GRACE_MS / 2);
    }
    expect(receiver.texts).toEqual(["ann-0-1-1-1-1"]);
    simulation.crash();
    simulation.restart();
    const last = await Life.begin(receiver, simulation);
    await last.run(GRACE_MS + 1_000);
    expect(receiver.texts).toEqual(["ann-0-1-1-1-1", "ann-0-0-1-0-0"]);
  });

  test("whatever the moment and the flaps, it ends up believing what is true", async () => {
    const uids = ["ann", "ben", "cem", "d-e-f"];
    const flags = [0, 1, 2];
    for (let seed = 1; seed <= 40; seed++) {
      const simulation = createSimulatedWorld({ seed });
      const receiver = new Receiver();
      const { random } = simulation;
      let life = await Life.begin(receiver, simulation);
      for (let lives = 0; lives < 3; lives++) {
        const sessions: number[] = [];
        for (let step = 0; step < 30; step++) {
          if (sessions.length > 0 && random.below(2) === 0)
            life.logout(sessions.splice(random.below(sessions.length), 1)[0]!);
          else {
            const deviceLevel = random.below(2) === 0 ? "slave" : "master";
            sessions.push(life.login(uids[random.below(4)]!, flags[random.below(3)]!, { deviceLevel }));
          }
          if (random.below(3) === 0) await life.run(random.below(150));
          if (random.below(10) === 0) simulation.failNextWrite();
        }
        if (lives === 2) break;
        simulation.crash();
        simulation.restart();
        life = await Life.begin(receiver, simulation);
      }
      await life.run(GRACE_MS + 5_000);
      expect(online(receiver.believed()), `seed ${seed}`).toEqual(life.truth(uids, flags));
      expect(life.failures, `seed ${seed}`).toEqual([]);
    }
  });
});

describe("when the receiver is down for long", () => {
  test("of one user and device only the newest event stays, so that the end is right", async () => {
    const { receiver, life } = await begun(100);
    receiver.down();
    for (let round = 0; round < 500; round++) {
      life.logout(life.login("ann"));
      life.logout(life.login("ben", 1));
      if (round % 10 === 0) await life.run(100);
    }
    const last = life.login("ben", 1);
    await life.run(1_000);
    const [events] = await life.rows();
    expect(events).toBeLessThanOrEqual(100);
    receiver.up();
    await life.run(1_000);
    expect(receiver.texts.at(-1)).toBe(`ben-1-1-${last}-1-1`);
    expect(receiver.believed()).toEqual({ "ann 0": 0, "ben 1": 1 });
    expect(life.dropped).toBe(0);
    expect(await life.rows()).toEqual([0, 1]);
  });

  test("more users than the bound: the oldest events are given up, which is said", async () => {
    const { receiver, life } = await begun(100);
    receiver.down();
    for (let index = 0; index < 300; index++) life.login(`u${index}`);
    await life.run(1_000);
    receiver.up();
    await life.run(1_000);
    expect(receiver.texts.length + life.dropped).toBe(300);
    expect(life.dropped).toBeGreaterThanOrEqual(200);
    expect(receiver.texts.at(-1)).toBe("u299-0-1-300-1-1");
  });
});

test("ends of sessions that were given up are told after the next start", async () => {
  const { receiver, life, simulation } = await begun(100);
  const sessions = Array.from({ length: 50 }, (_, index) => life.login(`u${index}`));
  await life.run(1_000);
  expect(Object.keys(online(receiver.believed())).length).toBe(50);
  receiver.down();
  for (const session of sessions) life.logout(session);
  for (let index = 0; index < 200; index++) life.login(`v${index}`);
  await life.run(1_000);
  expect(life.dropped).toBeGreaterThan(0);
  simulation.crash();
  simulation.restart();
  receiver.up();
  const next = await Life.begin(receiver, simulation, 100);
  await next.run(GRACE_MS + 20_000);
  expect(online(receiver.believed())).toEqual({});
  expect([next.dropped, await next.rows()]).toEqual([0, [0, 0]]);
});

test("after a crash with more sessions than events may wait, none is forgotten", async () => {
  const receiver = new Receiver();
  const simulation = createSimulatedWorld({ seed: 9 });
  const life = await Life.begin(receiver, simulation, 5_000);
  for (let index = 0; index < 1_000; index++) life.login(`u${index}`);
  await life.run(2_000);
  simulation.crash();
  simulation.restart();
  receiver.down();
  const next = await Life.begin(receiver, simulation, 100);
  await next.run(GRACE_MS + 5_000);
  receiver.up();
  await next.run(60_000);
  expect(online(receiver.believed())).toEqual({});
  expect([next.dropped, await next.rows()]).toEqual([0, [0, 0]]);
});

test("the event of a user that has changed last is given up last, however long he is known", async () => {
  const { receiver, life } = await begun(100);
  receiver.down();
  const ann = life.login("ann");
  for (let index = 0; index < 99; index++) life.login(`u${index}`);
  life.logout(ann);
  await life.run(1_000);
  receiver.up();
  await life.run(1_000);
  expect(life.dropped).toBeGreaterThan(0);
  expect(receiver.texts.at(-1)).toBe(`ann-0-0-${ann}-0-0`);
});

describe("a stop", () => {
  test("tells of the sessions that it ends", async () => {
    const { receiver, life } = await begun();
    const session = life.login("ann");
    await life.run(500);
    life.logout(session);
    await life.messaging.done(life.status.stop());
    expect(receiver.texts).toEqual(["ann-0-1-1-1-1", "ann-0-0-1-0-0"]);
    expect(await life.rows()).toEqual([0, 0]);
  });

  test("does not wait for a receiver that is down: the next start tells it", async () => {
    const { receiver, life, simulation } = await begun();
    const session = life.login("ann");
    await life.run(500);
    receiver.down();
    life.logout(session);
    await life.messaging.done(life.status.stop());
    simulation.restart();
    const next = new Receiver();
    await (await Life.begin(next, simulation)).run(500);
    expect(next.texts).toEqual(["ann-0-0-1-0-0"]);
  });
});

test("while nobody is to be told, what was kept is forgotten", async () => {
  const { receiver, life } = await begun();
  receiver.down();
  life.login("ann");
  await life.run(500);
  expect(await life.rows()).toEqual([1, 1]);
  await life.messaging.done(forgetOnlineStatus(life.messaging.store));
  expect(await life.rows()).toEqual([0, 0]);
});
