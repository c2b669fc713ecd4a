/** A JSON-RPC connection against the hand-driven world: what a black-box test cannot see or would need too much time for. */
import { type Frame, PacketType } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { JsonWire } from "./json-wire.ts";
import { recvSource } from "./recv-frames.ts";
import { type Bench, type HandSocket, startBench, storedMessage } from "./test-kit.ts";

const CONNECT = '{"method":"connect","id":"c","params":{"uid":"alice","token":"","deviceFlag":1}}';
const send = (id: string, more = ""): string =>
  `{"method":"send","id":"${id}","params":{"channelId":"bob","channelType":1,"payload":"aGk="${more}}}`;

function write(socket: HandSocket, text: string): void {
  socket.receive(new TextEncoder().encode(text));
}

/** What the server has written since the last look, as texts. */
function answers(bench: Bench, socket: HandSocket): string[] {
  bench.time.settle();
  return socket.writes.splice(0).flatMap((buffers) => buffers.map((buffer) => new TextDecoder().decode(buffer)));
}

async function connected(
  options: Parameters<typeof startBench>[0] = {},
): Promise<{ readonly bench: Bench; readonly socket: HandSocket }> {
  const bench = await startBench(options);
  const socket = bench.open();
  write(socket, CONNECT);
  expect(answers(bench, socket)).toEqual([expect.stringContaining('"reasonCode":1')]);
  return { bench, socket };
}

describe("detection", () => {
  test("a brace behind white space in chunks of its own is JSON, and goes out as text", async () => {
    const bench = await startBench();
    const socket = bench.open();
    for (const text of [" ", "\r\n", `\t${CONNECT}`]) write(socket, text);
    expect(JSON.parse(answers(bench, socket)[0] ?? "")).toMatchObject({ id: "c", result: { serverVersion: 5 } });
    expect(socket.isText).toBe(true);
  });

  test("white space and then something else is no frame, in one chunk or two", async () => {
    for (const chunks of [[" x"], [" ", "x"]]) {
      const bench = await startBench();
      const socket = bench.open();
      for (const text of chunks) write(socket, text);
      bench.time.advance(10_000);
      expect(socket.isClosed, chunks.join("|")).toBe(true);
    }
  });

  test("a binary client's messages stay binary", async () => {
    const { client } = await startBench();
    const bob = client();
    bob.connect();
    expect(bob.socket.isText).toBe(false);
  });
});

describe("answers", () => {
  test("each goes to its request, also when they come in another order and the ids repeat", async () => {
    const { bench, socket } = await connected();
    const taken: (() => void)[] = [];
    bench.sending.send = (requests, sink) => {
      for (const [n, request] of requests.entries())
        taken.push(() => sink.answered(request, { reason: 1, id: { high: 0, low: n }, seq: n + 1, repeated: false }));
    };
    write(socket, send("a") + send("b") + send("a"));
    for (const answer of taken.reverse()) answer();
    expect(answers(bench, socket).map((text) => JSON.parse(text))).toMatchObject([
      { id: "a", result: { messageSeq: 3 } },
      { id: "b", result: { messageSeq: 2 } },
      { id: "a", result: { messageSeq: 1 } },
    ]);
  });

  test("messages of the same number keep it, and those without get 32 hex digits of the world's", async () => {
    const { bench, socket } = await connected();
    write(socket, send("1", ',"clientMsgNo":"mine"') + send("2") + send("3"));
    const numbers = bench.sending.batches[0]?.map((request) => request.clientMsgNo) ?? [];
    expect(numbers).toEqual(["mine", expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^[0-9a-f]{32}$/)]);
    expect(new Set(numbers).size).toBe(3);
  });

  test("answers that come after the connection is gone go nowhere", async () => {
    const { bench, socket } = await connected();
    write(socket, send("1"));
    socket.hangUp();
    bench.sending.answer(1);
    expect(answers(bench, socket)).toEqual([]);
    expect(bench.failures).toEqual([]);
  });
});

describe("RECV", () => {
  test("is made once for all who see the message alike", () => {
    const wire = new JsonWire(1000, { bytes: () => new Uint8Array(16), uint32: () => 0 });
    const source = recvSource(storedMessage({ fromUid: "alice" }));
    const [bob, carol, own] = ["bob", "carol", "alice"].map((uid) => wire.recv(source, { uid }));
    expect(bob).toBe(carol);
    expect(own).not.toBe(bob);
    expect(new TextDecoder().decode(bob)).toContain('"header":{"redDot":true}');
    expect(new TextDecoder().decode(own)).not.toContain('"header"');
  });

  test("a recvack is told by the session", async () => {
    const { bench, socket } = await connected();
    write(socket, '{"method":"recvack","params":{"messageId":"2000000000001","messageSeq":3}}');
    expect(bench.acks.acked).toEqual([`1 465/${2_000_000_000_001 % 2 ** 32} 3`]);
  });
});

describe("a message seq beyond 32 bits", () => {
  const seq = 2 ** 32 + 5;
  const recvOf = (frames: readonly Frame[]): Frame | undefined =>
    frames.find((frame) => frame.type === PacketType.recv);

  test("is whole for version 6 and JSON, and left to sync for versions up to 5", async () => {
    const { bench, socket } = await connected();
    const wide = bench.client();
    wide.connect({ uid: "v6", version: 6 });
    const narrow = bench.client();
    narrow.connect({ uid: "v5", version: 5 });
    bench.gateway.outbound.recv(storedMessage({ seq }), [1, 2, 3]);
    expect(answers(bench, socket)[0]).toContain(`"messageSeq":${seq}`);
    expect(recvOf(wide.frames())).toMatchObject({ messageSeq: seq });
    expect(narrow.frames()).toEqual([]);
    expect(narrow.socket.isClosed).toBe(false);
  });

  test("SENDACK tells it to version 6, with the message's number; version 5 gets reason 29", async () => {
    const bench = await startBench();
    for (const [version, expected] of [
      [6, { reason: 1, messageSeq: seq, clientMsgNo: "no-1" }],
      [5, { reason: 29, messageSeq: 0 }],
    ] as const) {
      const client = bench.client();
      client.connect({ version });
      client.write(client.sendFrame());
      bench.sending.answer(1, { reason: 1, id: { high: 7, low: 9 }, seq, repeated: false });
      expect(client.frames()).toMatchObject([{ type: PacketType.sendack, ...expected }]);
    }
  });
});

test("a plain SEND of an encrypted session is taken only when the option allows it", async () => {
  for (const allowNoEncrypt of [false, true]) {
    const { client, sending } = await startBench({ allowNoEncrypt });
    const alice = client();
    alice.connect();
    alice.write({ ...alice.sendFrame(), setting: 0x10, msgKey: "", payload: new TextEncoder().encode("plain") });
    alice.write({ ...alice.sendFrame(), msgKey: "", payload: new TextEncoder().encode("plain") });
    expect(sending.batches.flat().map(({ payload }) => new TextDecoder().decode(payload))).toEqual(
      allowNoEncrypt ? ["plain"] : [],
    );
  }
});

test("a client may not say JSON where it is off", async () => {
  const bench = await startBench({ disableJsonRpc: true });
  const socket = bench.open();
  write(socket, CONNECT);
  expect(answers(bench, socket)).toEqual([]);
  expect(socket.isText).toBe(false);
});
