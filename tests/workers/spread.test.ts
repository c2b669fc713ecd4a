/** Connections are spread over workers, and nobody can tell: kicks, limits and lists see all of them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import type { WireClient } from "../harness/wire-client.ts";

const WORKERS = 3;
const WEB = 1;
const MASTER = 1;
const KICK_REASON = 12;

const shared = sharedServer({ settings: { "gateway.workers": WORKERS } });

interface Connection {
  readonly id: number;
  readonly uid: string;
  readonly device_id: string;
}

async function connectionsOf(server: ServerProcess, uidPart: string): Promise<readonly Connection[]> {
  const answer = await server.http.get(`/connz?uid=${uidPart}&limit=100000`);
  return (answer.body as unknown as { readonly connections: readonly Connection[] }).connections;
}

test("300 connections over both transports are shared out among all workers, and every one can be found", async () => {
  const prefix = uniqueId("many");
  const clients: WireClient[] = [];
  await inParallel(Array.from({ length: 300 }), 20, async (_item, index) => {
    const transport = index % 2 === 0 ? "tcp" : "websocket";
    clients.push(await shared.current.connect(`${prefix}-${index}`, { transport }));
  });
  const connections = await connectionsOf(shared.current, prefix);
  const ids = connections.map(({ id }) => id);
  expect(new Set(ids).size).toBe(300);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  for (let worker = 0; worker < WORKERS; worker++)
    expect(ids.filter((id) => id % WORKERS === worker).length, `worker ${worker}`).toBeGreaterThan(50);
  for (const client of clients) client.close();
  await eventually(async () => (await connectionsOf(shared.current, prefix)).length === 0, "all are gone");
});

test("a master login ends the user's session, in whichever worker it is", async () => {
  await using server = await ServerProcess.start({ settings: { "gateway.workers": WORKERS, tokenAuthOn: true } });
  const [uid, peer] = [uniqueId("user"), uniqueId("peer")];
  for (const each of [uid, peer]) await server.backEnd.setToken(each, "token", WEB, MASTER);
  const login = (deviceId: string): Promise<WireClient> =>
    server.connect(uid, { deviceFlag: WEB, deviceId, token: "token" });
  let current = await login("first");
  let [before] = await connectionsOf(server, uid);
  const crossings = new Set<string>();
  for (let number = 0; crossings.size < 4 && number < 200; number++) {
    const next = await login(`device-${number}`);
    const old = current;
    expect(await old.until(() => old.disconnected !== undefined, 5_000)).toBe(true);
    expect(old.disconnected?.reason).toBe(KICK_REASON);
    const [now, ...others] = await connectionsOf(server, uid);
    expect(others).toEqual([]);
    expect(now!.device_id).toBe(`device-${number}`);
    if (before!.id % WORKERS !== now!.id % WORKERS) crossings.add(`${before!.id % WORKERS} ${now!.id % WORKERS}`);
    before = now;
    old.close();
    current = next;
  }
  expect(crossings.size, "kicks from one worker to another").toBeGreaterThanOrEqual(4);
  using writer = await server.connect(peer, { deviceFlag: WEB, token: "token" });
  await writer.sendOk({ to: uid, type: PERSON, payload: "to the last one" });
  expect((await current.takeSome(1)).map(({ payload }) => payload.toString())).toEqual(["to the last one"]);
  current.close();
});

test("a user's devices in all workers get each message once, and a kick by HTTP ends one of them", async () => {
  const [uid, peer] = [uniqueId("user"), uniqueId("peer")];
  const devices = [];
  for (let number = 0; number < 12; number++) {
    devices.push(await shared.current.connect(uid, { deviceFlag: WEB, deviceId: `d${number}` }));
  }
  const sessions = await connectionsOf(shared.current, uid);
  using writer = await shared.current.connect(peer);
  for (let number = 0; number < 20; number++) await writer.sendOk({ to: uid, type: PERSON, payload: `${number}` });
  for (const device of devices) {
    const texts = (await device.takeSome(20)).map(({ payload }) => payload.toString());
    expect(texts).toEqual(Array.from({ length: 20 }, (_item, number) => `${number}`));
  }
  for (const { id } of sessions.slice(1)) {
    await shared.current.http.ask("/conn/kick", { uid, conn_id: id, node_id: 0 });
  }
  expect((await connectionsOf(shared.current, uid)).map(({ id }) => id)).toEqual([sessions[0]!.id]);
  const left = Number(sessions[0]!.device_id.slice(1));
  for (const [number, device] of devices.entries()) {
    if (number !== left) expect(await device.until(() => device.isClosed, 10_000), `d${number}`).toBe(true);
  }
  expect(await devices[left]!.ping()).toBe(true);
  devices[left]!.close();
});

test("a second server at the same address does not get some of the clients: it does not start", async () => {
  const addr = `tcp://127.0.0.1:${shared.current.tcpPort}`;
  await using second = await ServerProcess.launch({ settings: { "gateway.workers": WORKERS, addr } });
  expect(await second.waitForExit(30_000)).toEqual({ code: 1, signal: null });
  expect(second.output).toContain("another program uses this port");
});

let limited: ServerProcess;
beforeAll(async () => {
  limited = await ServerProcess.start({
    settings: { "gateway.workers": WORKERS, "limits.connectionsPerIpMax": 10 },
  });
});
afterAll(() => limited.dispose());

test("one address may have ten connections over all workers, not ten in each", async () => {
  for (let round = 0; round < 3; round++) {
    const opened = await Promise.allSettled(
      Array.from({ length: 40 }, (_item, index) =>
        limited.connect(uniqueId("u"), { transport: index % 2 === 0 ? "tcp" : "websocket" }),
      ),
    );
    const clients = opened.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect(clients).toHaveLength(10);
    for (const client of clients) expect(await client.ping()).toBe(true);
    for (const client of clients) client.close();
    await eventually(async () => (await connectionsOf(limited, "u")).length === 0, "all are gone");
  }
});
