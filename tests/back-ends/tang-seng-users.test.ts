/** TangSengDaoDao: logins, devices, who is online, banned users, friends and blocked people. */
import { describe, expect, test } from "vitest";
import { SdkClient, SdkStatus } from "../harness/sdk-client.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { TangSeng } from "./tang-seng.ts";
import { APP, FILE_HELPER, KEPT, MASTER, person, SLAVE, SYSTEM_ACCOUNT, town, WEB } from "./tang-seng-town.ts";

const shared = town();
const OK = { status: 200 };

describe("TangSengDaoDao: users", () => {
  test("at its start it makes its two accounts system accounts, again and again", async () => {
    const { tangSeng, server } = shared.current;
    expect(await tangSeng.addSystemUids([SYSTEM_ACCOUNT, FILE_HELPER])).toBe(200);
    const known = (await server.http.get("/user/systemuids")).body as string[]; // a list of uids
    expect(known.toSorted()).toEqual([FILE_HELPER, SYSTEM_ACCOUNT]);
  });

  test("a client is told where to connect, and the answer is relayed as it is", async () => {
    const { tangSeng, server } = shared.current;
    expect(await tangSeng.route(uniqueId("u"))).toEqual({
      tcp_addr: `127.0.0.1:${server.tcpPort}`,
      ws_addr: `ws://127.0.0.1:${server.wsPort}`,
      wss_addr: "",
    });
  });

  test("a login token lets in, a new one of the same device replaces it, and a master token ends the old session", async () => {
    const { tangSeng, server } = shared.current;
    const uid = uniqueId("u");
    expect(await tangSeng.updateToken(uid, "first", MASTER, WEB)).toBe(200);
    using first = await SdkClient.connect({ uid, token: "first", wsPort: server.wsPort });
    expect(await tangSeng.updateToken(uid, "second", MASTER, WEB)).toBe(200);
    await eventually(() => first.status === SdkStatus.connectKick || first.statuses.length > 1, "the old session ends");
    using second = await SdkClient.connect({ uid, token: "second", wsPort: server.wsPort });
    expect(second.status).toBe(SdkStatus.connected);
  });

  test("who is online: one entry per device, nothing for who is away, last_offline is 0", async () => {
    const { tangSeng, server, moveIn } = shared.current;
    using alice = await moveIn("alice");
    await tangSeng.updateToken(alice.uid, "app token", SLAVE, APP);
    using phone = await server.connect(alice.uid, { token: "app token", deviceFlag: APP });
    expect(phone.isClosed).toBe(false);
    const online = await tangSeng.onlineStatus([alice.uid, uniqueId("away")]);
    expect(online.toSorted((a, b) => a.device_flag - b.device_flag)).toEqual([
      { uid: alice.uid, device_flag: APP, last_offline: 0, online: 1 },
      { uid: alice.uid, device_flag: WEB, last_offline: 0, online: 1 },
    ]);
    expect(await tangSeng.onlineStatus([uniqueId("away")])).toEqual([]);
  });

  test("logging out all devices ends every session, and the old tokens are worth nothing", async () => {
    const { tangSeng, server, moveIn } = shared.current;
    using alice = await moveIn("alice");
    expect(await tangSeng.quitDevice(alice.uid, -1)).toEqual(OK);
    await eventually(async () => (await tangSeng.onlineStatus([alice.uid])).length === 0, "nobody is online");
    using again = await SdkClient.create({ uid: alice.uid, token: `token of ${alice.uid}`, wsPort: server.wsPort });
    again.start();
    await eventually(() => again.statuses.length > 0, "the SDK hears of the refusal");
    expect(again.statuses[0]).toEqual({ status: SdkStatus.connectFail, reason: 2 });
  });

  test("logging out the web client leaves the phone", async () => {
    const { tangSeng, server, moveIn } = shared.current;
    using alice = await moveIn("alice");
    await tangSeng.updateToken(alice.uid, "app token", SLAVE, APP);
    using phone = await server.connect(alice.uid, { token: "app token", deviceFlag: APP });
    await tangSeng.quitDevice(alice.uid, WEB);
    await eventually(async () => (await tangSeng.onlineStatus([alice.uid])).length === 1, "one device is left");
    expect(await phone.ping(1_500)).toBe(true);
  });

  test("a banned user gets no token (status 19) and cannot connect; lifting the ban lets him in again", async () => {
    const { tangSeng, server, register } = shared.current;
    const uid = await register("banned");
    expect(await tangSeng.setChannelInfo(person(uid), 1)).toEqual(OK);
    expect(await tangSeng.updateToken(uid, "new", SLAVE, WEB)).toBe(19);
    using kept = await SdkClient.create({ uid, token: `token of ${uid}`, wsPort: server.wsPort });
    kept.start();
    await eventually(() => kept.statuses.length > 0, "the SDK hears of the refusal");
    expect(kept.statuses[0]).toMatchObject({ status: SdkStatus.connectFail, reason: 19 });
    await tangSeng.setChannelInfo(person(uid), 0);
    expect(await tangSeng.updateToken(uid, "new", SLAVE, WEB)).toBe(200);
    using back = await SdkClient.connect({ uid, token: "new", wsPort: server.wsPort });
    expect(back.status).toBe(SdkStatus.connected);
  });

  test("a blocked user cannot write to the one who blocked him, and can again when he is unblocked", async () => {
    const { tangSeng, moveIn } = shared.current;
    using alice = await moveIn("alice");
    using bob = await moveIn("bob");
    expect(await tangSeng.editList("blacklist", "add", person(alice.uid), [bob.uid])).toEqual(OK);
    expect(await bob.sendText(alice.uid, 1, "let me in")).toMatchObject({ reason: 4 });
    expect(await alice.sendText(bob.uid, 1, "no")).toMatchObject({ reason: 1 });
    expect(await tangSeng.editList("blacklist", "remove", person(alice.uid), [bob.uid])).toEqual(OK);
    expect(await bob.sendText(alice.uid, 1, "thank you")).toMatchObject({ reason: 1 });
    expect(await alice.receive(1)).toMatchObject([{ text: "thank you" }]);
  });
});

describe("TangSengDaoDao: friends only (whitelistOffOfPerson: false)", () => {
  test("strangers cannot write; a friendship is two calls; its end closes both directions; the accounts reach everyone", async () => {
    await using server = await ServerProcess.start({ settings: { whitelistOffOfPerson: false } });
    const tangSeng = new TangSeng(server.http);
    await tangSeng.addSystemUids([SYSTEM_ACCOUNT, FILE_HELPER]);
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    using alice = await SdkClient.connect({ uid: a, wsPort: server.wsPort });
    using bob = await SdkClient.connect({ uid: b, wsPort: server.wsPort });
    expect(await alice.sendText(b, 1, "stranger")).toMatchObject({ reason: 13 });
    await tangSeng.editList("whitelist", "add", person(a), [b]);
    await tangSeng.editList("whitelist", "add", person(b), [a]);
    // Before the first word the chat has nothing to show.
    expect(await tangSeng.conversations(a, {})).toEqual([]);
    expect(await alice.sendText(b, 1, "friend")).toMatchObject({ reason: 1 });
    expect(await bob.receive(1)).toMatchObject([{ text: "friend" }]);
    await tangSeng.editList("whitelist", "remove", person(a), [b]);
    await tangSeng.editList("whitelist", "remove", person(b), [a]);
    expect(await alice.sendText(b, 1, "no friend")).toMatchObject({ reason: 13 });
    expect(await bob.sendText(a, 1, "no friend")).toMatchObject({ reason: 13 });
    expect(await alice.sendText(FILE_HELPER, 1, "a note")).toMatchObject({ reason: 1 });
    const sent = await tangSeng.send({
      header: KEPT,
      from: SYSTEM_ACCOUNT,
      to: person(b),
      payload: { type: 1, content: "welcome" },
    });
    expect(sent.message_seq).toBe(1);
    expect(await bob.receive(1)).toMatchObject([{ fromUid: SYSTEM_ACCOUNT, text: "welcome" }]);
    expect((await tangSeng.conversations(b, {})).map((chat) => chat.channel_id).sort()).toEqual(
      [a, SYSTEM_ACCOUNT].sort(),
    );
  });
});
