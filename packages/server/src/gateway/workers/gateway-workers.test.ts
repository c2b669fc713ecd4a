import { type Frame, PacketType, Reason, type Sendack } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import type { LiveConnection } from "../../delivery/live-connections.ts";
import { SECONDS } from "../../observe/histogram.ts";
import { storedMessage, TestClient } from "../test-kit.ts";
import { ADDRESSES, prepareWorkers, startWorkers } from "./test-kit.ts";

function isSendack(frame: Frame): frame is Sendack {
  return frame.type === PacketType.sendack;
}

async function sessionsOf(
  pages: AsyncIterable<readonly LiveConnection[]>,
  settle: () => Promise<void>,
): Promise<readonly number[]> {
  const all: number[] = [];
  const walk = (async () => {
    for await (const page of pages) all.push(...page.map(({ session }) => session.id));
  })();
  await settle();
  await walk;
  return all;
}

describe("workers", () => {
  test("listen together at ports that were free for this server alone", async () => {
    const { gateway, threads, probed } = await startWorkers(3);
    expect(probed.map(({ sharesPort }) => sharesPort ?? false)).toEqual([false, false]);
    expect(threads).toHaveLength(3);
    for (const { listeningAt } of threads) {
      expect(listeningAt.map(({ port, sharesPort }) => [port, sharesPort])).toEqual([
        [5_100, true],
        [5_210, true],
      ]);
    }
    expect(gateway.ports).toEqual({ tcp: 5_100, wss: 5_210 });
  });

  test("share one presence: a push reaches all sessions of a user once, behind their CONNACKs", async () => {
    const bench = await startWorkers(2);
    const clients = bench.threads.flatMap((thread) => [bench.client(thread), bench.client(thread)]);
    for (const [index, client] of clients.entries()) client.connect({ uid: "u", deviceId: `d${index}` });
    await bench.settle();
    const sessions = bench.presence.of("u").map(({ id }) => id);
    expect(new Set(sessions).size).toBe(4);
    expect(new Set(sessions.map((id) => id % 2))).toEqual(new Set([0, 1]));
    bench.gateway.outbound.recv(storedMessage({ seq: 1 }), sessions);
    bench.gateway.outbound.recv(storedMessage({ seq: 2 }), sessions);
    await bench.settle();
    for (const client of clients) {
      const types = client.frames().map((frame) => (frame.type === PacketType.recv ? frame.messageSeq : frame.type));
      expect(types.slice(-2)).toEqual([1, 2]);
    }
  });

  test("a message of the very step in which a session came in is behind its CONNACK", async () => {
    const bench = await startWorkers(2);
    bench.login = ({ uid }) => {
      // Right behind this step of the core.
      bench.time.soon(() =>
        bench.gateway.outbound.recv(
          storedMessage(),
          bench.presence.of(uid).map(({ id }) => id),
        ),
      );
      return { reason: 1, level: "slave" };
    };
    const client = bench.client(bench.threads[1]!);
    client.write(TestClient.connectFrame());
    await bench.settle();
    expect(client.frames().map(({ type }) => type)).toEqual([PacketType.connack, PacketType.recv]);
  });

  test("what comes behind a CONNECT waits until it is decided, and then goes on in its order", async () => {
    const bench = await startWorkers(1, { disableEncryption: true });
    const client = bench.client(bench.threads[0]!);
    client.write(TestClient.connectFrame(), client.sendFrame(), { type: PacketType.ping });
    client.write(client.sendFrame());
    expect(client.socket.isPaused).toBe(true);
    await bench.settle();
    expect(client.socket.isPaused).toBe(false);
    expect(client.frames().map(({ type }) => type)).toEqual([PacketType.connack, PacketType.pong]);
    expect(bench.sending.batches.flat()).toHaveLength(2);
  });

  test("a client that goes while its login is decided leaves nothing behind", async () => {
    const bench = await startWorkers(1);
    const client = bench.client(bench.threads[0]!);
    await bench.settle();
    client.write(TestClient.connectFrame());
    client.socket.hangUp();
    await bench.settle();
    expect(bench.presence.count).toBe(0);
    expect((await bench.stats()).connections).toBe(0);
    expect(bench.failures).toEqual([]);
  });

  test("a refused login is answered as everywhere, and one whose look-up throws is closed", async () => {
    const bench = await startWorkers(1);
    bench.login = () => ({ reason: Reason.authFail, level: "slave" });
    const refused = bench.client(bench.threads[0]!);
    refused.write(TestClient.connectFrame({ clientKey: "" }));
    await bench.settle();
    expect(refused.frames()).toMatchObject([{ type: PacketType.connack, reason: Reason.authFail }]);
    bench.login = () => ({ reason: 1, level: "slave" });
    const keyless = bench.client(bench.threads[0]!);
    keyless.write(TestClient.connectFrame({ clientKey: "" }));
    await bench.settle();
    expect(keyless.frames()).toMatchObject([{ type: PacketType.connack, reason: Reason.clientKeyIsEmpty }]);
    bench.login = () => {
      throw new Error("disk");
    };
    const unlucky = bench.client(bench.threads[0]!);
    unlucky.write(TestClient.connectFrame());
    await bench.settle();
    expect(unlucky.socket.isClosed).toBe(true);
    expect(bench.failures.map(String)).toEqual(["Error: disk"]);
    expect(bench.presence.count).toBe(0);
  });

  test("a login ends the older session in another worker, at once for the core", async () => {
    const bench = await startWorkers(2);
    bench.login = () => ({ reason: 1, level: "master" });
    const [old, young] = bench.threads.map((thread) => bench.client(thread));
    old!.connect({ uid: "u", deviceId: "old" });
    await bench.settle();
    const [oldSession] = bench.presence.of("u");
    young!.connect({ uid: "u", deviceId: "new" });
    await bench.settle();
    expect(bench.presence.of("u").map(({ deviceId }) => deviceId)).toEqual(["new"]);
    expect(bench.forgotten).toEqual([oldSession!.id]);
    expect(old!.frames()).toMatchObject([{ type: PacketType.disconnect, reason: Reason.connectKick }]);
    await bench.advance(3_000);
    expect(old!.socket.isClosed).toBe(true);
    expect(young!.socket.isClosed).toBe(false);
    expect(bench.closed).toEqual(["kicked u 10.0.0.1"]);
  });

  test("what a kicked session sends is not taken, although its worker has not heard of the kick", async () => {
    const bench = await startWorkers(1, { disableEncryption: true });
    const client = bench.client(bench.threads[0]!);
    client.connect({ uid: "u" });
    await bench.settle();
    const ids = bench.presence.of("u").map(({ id }) => id);
    client.write(client.sendFrame(), client.sendFrame());
    bench.gateway.outbound.disconnect(ids, null, "", 0);
    expect(bench.presence.of("u")).toEqual([]);
    await bench.settle();
    expect(bench.sending.batches).toEqual([]);
    expect(client.frames().filter(isSendack)).toEqual([]);
    // Nobody waits for those answers when the server stops.
    const stopped = bench.gateway.stop();
    await bench.settle();
    await stopped;
    expect(bench.threads[0]!.isEnded).toBe(true);
  });

  test("each SEND that cannot be opened is answered with an id of its own, over all workers", async () => {
    const bench = await startWorkers(2);
    const clients = bench.threads.map((thread) => bench.client(thread));
    for (const [index, client] of clients.entries()) {
      client.connect({ uid: `u${index}` });
      await bench.settle();
    }
    for (const client of clients) client.write(client.sendFrame({ msgKey: "0".repeat(32) }));
    await bench.settle();
    const refused = clients.flatMap((client) => client.frames().filter(isSendack));
    expect(refused.map(({ reason }) => reason)).toEqual([Reason.payloadDecodeError, Reason.payloadDecodeError]);
    expect(new Set(refused.map(({ messageId }) => `${messageId.high} ${messageId.low}`)).size).toBe(2);
  });

  test("pipelined SENDs go to the core as the batches that they were read in", async () => {
    const bench = await startWorkers(2, { disableEncryption: true });
    const clients = bench.threads.map((thread) => bench.client(thread));
    for (const [index, client] of clients.entries()) client.connect({ uid: `u${index}` });
    await bench.settle();
    for (const client of clients) {
      client.write(...Array.from({ length: 20 }, () => client.sendFrame()));
      client.write(...Array.from({ length: 10 }, () => client.sendFrame({ text: "later" })));
    }
    await bench.settle();
    expect(bench.sending.batches.map((batch) => batch.length).sort((a, b) => a - b)).toEqual([10, 10, 20, 20]);
    expect((await bench.stats()).unansweredSends).toBe(60);
    bench.sending.answer(60);
    await bench.settle();
    for (const client of clients) {
      const acks = client.frames().filter(isSendack);
      expect(acks.map(({ clientSeq }) => clientSeq)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    }
    expect((await bench.stats()).unansweredSends).toBe(0);
  });
});

describe("limits", () => {
  test("hold over all workers, for one address and in all, and a refused connection is never read", async () => {
    const bench = await startWorkers(3, { connectionsMax: 7, connectionsPerIpMax: 4 });
    const open = (count: number, ip: string) =>
      Array.from({ length: count }, (_, index) => bench.client(bench.threads[index % 3]!, ip));
    const mine = open(6, "10.0.0.9");
    for (const [index, client] of mine.entries()) client.connect({ uid: `m${index}` });
    await bench.settle();
    expect(mine.filter(({ socket }) => !socket.isClosed)).toHaveLength(4);
    expect(bench.presence.count).toBe(4);
    const others = open(6, "10.0.0.10");
    await bench.settle();
    expect(others.filter(({ socket }) => !socket.isClosed)).toHaveLength(3);
    expect((await bench.stats()).connections).toBe(7);
    mine.find(({ socket }) => !socket.isClosed)!.socket.hangUp();
    await bench.settle();
    const [next] = open(1, "10.0.0.9");
    await bench.settle();
    expect(next!.socket.isClosed).toBe(false);
    expect(bench.closed.filter((line) => line.startsWith("too_many"))).toHaveLength(5);
  });

  test("a worker does not read its sockets while too much is on its way to the core", async () => {
    const bench = await startWorkers(1, { disableEncryption: true }, 4_000);
    const client = bench.client(bench.threads[0]!);
    client.connect({ uid: "u" });
    await bench.settle();
    // In one turn, so that nothing is taken in between.
    for (let read = 0; read < 10; read++) client.write(client.sendFrame({ text: "x".repeat(1_500) }));
    expect(client.socket.isPaused).toBe(true);
    await bench.settle();
    expect(bench.sending.batches.flat()).toHaveLength(10);
    expect(client.socket.isPaused).toBe(false);
  });

  test("a worker that takes nothing makes the gateway say that it is behind", async () => {
    const bench = await startWorkers(2, {}, 10_000);
    bench.threads[0]!.isStuck = true;
    bench.gateway.outbound.recv(storedMessage({ payload: new Uint8Array(9_000) }), [1, 2]);
    await bench.settle();
    expect(bench.gateway.isBehind).toBe(false);
    bench.gateway.outbound.recv(storedMessage({ payload: new Uint8Array(9_000) }), [1, 2]);
    await bench.settle();
    expect(bench.gateway.isBehind).toBe(true);
  });
});

describe("a worker that ends", () => {
  test("takes its connections with it, and no others, and another one comes", async () => {
    const bench = await startWorkers(2, { disableEncryption: true });
    const [first, second] = bench.threads.map((thread) => bench.client(thread));
    first!.connect({ uid: "a" });
    second!.connect({ uid: "b" });
    await bench.settle();
    first!.write(first!.sendFrame());
    second!.write(second!.sendFrame());
    await bench.settle();
    const [oldId] = bench.presence.of("a").map(({ id }) => id);
    bench.threads[0]!.crash(new Error("out of memory"));
    await bench.settle();
    expect(bench.presence.of("a")).toEqual([]);
    expect(bench.presence.of("b")).toHaveLength(1);
    expect(bench.closed).toEqual(["worker_failed a 10.0.0.1"]);
    expect(bench.lost).toEqual([{ error: new Error("out of memory"), connections: 1, againInMs: 100 }]);
    expect(await bench.stats()).toMatchObject({ connections: 1, unansweredSends: 1, closes: { worker_failed: 1 } });
    // The answer for the dead one goes nowhere, the other one gets his.
    bench.sending.answer(2);
    await bench.settle();
    expect(second!.frames().map(({ type }) => type)).toContain(PacketType.sendack);
    expect(bench.threads).toHaveLength(2);
    await bench.advance(100);
    expect(bench.threads).toHaveLength(3);
    const again = bench.client(bench.threads[2]!);
    again.connect({ uid: "a" });
    await bench.settle();
    const [newId] = bench.presence.of("a").map(({ id }) => id);
    expect(newId).toBeGreaterThan(oldId!);
    expect(newId! % 2).toBe(oldId! % 2);
    expect(bench.failures).toEqual([]);
  });

  test("again and again is started after longer pauses, and after a good time at once again", async () => {
    const bench = await startWorkers(1);
    for (let times = 0; times < 9; times++) {
      bench.threads.at(-1)!.crash(new Error("again"));
      await bench.advance(bench.lost.at(-1)?.againInMs ?? 100);
      await bench.advance(5_000);
    }
    expect(bench.lost.map(({ againInMs }) => againInMs)).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000,
    ]);
    await bench.advance(20_000);
    bench.threads.at(-1)!.crash(new Error("once"));
    await bench.settle();
    expect(bench.lost.at(-1)?.againInMs).toBe(100);
  });

  test("and cannot listen when it is started again is tried again, with the cause in the log", async () => {
    const bench = await startWorkers(1);
    bench.listenFailure = new Error("taken");
    bench.threads[0]!.crash(new Error("once"));
    await bench.advance(100);
    expect(bench.failures.map(String)).toEqual(["Error: taken"]);
    bench.listenFailure = undefined;
    await bench.advance(200);
    expect(bench.threads).toHaveLength(3);
    expect(bench.threads[2]!.listeningAt).toHaveLength(2);
  });

  test("may also have hung: it is ended when nothing was heard of it for half a minute", async () => {
    const bench = await startWorkers(2);
    const [first, second] = bench.threads.map((thread) => bench.client(thread));
    for (const [index, client] of [first!, second!].entries()) client.connect({ uid: `u${index}` });
    await bench.settle();
    bench.threads[0]!.isStuck = true;
    await bench.advance(29_000);
    expect(bench.threads.map(({ isEnded }) => isEnded)).toEqual([false, false]);
    await bench.advance(3_000);
    expect(bench.threads.map(({ isEnded }) => isEnded)).toEqual([true, false, false]);
    expect(bench.closed).toEqual(["worker_failed u0 10.0.0.1"]);
    expect(String(bench.lost[0]?.error)).toContain("nothing was heard");
  });

  test("keeps what it has counted", async () => {
    const bench = await startWorkers(2);
    for (const thread of bench.threads) for (let index = 0; index < 3; index++) bench.client(thread);
    await bench.advance(1_500);
    expect((await bench.stats()).accepted).toBe(6);
    bench.threads[1]!.crash(new Error("once"));
    await bench.advance(2_000);
    expect(await bench.stats()).toMatchObject({ accepted: 6, connections: 3, closes: { worker_failed: 3 } });
  });
});

describe("what is kept for later questions", () => {
  test("is told of every session once, whoever ends it, and of logins that failed", async () => {
    const bench = await startWorkers(2);
    bench.login = ({ uid }) => ({ reason: uid === "stranger" ? Reason.authFail : 1, level: "master" });
    const [first, second, third] = [0, 1, 0].map((thread) => bench.client(bench.threads[thread]!));
    first!.connect({ uid: "u", deviceId: "d1" });
    await bench.settle();
    second!.connect({ uid: "u", deviceId: "d2" });
    third!.connect({ uid: "stranger" });
    await bench.settle();
    expect(bench.trail).toEqual(["opened u", "opened u", "left u kicked", "login stranger auth_failed"]);
    const [session] = bench.presence.of("u");
    bench.gateway.outbound.disconnect([session!.id], null, "", 0);
    await bench.settle();
    expect(bench.trail.slice(4)).toEqual(["left u kicked"]);
    bench.client(bench.threads[1]!).connect({ uid: "v" });
    await bench.settle();
    bench.threads[1]!.crash(new Error("once"));
    await bench.settle();
    expect(bench.trail.slice(5)).toEqual(["opened v", "left v worker_failed"]);
  });

  test("is told of sends that were refused for their rate, which is one over all workers", async () => {
    const options = { disableEncryption: true };
    const bench = await startWorkers(2, options, 1 << 20, { perSecond: 1, burst: 3 });
    const clients = bench.threads.map((thread) => bench.client(thread));
    for (const [index, client] of clients.entries()) client.connect({ uid: `u${index}` });
    await bench.settle();
    clients[0]!.write(...Array.from({ length: 2 }, () => clients[0]!.sendFrame()));
    await bench.settle();
    clients[1]!.write(...Array.from({ length: 2 }, () => clients[1]!.sendFrame()));
    await bench.settle();
    expect(bench.sending.batches.map((batch) => batch.length)).toEqual([2, 1]);
    expect(clients[1]!.frames().filter(isSendack)).toMatchObject([{ clientSeq: 2, reason: Reason.rateLimit }]);
    expect(bench.trail.slice(2)).toEqual([`refused u1 ${Reason.rateLimit} rate_limit`]);
    expect((await bench.stats()).sendacks[Reason.rateLimit]).toBe(1);
  });
});

describe("an operator", () => {
  test("gets the counters of all workers added up, at once, and those of dead ones without what was open", async () => {
    const bench = await startWorkers(2, { disableEncryption: true });
    const clients = bench.threads.map((thread) => bench.client(thread));
    for (const [index, client] of clients.entries()) client.connect({ uid: `u${index}` });
    await bench.settle();
    for (const client of clients) client.write(client.sendFrame());
    await bench.settle();
    bench.sending.answer(2);
    await bench.settle();
    const all = await bench.stats();
    expect(all.connects["success"]).toBe(2);
    expect(all.framesIn[PacketType.send]).toBe(2);
    expect(all.sessionsBy.filter(({ count }) => count > 0)).toMatchObject([{ transport: "websocket", count: 2 }]);
    expect(all.sendackSeconds.bounds).toEqual(SECONDS);
    expect(all.sendackSeconds.counts.reduce((total, count) => total + count)).toBe(2);
    expect(all.traffic.inMessages).toBe(2);
    await bench.advance(1_000);
    bench.threads[0]!.crash(new Error("once"));
    await bench.advance(200);
    const later = await bench.stats();
    expect(later).toMatchObject({ sessions: 1, traffic: all.traffic, sendackSeconds: { bounds: SECONDS } });
    expect(later.sessionsBy.reduce((total, { count }) => total + count, 0)).toBe(1);
  });

  test("is not kept waiting for the counters of a worker that hangs", async () => {
    const bench = await startWorkers(2);
    for (const thread of bench.threads) bench.client(thread);
    await bench.advance(1_500);
    bench.threads[0]!.isStuck = true;
    const asked = bench.gateway.live.traffic();
    const stats = bench.gateway.stats();
    await bench.advance(1_000);
    await expect(asked).resolves.toMatchObject({ inMessages: 0 });
    await expect(stats).resolves.toMatchObject({ accepted: 2 });
  });

  test("sees the connections of all workers in the order of their ids, and those that are named", async () => {
    const bench = await startWorkers(3);
    for (let index = 0; index < 12; index++) {
      bench.client(bench.threads[index % 2]!).connect({ uid: `u${index}`, deviceId: `d${index}` });
    }
    await bench.settle();
    const ids = await sessionsOf(bench.gateway.live.pages(), bench.settle);
    expect(ids).toHaveLength(12);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    const asked = bench.gateway.live.named([ids[0]!, ids[11]!, 4_711]);
    await bench.settle();
    expect((await asked).map(({ session }) => session.id).sort((a, b) => a - b)).toEqual([ids[0], ids[11]]);
    expect(bench.gateway.live.socketCount).toBe(12);
  });

  test("replaces the certificate of every worker, also of one that comes later; a bad one nowhere", async () => {
    const bench = await startWorkers(2);
    const certificate = (source: string) => ({ certificate: new Uint8Array(2), key: new Uint8Array(2), source });
    const replaced = bench.gateway.replaceCertificate("wss", certificate("second"));
    await bench.settle();
    await replaced;
    expect(bench.threads.map(({ certificates }) => certificates.includes("second"))).toEqual([true, true]);
    const refused = expect(bench.gateway.replaceCertificate("wss", certificate("bad"))).rejects.toThrow("no usable");
    await bench.settle();
    await refused;
    bench.threads[0]!.crash(new Error("once"));
    await bench.advance(100);
    expect(bench.threads[2]!.listeningAt.at(-1)?.tls?.source).toBe("second");
    // One that ends meanwhile refuses nothing.
    const third = bench.gateway.replaceCertificate("wss", certificate("third"));
    bench.threads[1]!.crash(new Error("once"));
    await bench.advance(200);
    await third;
    expect(bench.threads[2]!.certificates).toEqual(["third"]);
    expect(bench.threads[3]!.listeningAt.at(-1)?.tls?.source).toBe("third");
  });
});

describe("stopping", () => {
  test("waits for answers of all workers, closes everything and ends the threads", async () => {
    const bench = await startWorkers(2, { disableEncryption: true });
    const clients = bench.threads.map((thread) => bench.client(thread));
    for (const [index, client] of clients.entries()) client.connect({ uid: `u${index}` });
    await bench.settle();
    for (const client of clients) client.write(client.sendFrame());
    await bench.settle();
    const stopped = bench.gateway.stop();
    await bench.settle();
    expect(clients.map(({ socket }) => socket.isClosed)).toEqual([false, false]);
    bench.sending.answer(2);
    await bench.settle();
    await stopped;
    for (const client of clients) {
      expect(client.frames().map(({ type }) => type)).toContain(PacketType.sendack);
      expect(client.socket.isClosed).toBe(true);
    }
    expect(bench.threads.every(({ isEnded }) => isEnded)).toBe(true);
    expect(bench.closed).toEqual(["server_stopping u0 10.0.0.1", "server_stopping u1 10.0.0.1"]);
    expect(bench.lost).toEqual([]);
    expect(bench.presence.count).toBe(0);
  });

  test("does not wait for a worker that hangs", async () => {
    const bench = await startWorkers(2);
    bench.threads[1]!.isStuck = true;
    const stopped = bench.gateway.stop();
    await bench.advance(4_400);
    await stopped;
    expect(bench.threads.every(({ isEnded }) => isEnded)).toBe(true);
  });

  test("ends what a start that failed has begun", async () => {
    const bench = prepareWorkers(2);
    bench.listenFailure = Object.assign(new Error("taken"), { code: "EADDRINUSE", syscall: "listen" });
    const started = expect(bench.gateway.start(ADDRESSES)).rejects.toMatchObject({
      message: "taken",
      code: "EADDRINUSE",
      syscall: "listen",
    });
    await bench.settle();
    await started;
    await bench.advance(10_000);
    expect(bench.threads.map(({ isEnded }) => isEnded)).toEqual([true, true]);
  });
});
