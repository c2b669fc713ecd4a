import { encodeFrame, type Frame, type Int64, PacketType, Reason, type Recv, type Sendack } from "@wukong-ts/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startBench, storedMessage, TestClient } from "./test-kit.ts";

const PING: Frame = { type: PacketType.ping };
const types = (frames: readonly Frame[]): number[] => frames.map((frame) => frame.type);
const recvack = (messageId: Int64, flags = 2): Frame => ({ type: PacketType.recvack, flags, messageId, messageSeq: 3 });

describe("connecting", () => {
  test("a welcome session is in presence, and its CONNACK has keys that work", async () => {
    const { client, presence, sending } = await startBench();
    const alice = client();
    expect(alice.connect({ uid: "alice", deviceFlag: 1, deviceId: "d1" })).toMatchObject({
      reason: 1,
      serverVersion: 5,
      nodeId: 1001n,
    });
    expect(presence.of("alice")).toMatchObject([
      { id: 1, deviceFlag: 1, deviceId: "d1", deviceLevel: "slave", version: 5 },
    ]);
    alice.write(alice.sendFrame({ text: "secret" }));
    expect(new TextDecoder().decode(sending.batches[0]?.[0]?.payload)).toBe("secret");
  });

  test("a server without encryption agrees on no keys and takes plain payloads", async () => {
    const { client, sending, gateway } = await startBench({ disableEncryption: true });
    const alice = client();
    expect(alice.connect({ uid: "alice" })).toMatchObject({ reason: 1, serverKey: "", salt: "" });
    alice.write(alice.sendFrame({ text: "plain" }));
    expect(new TextDecoder().decode(sending.batches[0]?.[0]?.payload)).toBe("plain");
    gateway.outbound.recv(storedMessage(), [1]);
    const recv = alice.frames()[0] as Recv;
    expect(recv.msgKey).toBe("");
    expect(alice.textOf(recv.payload)).toBe("hello");
  });

  test("a refused one gets a CONNACK without keys and is closed a moment later", async () => {
    const bench = await startBench();
    bench.login = () => ({ reason: 2, level: "slave" });
    const mallory = bench.client();
    expect(mallory.connect()).toMatchObject({ reason: 2, serverKey: "", salt: "", serverVersion: 5, nodeId: 1001n });
    expect(mallory.socket.closing).toBeUndefined();
    mallory.write(PING);
    bench.time.advance(499);
    expect(mallory.socket.closing).toBeUndefined();
    bench.time.advance(1);
    expect(mallory.socket.closing).toBe("after-flush");
    expect(mallory.frames()).toEqual([]);
    expect(bench.presence.count).toBe(0);
    expect(bench.gateway.stats().closes.auth_failed).toBe(1);
  });

  test.each([
    ["empty", "", 21],
    ["no key", "AAAA", 2],
  ])("one whose client key is %s is refused with a reason for that", async (_, clientKey, reason) => {
    const bench = await startBench();
    expect(bench.client().connect({ clientKey })).toMatchObject({ reason, serverKey: "" });
    expect(bench.presence.count).toBe(0);
    expect(bench.client().connect({ clientKey: TestClient.connectFrame().clientKey })).toMatchObject({ reason: 1 });
  });

  test("one without a client key is welcome where nothing is encrypted", async () => {
    const bench = await startBench({ disableEncryption: true });
    expect(bench.client().connect({ clientKey: "" })).toMatchObject({ reason: 1, serverKey: "", salt: "" });
  });

  test("one that cannot be judged now is closed without an answer", async () => {
    const bench = await startBench();
    bench.login = () => ({ reason: "transient" });
    const alice = bench.client();
    expect(alice.connect()).toBeUndefined();
    expect(alice.socket.isClosed).toBe(true);
    expect(bench.gateway.stats().closes.login_unavailable).toBe(1);
  });

  test("one whose look-up throws is closed, and the server goes on", async () => {
    const bench = await startBench();
    bench.login = () => {
      throw new Error("disk");
    };
    expect(bench.client().connect()).toBeUndefined();
    expect(bench.failures).toHaveLength(1);
    expect(bench.gateway.stats().closes.internal_error).toBe(1);
    bench.login = () => ({ reason: 1, level: "slave" });
    expect(bench.client().connect()).toMatchObject({ reason: 1 });
  });

  test.each([
    ["PING", PING],
    ["RECVACK", recvack({ high: 0, low: 1 })],
  ])("a first packet %s closes the connection", async (_, frame) => {
    const bench = await startBench();
    const client = bench.client();
    client.write(frame);
    expect(client.frames()).toEqual([]);
    expect(client.socket.isClosed).toBe(true);
    expect(bench.gateway.stats().closes.connect_expected).toBe(1);
  });

  test("packets behind CONNECT in the same read are handled after the login", async () => {
    const { client, sending } = await startBench({ disableEncryption: true });
    const alice = client();
    alice.write(TestClient.connectFrame({ uid: "alice" }), PING, alice.sendFrame());
    expect(types(alice.frames())).toEqual([PacketType.connack, PacketType.pong]);
    expect(sending.batches).toHaveLength(1);
  });

  test("a second CONNECT, SUB and packets of the server are ignored", async () => {
    const { client } = await startBench();
    const alice = client();
    alice.connect();
    alice.write(
      TestClient.connectFrame({ uid: "other" }),
      { type: PacketType.sub, setting: 0, subNo: "", channelId: "g", channelType: 2, action: 0, param: "" },
      { type: PacketType.pong },
      { type: PacketType.event, id: "1", eventType: "x", timestamp: 0n, data: new Uint8Array() },
    );
    alice.write(PING);
    expect(types(alice.frames())).toEqual([PacketType.pong]);
  });

  test("any split of the bytes gives the same session", async () => {
    const frames = [TestClient.connectFrame({ uid: "alice" }), PING, PING].map((frame) => encodeFrame(frame, 5));
    const bytes = Buffer.concat(frames);
    for (let at = 1; at < bytes.length; at++) {
      const { client, presence } = await startBench();
      const alice = client();
      alice.socket.receive(bytes.subarray(0, at));
      alice.socket.receive(bytes.subarray(at));
      expect(types(alice.frames())).toEqual([PacketType.connack, PacketType.pong, PacketType.pong]);
      expect(presence.of("alice")).toHaveLength(1);
    }
  });
});

describe("kicks", () => {
  test("a master login on another device is told to the old one, which is closed 2 s later", async () => {
    const bench = await startBench();
    bench.login = () => ({ reason: 1, level: "master" });
    const [old, young] = [bench.client(), bench.client()];
    old.connect({ uid: "u", deviceId: "d1" });
    bench.gateway.outbound.recv(storedMessage(), [1]);
    young.connect({ uid: "u", deviceId: "d2" });
    bench.gateway.outbound.recv(storedMessage(), [1]);
    expect(old.frames()).toMatchObject([
      { type: PacketType.recv },
      { type: PacketType.disconnect, reason: 12, text: "login in other device" },
    ]);
    expect(bench.presence.of("u")).toMatchObject([{ deviceId: "d2" }]);
    bench.time.advance(1_999);
    expect(old.socket.closing).toBeUndefined();
    bench.time.advance(1);
    expect(old.socket.isClosed).toBe(true);
    expect(young.socket.closing).toBeUndefined();
    expect(bench.gateway.stats().closes.kicked).toBe(1);
  });

  test("a login on the same device closes the old one in silence", async () => {
    const bench = await startBench();
    const [old, young] = [bench.client(), bench.client()];
    old.connect({ uid: "u" });
    young.connect({ uid: "u" });
    expect(old.frames()).toEqual([]);
    bench.time.advance(2_000);
    expect(old.socket.isClosed).toBe(true);
    expect(bench.presence.of("u").map(({ id }) => id)).toEqual([2]);
  });

  test("a kicked session's bytes are thrown away, but its accepted sends are answered until it closes", async () => {
    const bench = await startBench();
    const old = bench.client();
    old.connect({ uid: "u" });
    old.write(old.sendFrame());
    bench.client().connect({ uid: "u" });
    old.write(old.sendFrame(), PING);
    expect(bench.sending.waiting).toBe(1);
    bench.sending.answer(1);
    expect(types(old.frames())).toEqual([PacketType.sendack]);
    bench.time.advance(2_000);
    expect(old.socket.isClosed).toBe(true);
  });

  test("an administrator's disconnect says his words, closes after his time, and ends RECVs at once", async () => {
    const bench = await startBench();
    const alice = bench.client();
    alice.connect({ uid: "u" });
    bench.gateway.outbound.disconnect([1, 99], 12, "server kick", 10_000);
    bench.gateway.outbound.recv(storedMessage(), [1]);
    expect(alice.frames()).toMatchObject([{ type: PacketType.disconnect, reason: 12, text: "server kick" }]);
    expect(bench.presence.count).toBe(0);
    expect(bench.acks.forgotten).toEqual([1]);
    bench.time.advance(9_999);
    expect(alice.socket.closing).toBeUndefined();
    bench.time.advance(1);
    expect(alice.socket.isClosed).toBe(true);
  });

  test("a disconnect without a reason sends no packet and closes at once", async () => {
    const bench = await startBench();
    const alice = bench.client();
    alice.connect({ uid: "u" });
    bench.gateway.outbound.disconnect([1], null, "", 0);
    expect(alice.frames()).toEqual([]);
    expect(alice.socket.isClosed).toBe(true);
  });
});

describe("sends", () => {
  test("all of one read are one batch, whatever stands between them", async () => {
    const { client, sending } = await startBench();
    const alice = client();
    alice.connect({ uid: "alice" });
    alice.write(alice.sendFrame(), alice.sendFrame(), PING, alice.sendFrame());
    alice.write(alice.sendFrame());
    expect(sending.batches.map((batch) => batch.map(({ clientSeq }) => clientSeq))).toEqual([[1, 2, 3], [4]]);
    expect(sending.batches[0]?.[0]).toMatchObject({
      origin: "client",
      session: 1,
      fromUid: "alice",
      addressedTo: { type: 1, id: "u2" },
      clientMsgNo: "no-1",
      flags: 2,
    });
  });

  test("each is answered once, flags echoed, in the order of the answers", async () => {
    const { client, sending } = await startBench();
    const alice = client();
    alice.connect();
    alice.write(alice.sendFrame({ flags: 0 }), alice.sendFrame({ flags: 9 }), alice.sendFrame({ flags: 2 }));
    sending.answer(2, { reason: 1, id: { high: 1, low: 2 }, seq: 5, repeated: false });
    sending.answer(1, { reason: 4, id: { high: 1, low: 3 }, seq: 0, repeated: false });
    const acks = alice.frames() as Sendack[];
    expect(acks.map(({ clientSeq, flags, reason, messageSeq }) => [clientSeq, flags, reason, messageSeq])).toEqual([
      [1, 0, 1, 5],
      [2, 9, 1, 5],
      [3, 2, 4, 0],
    ]);
    expect(acks[0]?.messageId).toEqual({ high: 1, low: 2 });
  });

  test("one with a wrong msgKey or a payload that is no ciphertext is answered with 9 and an id of its own", async () => {
    const { client, sending } = await startBench();
    const alice = client();
    alice.connect();
    const wrong = alice.sendFrame({ msgKey: "0".repeat(32) });
    const plain = alice.sendFrame({ payload: new TextEncoder().encode("not encrypted") });
    alice.write(wrong, plain, alice.sendFrame());
    const acks = alice.frames() as Sendack[];
    expect(acks.map(({ clientSeq, reason, messageSeq }) => [clientSeq, reason, messageSeq])).toEqual([
      [1, 9, 0],
      [2, 9, 0],
    ]);
    expect(new Set(acks.map(({ messageId }) => `${messageId.high}/${messageId.low}`)).size).toBe(2);
    expect(sending.batches.map((batch) => batch.length)).toEqual([1]);
  });

  test("whoever pipelines is not read while too many sends are unanswered, and none is lost or refused", async () => {
    const bench = await startBench({ unansweredSendsMax: 10, disableEncryption: true });
    const alice = bench.client();
    alice.connect();
    alice.write(...Array.from({ length: 35 }, () => alice.sendFrame()));
    bench.time.settle();
    expect(bench.sending.waiting).toBe(10);
    expect(alice.socket.isPaused).toBe(true);
    alice.write(alice.sendFrame());
    bench.sending.answer(4);
    bench.time.settle();
    expect(bench.sending.waiting).toBe(6);
    while (bench.sending.waiting > 0) {
      bench.sending.answer(3);
      bench.time.settle();
    }
    expect(alice.socket.isPaused).toBe(false);
    const acks = alice.frames() as Sendack[];
    expect(acks.map(({ clientSeq }) => clientSeq)).toEqual(Array.from({ length: 36 }, (_, index) => index + 1));
    expect(bench.gateway.stats().unansweredSends).toBe(0);
  });

  test("their bytes are bounded too", async () => {
    const bench = await startBench({ unansweredBytesMax: 10_000, disableEncryption: true });
    const alice = bench.client();
    alice.connect();
    alice.write(...Array.from({ length: 20 }, () => alice.sendFrame({ text: "x".repeat(3_000) })));
    expect(bench.sending.waiting).toBe(4);
    expect(alice.socket.isPaused).toBe(true);
  });

  test("ones that are answered while they are handed over do not stop the connection", async () => {
    const bench = await startBench({ unansweredSendsMax: 10, disableEncryption: true });
    bench.sending.answersAtOnce = () => ({ reason: 3, id: { high: 1, low: 1 }, seq: 0, repeated: false });
    const alice = bench.client();
    alice.connect();
    alice.write(...Array.from({ length: 95 }, () => alice.sendFrame()), PING);
    expect(alice.frames()).toHaveLength(96);
    expect(alice.socket.isPaused).toBe(false);
  });

  test("whoever is refused because of overload is not read for a while, longer each time, and then goes on", async () => {
    const bench = await startBench({ disableEncryption: true });
    const refused = { reason: Reason.rateLimit, id: { high: 1, low: 1 }, seq: 0, repeated: false };
    bench.sending.answersAtOnce = () => refused;
    const alice = bench.client();
    alice.connect();
    alice.write(alice.sendFrame());
    alice.write(alice.sendFrame());
    bench.time.settle();
    expect(alice.frames()).toHaveLength(1);
    expect(alice.socket.isPaused).toBe(true);
    bench.time.advance(50);
    bench.time.settle();
    expect(alice.frames()).toHaveLength(1);
    bench.sending.answersAtOnce = () => ({ ...refused, reason: Reason.success, seq: 1 });
    alice.write(alice.sendFrame());
    bench.time.advance(50);
    bench.time.settle();
    expect(alice.frames()).toHaveLength(0);
    bench.time.advance(50);
    bench.time.settle();
    expect(alice.frames()).toHaveLength(1);
    expect(alice.socket.isPaused).toBe(false);
  });

  test("ones that cannot be opened do not stop the connection, however many come in one read", async () => {
    const bench = await startBench({ unansweredSendsMax: 10 });
    const alice = bench.client();
    alice.connect();
    alice.write(...Array.from({ length: 95 }, () => alice.sendFrame({ msgKey: "0".repeat(32) })), PING);
    bench.time.settle();
    const frames = alice.frames();
    expect(frames).toHaveLength(96);
    expect(frames.filter((frame) => frame.type === PacketType.sendack && frame.reason === 9)).toHaveLength(95);
    expect(alice.socket.isPaused).toBe(false);
  });

  test("answers for a connection that is gone are dropped", async () => {
    const bench = await startBench();
    const alice = bench.client();
    alice.connect();
    alice.write(alice.sendFrame());
    alice.socket.hangUp();
    bench.sending.answer(1);
    bench.time.settle();
    expect(bench.failures).toEqual([]);
    expect(bench.gateway.stats()).toMatchObject({ unansweredSends: 0, connections: 0 });
  });

  test("a Sending that throws closes the connection only", async () => {
    const bench = await startBench();
    const alice = bench.client();
    alice.connect();
    bench.sending.answersAtOnce = () => {
      throw new Error("no");
    };
    alice.write(alice.sendFrame());
    bench.time.settle();
    expect(alice.socket.isClosed).toBe(true);
    expect(bench.failures).toHaveLength(1);
  });
});

describe("other packets", () => {
  test("every PING has its PONG", async () => {
    const { client } = await startBench();
    const alice = client();
    alice.connect();
    alice.write(PING, PING);
    expect(types(alice.frames())).toEqual([PacketType.pong, PacketType.pong]);
  });

  test("RECVACK names the session's message, and one for a message that is not kept means nothing", async () => {
    const { client, acks } = await startBench();
    const alice = client();
    alice.connect();
    alice.write(recvack({ high: 5, low: 6 }), recvack({ high: 5, low: 7 }, 1));
    expect(acks.acked).toEqual(["1 5/6 3"]);
  });

  test("RECVACK of a command is a receipt of its user, of a chat message it is none", async () => {
    const { client, waitedFor, receivedCommands } = await startBench();
    const alice = client();
    alice.connect();
    const channel = { type: 2, id: "g" };
    waitedFor.set(6, { id: { high: 5, low: 6 }, channel, log: "command", seq: 4 });
    waitedFor.set(7, { id: { high: 5, low: 7 }, channel, log: "chat", seq: 4 });
    alice.write(recvack({ high: 5, low: 6 }, 4), recvack({ high: 5, low: 7 }, 4));
    expect(receivedCommands).toEqual(["u1 g 4"]);
  });

  test("RECVACK of what the session does not wait for is looked up only when it says that it is a command", async () => {
    const { client, receivedCommands } = await startBench();
    const alice = client();
    alice.connect();
    alice.write(recvack({ high: 5, low: 6 }), recvack({ high: 5, low: 7 }, 4), recvack({ high: 5, low: 8 }, 5));
    expect(receivedCommands).toEqual(["u1 5/7"]);
  });

  test("DISCONNECT closes the connection", async () => {
    const { client, gateway, presence } = await startBench();
    const alice = client();
    alice.connect();
    alice.write({ type: PacketType.disconnect, reason: 0, text: "" }, PING);
    expect(alice.frames()).toEqual([]);
    expect(alice.socket.isClosed).toBe(true);
    expect(presence.count).toBe(0);
    expect(gateway.stats().closes.client_disconnected).toBe(1);
  });

  test.each([
    ["an unknown type", "f00100"],
    ["type 0", "0000"],
    ["a SEND without its fields", "3003000000"],
    ["a length over the limit", "30818040"],
    ["five length bytes", "3080808080"],
    ["a string that is not UTF-8", "c00c0001ff000000000000000000"],
  ])("%s closes the connection after what was whole before it", async (_, hex) => {
    const { client, gateway, sending, time } = await startBench();
    const alice = client();
    alice.connect();
    const before = encodeFrame(alice.sendFrame(), 5);
    alice.socket.receive(Buffer.concat([before, encodeFrame(PING, 5), Buffer.from(hex, "hex")]));
    alice.socket.receive(encodeFrame(PING, 5));
    expect(types(alice.frames())).toEqual([PacketType.pong]);
    expect(sending.batches).toHaveLength(1);
    time.settle();
    expect(alice.socket.isClosed).toBe(true);
    expect(gateway.stats().closes.malformed_frame).toBe(1);
  });

  test("a client that floods a turn is handled in parts, and completely", async () => {
    const { client, time } = await startBench();
    const [flood, calm] = [client(), client()];
    flood.connect({ uid: "flood" });
    calm.connect({ uid: "calm" });
    flood.socket.receive(new Uint8Array(5_000).fill(0x70));
    calm.write(PING);
    expect(flood.socket.isPaused).toBe(true);
    time.turn();
    expect(calm.socket.writes.length).toBeGreaterThan(1);
    expect(flood.frames()).toHaveLength(5_000);
    expect(flood.socket.isPaused).toBe(false);
  });
});

describe("RECV", () => {
  test("goes to the named sessions that are ready, in the order of the calls, one write per turn", async () => {
    const bench = await startBench();
    const [alice, bob, nobody] = [bench.client(), bench.client({ transport: "tcp" }), bench.client()];
    alice.connect({ uid: "alice" });
    bob.connect({ uid: "bob", version: 4 });
    const writesBefore = alice.socket.writes.length;
    for (let seq = 1; seq <= 3; seq++) bench.gateway.outbound.recv(storedMessage({ seq }), [1, 2, 3, 77]);
    for (const client of [alice, bob]) {
      const recvs = client.frames() as Recv[];
      expect(recvs.map(({ messageSeq }) => messageSeq)).toEqual([1, 2, 3]);
      expect(client.textOf(recvs[0]!.payload)).toBe("hello");
    }
    expect(alice.socket.writes.length).toBe(writesBefore + 1);
    expect(alice.socket.writes.at(-1)).toHaveLength(3);
    expect(nobody.frames()).toEqual([]);
  });

  test("goes one per write to version 2 over TCP, but not over WebSocket", async () => {
    const bench = await startBench();
    const [tcp, web] = [bench.client({ transport: "tcp" }), bench.client()];
    tcp.connect({ uid: "a", version: 2 });
    web.connect({ uid: "b", version: 2 });
    for (let seq = 1; seq <= 3; seq++) bench.gateway.outbound.recv(storedMessage({ seq }), [1, 2]);
    bench.time.settle();
    expect(tcp.socket.writes.map((buffers) => buffers.length)).toEqual([1, 1, 1, 1]);
    expect(web.socket.writes.map((buffers) => buffers.length)).toEqual([1, 3]);
  });

  test("to a reader that takes nothing ends in the close named slow_reader", async () => {
    const bench = await startBench({ outboundBytesMax: 1 << 20 });
    const slow = bench.client();
    slow.connect({ uid: "slow" });
    slow.socket.isStuck = true;
    for (let turns = 0; turns < 100 && bench.presence.count > 0; turns++) {
      bench.gateway.outbound.recv(storedMessage({ payload: new Uint8Array(50_000) }), [1]);
      bench.time.settle();
    }
    expect(slow.socket.isClosed).toBe(true);
    expect(slow.socket.bufferedBytes).toBeLessThan(1 << 20);
    expect(bench.gateway.stats().closes.slow_reader).toBe(1);
  });

  test("that cannot be encoded closes the one connection, and the others get theirs", async () => {
    const bench = await startBench();
    const [alice, bob] = [bench.client(), bench.client()];
    alice.connect({ uid: "alice" });
    bob.connect({ uid: "bob" });
    const broken = storedMessage({ clientMsgNo: "x".repeat(70_000) });
    bench.gateway.outbound.recv(broken, [1]);
    bench.gateway.outbound.recv(storedMessage(), [1, 2]);
    expect(types(bob.frames())).toEqual([PacketType.recv]);
    bench.time.settle();
    expect(alice.socket.isClosed).toBe(true);
  });
});

describe("the trail", () => {
  test("is told of sessions that come and go, with the reason, before their sockets are closed", async () => {
    const b = await startBench();
    b.login = () => ({ reason: 1, level: "master" });
    b.client().connect({ uid: "u", deviceId: "phone" });
    const second = b.client();
    second.connect({ uid: "u", deviceId: "other" });
    second.socket.hangUp();
    expect(b.trail).toEqual(["opened u 1", "opened u 2", "left u 1 kicked", "left u 2 client_closed"]);
  });

  test("is told of logins that are refused, but not of ids that nobody can have", async () => {
    const b = await startBench();
    b.login = () => ({ reason: 2, level: "slave" });
    b.client().connect({ uid: "u", deviceFlag: 1 });
    const nobody = b.client();
    nobody.write(TestClient.connectFrame({ uid: "u@v" }));
    expect(b.trail).toEqual(["login u 1 auth_failed"]);
  });

  test("is told of a send that cannot be opened", async () => {
    const b = await startBench();
    const alice = b.client();
    alice.connect({ uid: "alice" });
    alice.write(alice.sendFrame({ text: "x", msgKey: "wrong" }));
    expect(b.trail.at(-1)).toMatch(/^refused alice .+ 9 undecodable$/);
  });
});

describe("whatever bytes come", () => {
  test("nothing throws, and the connection is open or has a named reason", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const bench = await startBench();
    const property = fc.property(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 }),
      fc.boolean(),
      (chunks, first) => {
        const client = bench.client();
        if (first) client.connect({ uid: "fuzz", deviceId: String(Math.random()) });
        for (const chunk of chunks) client.socket.receive(chunk);
        bench.sending.answer(bench.sending.waiting);
        bench.time.settle();
        client.socket.hangUp();
        return bench.failures.length === 0 && bench.gateway.stats().connections === 0;
      },
    );
    fc.assert(property, { seed, numRuns: 1_000 });
  });
});
