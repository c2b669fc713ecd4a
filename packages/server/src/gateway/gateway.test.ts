import { type Frame, PacketType } from "@wukong-ts/protocol";
import { createSealer } from "@wukong-ts/sealing";
import { describe, expect, test } from "vitest";
import { Presence } from "../delivery/presence.ts";
import { IdGenerator } from "../messaging/ids.ts";
import { CLOSE_REASONS } from "./close-reasons.ts";
import { createGateway } from "./gateway.ts";
import { GATEWAY_DEFAULTS } from "./gateway-options.ts";
import { LocalCore } from "./local-core.ts";
import { CountedRandom, HandSending, HandTime, NO_TRAIL, startBench } from "./test-kit.ts";

const PING: Frame = { type: PacketType.ping };

describe("limits on connections", () => {
  test("one more than allowed is closed as soon as it is accepted, and room is made by who leaves", async () => {
    const { open, gateway, time } = await startBench({ connectionsMax: 1_000 });
    const sockets = Array.from({ length: 1_000 }, (_, index) => open({ ip: `10.1.${index >> 8}.${index & 255}` }));
    const extra = open();
    time.settle();
    expect(extra.isClosed).toBe(true);
    expect(gateway.stats()).toMatchObject({ connections: 1_000, accepted: 1_001, closes: { too_many_connections: 1 } });
    sockets[7]?.hangUp();
    expect(open().closing).toBeUndefined();
  });

  test("one address may not have more than its share", async () => {
    const { open, gateway, time } = await startBench({ connectionsPerIpMax: 3 });
    const mine = Array.from({ length: 5 }, () => open({ ip: "10.0.0.9" }));
    time.settle();
    expect(mine.map((socket) => socket.isClosed)).toEqual([false, false, false, true, true]);
    expect(open({ ip: "10.0.0.10" }).closing).toBeUndefined();
    mine[0]?.hangUp();
    expect(open({ ip: "10.0.0.9" }).closing).toBeUndefined();
    expect(gateway.stats().closes.too_many_connections_from_ip).toBe(2);
  });

  test("1,000 connections of one user log in, and leave nothing behind when they go", async () => {
    const { client, presence, gateway, time } = await startBench();
    const clients = Array.from({ length: 1_000 }, () => client());
    for (const [index, each] of clients.entries()) each.connect({ uid: "u", deviceId: `d${index}` });
    expect(presence.of("u")).toHaveLength(1_000);
    for (const each of clients) each.socket.hangUp();
    time.settle();
    expect(presence.count).toBe(0);
    expect(gateway.stats()).toMatchObject({ connections: 0, closes: { client_closed: 1_000 } });
  });
});

test("traffic is counted over all connections there have been, and never falls", async () => {
  const { client, gateway, time } = await startBench();
  const [first, second] = [client(), client()];
  first.connect({ uid: "a" });
  second.connect({ uid: "b" });
  first.write(first.sendFrame());
  time.settle();
  const before = await gateway.live.traffic();
  expect(before.inMessages).toBe(1);
  expect(before.inPacketBytes).toBeGreaterThan(before.inMessageBytes);
  expect(before.outPacketBytes).toBeGreaterThan(0);
  first.socket.hangUp();
  time.settle();
  expect(await gateway.live.traffic()).toEqual(before);
  second.write(second.sendFrame());
  time.settle();
  expect((await gateway.live.traffic()).inMessages).toBe(2);
});

describe("silence", () => {
  test("without CONNECT ends after its time, however the bytes trickle in", async () => {
    const { open, gateway, time } = await startBench({ unauthenticatedMs: 5_000 });
    const socket = open();
    for (let second = 0; second < 4; second++) {
      socket.receive(Uint8Array.of([0x10, 0x7f, 0x05, 0x01][second]!));
      time.advance(1_000);
    }
    expect(socket.isClosed).toBe(false);
    time.advance(1_000);
    expect(socket.isClosed).toBe(true);
    expect(gateway.stats().closes.connect_timeout).toBe(1);
  });

  test("of a session ends after the idle time, and any byte or WebSocket ping counts", async () => {
    const { client, gateway, time } = await startBench({ idleMs: 180_000 });
    const [silent, alive] = [client(), client()];
    silent.connect({ uid: "silent" });
    alive.connect({ uid: "alive" });
    time.advance(179_000);
    alive.write(PING);
    time.advance(1_000);
    expect(silent.socket.isClosed).toBe(true);
    expect(alive.socket.isClosed).toBe(false);
    expect(gateway.stats().closes.idle).toBe(1);
  });

  test("costs no timer per connection", async () => {
    const { client, time } = await startBench();
    const before = time.timerCount;
    for (let index = 0; index < 100; index++) client().connect({ uid: `u${index}` });
    expect(time.timerCount).toBe(before);
  });

  test("of a socket that does not take its last bytes is cut", async () => {
    const { client, gateway, time } = await startBench({ idleMs: 60_000, closeGraceMs: 5_000 });
    const stuck = client();
    stuck.connect();
    stuck.socket.isStuck = true;
    time.advance(60_000);
    expect(stuck.socket.closing).toBe("after-flush");
    time.advance(6_000);
    expect(stuck.socket.isClosed).toBe(true);
    expect(gateway.stats()).toMatchObject({ connections: 0, closes: { idle: 1 } });
  });

  test("more than any CONNECT before CONNECT is not kept", async () => {
    const { open, time } = await startBench();
    const socket = open();
    socket.receive(Uint8Array.of(0x10, 0xff, 0xff, 0x3f));
    for (let index = 0; index < 3; index++) socket.receive(new Uint8Array(60_000));
    time.settle();
    expect(socket.isClosed).toBe(true);
  });
});

describe("stopping", () => {
  test("reads no more, waits for answers, then closes everything with server_stopping and no DISCONNECT", async () => {
    const { client, gateway, open, sending, time } = await startBench();
    const [busy, idle] = [client(), client()];
    busy.connect({ uid: "busy" });
    idle.connect({ uid: "idle" });
    busy.write(busy.sendFrame());
    const stopped = gateway.stop();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    busy.write(busy.sendFrame());
    const late = open();
    time.settle();
    expect(late.isClosed).toBe(true);
    expect(sending.waiting).toBe(1);
    expect(busy.socket.closing).toBeUndefined();
    sending.answer(1);
    for (let index = 0; index < 5; index++) {
      await Promise.resolve();
      time.settle();
    }
    await stopped;
    expect(busy.frames().map(({ type }) => type)).toEqual([PacketType.sendack]);
    expect(idle.frames()).toEqual([]);
    expect(gateway.stats()).toMatchObject({ connections: 0, closes: { server_stopping: 3 } });
    expect(time.timerCount).toBe(0);
    await gateway.stop();
  });

  test("does not wait for ever", async () => {
    const { client, gateway, time } = await startBench({ stopAnswersMs: 3_000 });
    const busy = client();
    busy.connect();
    busy.write(busy.sendFrame());
    busy.socket.isStuck = true;
    let isStopped = false;
    const stopped = gateway.stop().then(() => (isStopped = true));
    for (let second = 0; second < 6 && !isStopped; second++) {
      for (let index = 0; index < 5; index++) await Promise.resolve();
      time.advance(1_000);
    }
    await stopped;
    time.settle();
    expect(gateway.stats()).toMatchObject({ connections: 0, unansweredSends: 1 });
  });
});

test("an address that is taken fails the start, and the other listener is closed again", async () => {
  const time = new HandTime();
  const closed: string[] = [];
  const gateway = createGateway({
    world: {
      clock: time,
      timers: time,
      random: new CountedRandom(),
      network: {
        listen: (at) =>
          at.transport === "websocket"
            ? Promise.reject(new Error("taken"))
            : Promise.resolve({ port: 5100, close: () => Promise.resolve(void closed.push(at.transport)) }),
      },
    },
    core: new LocalCore({
      users: { login: () => ({ reason: 1, level: "slave" }) },
      sending: new HandSending(),
      presence: new Presence(),
      acks: { acked: () => undefined, forget: () => undefined },
      commands: { received: () => undefined, receivedById: () => undefined },
      trail: NO_TRAIL,
      ids: new IdGenerator(time, 1),
      failed: () => undefined,
      closed: () => undefined,
      options: GATEWAY_DEFAULTS,
    }),
    sealer: createSealer(),
    options: GATEWAY_DEFAULTS,
  });
  const at = { host: "127.0.0.1", port: 0 };
  await expect(gateway.start({ tcp: at, websocket: at })).rejects.toThrow("taken");
  expect(closed).toEqual(["tcp"]);
});

test("every close reason has a text that fits a WebSocket close frame", () => {
  for (const [name, text] of Object.entries(CLOSE_REASONS)) {
    expect(Buffer.byteLength(text), name).toBeLessThanOrEqual(120);
    expect(text.length, name).toBeGreaterThan(10);
  }
});
