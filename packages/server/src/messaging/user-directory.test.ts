import { MANAGER_UID, Reason, SYSTEM_DEVICE_ID, SYSTEM_UID } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { GLOBAL_SHARD } from "../store/shards.ts";
import { deviceTable, systemUidTable } from "../store/tables.ts";
import { createSimulatedWorld } from "../world/simulated/simulated-world.ts";
import type { ChannelFlags } from "./channels.ts";
import { Messaging } from "./test-kit.ts";
import { UserDirectory, type UserDirectoryOptions } from "./user-directory.ts";
import type { LoginRequest } from "./users.ts";

const OPTIONS: UserDirectoryOptions = {
  tokenAuthOn: true,
  managerUid: MANAGER_UID,
  managerToken: "",
  visitorsSuffix: undefined,
};
const WELCOME = (level: "master" | "slave") => ({ reason: Reason.success, level });
const REFUSED = { reason: Reason.authFail };
const FLAGS: ChannelFlags = { ban: false, disband: false, sendBan: false, large: false, allowStranger: false };

interface Bench {
  readonly messaging: Messaging;
  readonly users: UserDirectory;
  readonly login: (uid: string, more?: Partial<LoginRequest>) => unknown;
  readonly done: <Value>(promise: Promise<Value>) => Promise<Value>;
}
async function over(messaging: Messaging, options: Partial<UserDirectoryOptions>): Promise<Bench> {
  const { clock } = messaging.simulation.world;
  const users = await messaging.done(UserDirectory.load(messaging.store, clock, { ...OPTIONS, ...options }));
  return {
    messaging,
    users,
    login: (uid, more) => users.login({ uid, deviceId: "phone", deviceFlag: 0, token: "", ...more }),
    done: (promise) => messaging.done(promise),
  };
}
async function opened(options: Partial<UserDirectoryOptions> = {}): Promise<Bench> {
  return over(await Messaging.open(), options);
}

describe("a login with a token", () => {
  test("is welcome with the token of that device, at its level", async () => {
    const { users, login, done } = await opened();
    await done(users.setToken("ann", 0, { token: "t0", level: "master" }));
    await done(users.setToken("ann", 1, { token: "t1", level: "slave" }));
    expect(login("ann", { token: "t0" })).toEqual(WELCOME("master"));
    expect(login("ann", { token: "t1", deviceFlag: 1 })).toEqual(WELCOME("slave"));
  });

  test("is refused with another device's token, another user's, none, and for who never had one", async () => {
    const { users, login, done } = await opened();
    await done(users.setToken("ann", 0, { token: "t0", level: "master" }));
    await done(users.setToken("ben", 0, { token: "tb", level: "master" }));
    for (const token of ["t1", "tb", "", "T0", "t0 "]) expect(login("ann", { token })).toMatchObject(REFUSED);
    expect(login("ann", { token: "t0", deviceFlag: 1 })).toMatchObject(REFUSED);
    expect(login("cat", { token: "t0" })).toMatchObject(REFUSED);
    expect(login("cat")).toMatchObject(REFUSED);
  });

  test("needs the new token once it is set, also after a restart", async () => {
    const { messaging, users, done } = await opened();
    await done(users.setToken("ann", 0, { token: "old", level: "slave" }));
    await done(users.setToken("ann", 0, { token: "new", level: "master" }));
    const next = await over(await messaging.restarted(), {});
    expect(next.login("ann", { token: "old" })).toMatchObject(REFUSED);
    expect(next.login("ann", { token: "new" })).toEqual(WELCOME("master"));
  });

  test("is over for a device that was quit: no token fits, not even an empty one", async () => {
    const { users, login, done } = await opened();
    await done(users.setToken("ann", 0, { token: "t0", level: "master" }));
    expect(await done(users.quitDevice("ann", 0))).toBe(true);
    for (const token of ["t0", ""]) expect(login("ann", { token })).toMatchObject(REFUSED);
    expect(await done(users.quitDevice("ann", 7))).toBe(false);
    expect((await done(users.devices("ann"))).map((each) => each.flag)).toEqual([0]);
  });

  test("is listed by device flag, with the times of its first and its last token", async () => {
    const { messaging, users, done } = await opened();
    await done(users.setToken("ann", 1, { token: "t1", level: "slave" }));
    const [first] = await done(users.devices("ann"));
    await messaging.simulation.run(5_000);
    await done(users.setToken("ann", 1, { token: "t2", level: "master" }));
    await done(users.setToken("ann", 0, { token: "t0", level: "slave" }));
    const devices = await done(users.devices("ann"));
    expect(devices.map((each) => [each.flag, each.token, each.level])).toEqual([
      [0, "t0", "slave"],
      [1, "t2", "master"],
    ]);
    expect(devices[1]?.createdMs).toBe(first?.createdMs);
    expect(devices[1]!.updatedMs).toBeGreaterThan(first!.updatedMs);
    expect(await done(users.devices("an"))).toEqual([]);
  });

  test("is not decided while the disk cannot be read, so that the client comes again", async () => {
    const { messaging, users, login, done } = await opened();
    await done(users.setToken("ann", 0, { token: "t0", level: "master" }));
    messaging.faults.getsFailIn = deviceTable;
    expect(login("ann", { token: "t0" })).toEqual({ reason: "transient" });
    messaging.faults.getsFailIn = undefined;
    expect(login("ann", { token: "t0" })).toEqual(WELCOME("master"));
  });
});

describe("a login without token check", () => {
  test("is welcome as slave, whatever the device row says", async () => {
    const { users, login, done } = await opened({ tokenAuthOn: false });
    await done(users.setToken("ann", 0, { token: "t0", level: "master" }));
    expect(login("ann", { token: "wrong" })).toEqual(WELCOME("slave"));
    expect(login("nobody-yet")).toEqual(WELCOME("slave"));
  });

  test("is what visitors have when they are on, and nobody when they are off", async () => {
    const on = await opened({ visitorsSuffix: "____vstr" });
    expect(on.login("x____vstr")).toEqual(WELCOME("slave"));
    expect(on.login("____vstrx")).toMatchObject(REFUSED);
    const off = await opened();
    expect(off.login("x____vstr")).toMatchObject(REFUSED);
  });
});

describe("a banned user", () => {
  test("is told so when he logs in, with a good token or without token check; a wrong token is told first", async () => {
    for (const tokenAuthOn of [true, false]) {
      const { messaging, users, login, done } = await opened({ tokenAuthOn });
      await done(users.setToken("ann", 0, { token: "t0", level: "master" }));
      await done(messaging.admin.setFlags({ type: 1, id: "ann" }, { ...FLAGS, ban: true }));
      expect(login("ann", { token: "t0" })).toMatchObject({ reason: Reason.ban });
      expect(login("ann", { token: "x" })).toMatchObject({ reason: tokenAuthOn ? Reason.authFail : Reason.ban });
    }
  });

  test("or a disbanded one gets no new token, and the old one stays", async () => {
    for (const [flags, reason] of [
      [{ ...FLAGS, ban: true }, Reason.ban],
      [{ ...FLAGS, disband: true }, Reason.disband],
    ] as const) {
      const { messaging, users, login, done } = await opened();
      await done(users.setToken("ann", 0, { token: "t0", level: "master" }));
      await done(messaging.admin.setFlags({ type: 1, id: "ann" }, flags));
      expect(await done(users.setToken("ann", 0, { token: "t1", level: "master" }))).toBe(reason);
      await done(messaging.admin.setFlags({ type: 1, id: "ann" }, FLAGS));
      expect(login("ann", { token: "t0" })).toEqual(WELCOME("master"));
    }
  });

  test("from sending or disbanded may still log in", async () => {
    const { messaging, login, done } = await opened({ tokenAuthOn: false });
    await done(messaging.admin.setFlags({ type: 1, id: "ann" }, { ...FLAGS, sendBan: true, disband: true }));
    expect(login("ann")).toEqual(WELCOME("slave"));
  });
});

describe("reserved names", () => {
  test("R-80: the manager needs the manager token; without one configured nobody is manager", async () => {
    const withToken = await opened({ tokenAuthOn: false, managerToken: "secret" });
    expect(withToken.login(MANAGER_UID, { token: "secret" })).toEqual(WELCOME("slave"));
    for (const token of ["", "wrong"]) expect(withToken.login(MANAGER_UID, { token })).toMatchObject(REFUSED);
    const without = await opened({ tokenAuthOn: false });
    expect(without.login(MANAGER_UID)).toMatchObject(REFUSED);
  });

  test("the built-in manager's uid stays closed when the manager has another one", async () => {
    const { login } = await opened({ tokenAuthOn: false, managerUid: "boss", managerToken: "secret" });
    expect(login("boss", { token: "secret" })).toEqual(WELCOME("slave"));
    expect(login(MANAGER_UID, { token: "secret" })).toMatchObject(REFUSED);
  });

  test("nobody is ____system, and nobody comes with the server's own device", async () => {
    const { login } = await opened({ tokenAuthOn: false });
    expect(login(SYSTEM_UID)).toMatchObject(REFUSED);
    expect(login("ann", { deviceId: SYSTEM_DEVICE_ID })).toMatchObject(REFUSED);
  });
});

describe("system accounts", () => {
  test("are ____system and those that were added, until they are removed, also after a restart", async () => {
    const { messaging, users, done } = await opened();
    await done(users.addSystemUids(["robot", "clerk", "robot"]));
    await done(users.removeSystemUids(["clerk", "nobody"]));
    expect(["robot", "clerk", SYSTEM_UID, "ann"].map((uid) => users.isSystem(uid))).toEqual([true, false, true, false]);
    expect(users.systemUids()).toEqual(["robot"]);
    const next = await over(await messaging.restarted(), {});
    expect(next.users.systemUids()).toEqual(["robot"]);
  });

  test("are those on the disk after a write whose outcome nobody knew", async () => {
    const outcomes = new Set<boolean>();
    for (let seed = 1; seed <= 12; seed++) {
      const { messaging, users, done } = await over(await Messaging.open({}, createSimulatedWorld({ seed })), {});
      await done(users.addSystemUids(["clerk"]));
      const adding = done(users.addSystemUids(["robot"])).catch(() => undefined);
      await messaging.simulation.run(1);
      messaging.simulation.failEngines();
      await adding;
      // Where the write had ended before, this one meets the failure.
      await done(users.addSystemUids(["clerk"])).catch(() => undefined);
      await messaging.recovered();
      const onDisk = messaging.store.get(systemUidTable, GLOBAL_SHARD, "robot") !== undefined;
      outcomes.add(onDisk);
      expect(users.isSystem("robot"), "at once").toBe(onDisk);
      await done(users.addSystemUids(["late"]));
      await messaging.simulation.run(1000);
      const expected = ["clerk", "late", ...(onDisk ? ["robot"] : [])];
      expect(users.systemUids().toSorted(), "when it has been read").toEqual(expected);
    }
    expect(outcomes).toEqual(new Set([true, false]));
  });

  test("are all known after a restart, however the disk hands them out", async () => {
    const { messaging, users, done } = await opened();
    const uids = Array.from({ length: 50 }, (_, index) => `robot-${index}`);
    await done(users.addSystemUids(uids));
    const restarted = await messaging.restarted();
    restarted.faults.rangeEntriesMax = 7;
    const next = await over(restarted, {});
    expect([...next.users.systemUids()].sort()).toEqual(uids.sort());
  });
});

test("nothing is changed while the store is read-only, and whoever asked is told", async () => {
  const { messaging, users, login, done } = await opened();
  await done(users.setToken("ann", 0, { token: "t0", level: "master" }));
  messaging.simulation.setDiskFull(true);
  const first = done(users.setToken("ann", 0, { token: "t1", level: "master" }));
  await expect(first).rejects.toBeInstanceOf(StoreUnavailable);
  const changes: readonly (() => Promise<unknown>)[] = [
    () => users.setToken("ann", 0, { token: "t2", level: "master" }),
    () => users.quitDevice("ann", 0),
    () => users.addSystemUids(["robot"]),
  ];
  for (const change of changes) await expect(done(change())).rejects.toBeInstanceOf(StoreUnavailable);
  expect(users.systemUids()).toEqual([]);
  expect(login("ann", { token: "t0" })).toEqual(WELCOME("master"));
});
