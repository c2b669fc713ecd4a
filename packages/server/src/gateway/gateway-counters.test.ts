import { type Frame, PacketType, Reason } from "@wukong-ts/protocol";
import { expect, test } from "vitest";
import { type Bench, startBench, storedMessage } from "./test-kit.ts";

const PING: Frame = { type: PacketType.ping };
const STORED = { reason: 1, id: { high: 7, low: 9 }, seq: 1, repeated: false };

function sessions(bench: Bench): readonly string[] {
  return bench.gateway
    .stats()
    .sessionsBy.filter(({ count }) => count !== 0)
    .map(({ transport, protocol, device, count }) => `${transport} ${protocol} ${device} ${count}`);
}

test("packets and their bytes are counted by type, both ways", async () => {
  const bench = await startBench({ disableEncryption: true });
  const alice = bench.client();
  alice.connect({ uid: "alice" });
  const before = bench.gateway.stats();
  bench.sending.answersAtOnce = () => STORED;
  alice.write(PING, alice.sendFrame(), alice.sendFrame(), PING);
  bench.gateway.outbound.recv(storedMessage(), [1]);
  const sent = alice.socket.writes.flat().length;
  alice.frames();
  const written = alice.socket.writes.flat().slice(sent);
  const stats = bench.gateway.stats();
  const added = (name: "framesIn" | "framesOut" | "bytesIn" | "bytesOut", type: number): number =>
    (stats[name][type] ?? 0) - (before[name][type] ?? 0);
  expect([added("framesIn", PacketType.ping), added("framesOut", PacketType.pong)]).toEqual([2, 2]);
  expect([added("bytesIn", PacketType.ping), added("bytesOut", PacketType.pong)]).toEqual([2, 2]);
  expect([added("framesIn", PacketType.send), added("framesOut", PacketType.sendack)]).toEqual([2, 2]);
  expect(added("framesOut", PacketType.recv)).toBe(1);
  const bytesOut = [PacketType.pong, PacketType.sendack, PacketType.recv].map((type) => added("bytesOut", type));
  expect(bytesOut.reduce((sum, bytes) => sum + bytes, 0)).toBe(Buffer.concat(written).length);
  expect(stats.sendacks[Reason.success]).toBe(2);
  expect(structuredClone(stats), "it may cross threads").toEqual(stats);
});

test("sessions are counted by what they speak and on which device, until they end for whatever reason", async () => {
  const bench = await startBench();
  const app = bench.client({ transport: "tcp" });
  app.connect({ uid: "a", deviceFlag: 0 });
  const web = bench.client();
  web.connect({ uid: "a", deviceFlag: 1 });
  const odd = bench.client();
  odd.connect({ uid: "b", deviceFlag: 99 });
  const json = bench.open();
  json.receive(
    Buffer.from('{"method":"connect","id":"1","params":{"uid":"c","deviceId":"d","deviceFlag":2,"token":""}}'),
  );
  bench.login = () => ({ reason: Reason.authFail, level: "slave" });
  bench.client().connect({ uid: "refused" });
  expect(sessions(bench)).toEqual([
    "tcp wkproto app 1",
    "websocket wkproto web 1",
    "websocket wkproto other 1",
    "websocket jsonrpc pc 1",
  ]);
  expect(bench.gateway.stats().connects).toMatchObject({ success: 4, auth_failed: 1, banned: 0 });
  app.socket.hangUp();
  web.write({ type: PacketType.disconnect, reason: 0, text: "" });
  bench.gateway.outbound.disconnect([3], 12, "", 0);
  json.hangUp();
  bench.time.advance(10_000);
  expect(sessions(bench)).toEqual([]);
  expect(bench.gateway.stats()).toMatchObject({ connections: 0, sessions: 0 });
});

test("one SEND at a time is timed, from the read that brought it to its answer", async () => {
  const bench = await startBench({ disableEncryption: true });
  const alice = bench.client();
  alice.connect();
  alice.write(alice.sendFrame(), alice.sendFrame());
  bench.time.pass(30);
  alice.write(alice.sendFrame());
  bench.time.pass(10);
  bench.sending.answer(3);
  expect(bench.gateway.stats().sendackSeconds).toMatchObject({ sum: 0.04 });
  alice.write(alice.sendFrame());
  bench.time.pass(2);
  bench.sending.answer(1);
  const { counts, sum } = bench.gateway.stats().sendackSeconds;
  expect(counts.reduce((total, count) => total + count, 0)).toBe(2);
  expect(sum).toBeCloseTo(0.042, 9);
});

test("the outbox is told in sum and of the one with the most", async () => {
  const bench = await startBench({ disableEncryption: true });
  for (const uid of ["a", "b"]) {
    const client = bench.client();
    client.connect({ uid });
    client.socket.isStuck = true;
  }
  bench.gateway.outbound.recv(storedMessage({ payload: new Uint8Array(1_000) }), [1, 2]);
  bench.gateway.outbound.recv(storedMessage({ payload: new Uint8Array(1_000) }), [2]);
  bench.time.settle();
  const { outboxBytes, outboxLargestBytes } = bench.gateway.stats();
  expect(outboxLargestBytes).toBeGreaterThan(2_000);
  expect(outboxBytes).toBeGreaterThan(3_000);
  expect(outboxBytes).toBeLessThan(2 * outboxLargestBytes);
});

test("SENDs beyond the rate of an address are refused unopened, and its connections rest", async () => {
  const bench = await startBench({}, { perSecond: 10, burst: 3 });
  const [alice, bob] = [bench.client(), bench.client()];
  const far = bench.client({ ip: "10.0.0.9" });
  alice.connect({ uid: "a" });
  bob.connect({ uid: "b" });
  far.connect({ uid: "c" });
  alice.write(alice.sendFrame(), alice.sendFrame());
  // Its key is wrong: whoever opened it would answer 9.
  bob.write(bob.sendFrame(), bob.sendFrame({ msgKey: "0".repeat(32) }));
  expect(bench.sending.waiting).toBe(3);
  expect(bob.frames()).toMatchObject([{ type: PacketType.sendack, reason: Reason.rateLimit, messageSeq: 0 }]);
  expect([alice.socket.isPaused, bob.socket.isPaused]).toEqual([false, true]);
  far.write(far.sendFrame());
  expect(bench.sending.waiting).toBe(4);
  bench.time.advance(200);
  bob.write(bob.sendFrame());
  expect(bench.sending.waiting).toBe(5);
  expect(bob.socket.isPaused).toBe(false);
  expect(bench.gateway.stats().sendacks[Reason.rateLimit]).toBe(1);
});
