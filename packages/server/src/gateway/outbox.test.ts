import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Recv } from "@wukong-ts/protocol";
import { createSealer, RecvCut } from "@wukong-ts/sealing";
import { describe, expect, test } from "vitest";
import { EndOfTurn } from "./end-of-turn.ts";
import { Outbox } from "./outbox.ts";
import { OutboxFlush } from "./outbox-flush.ts";
import { HandSocket, HandTime } from "./test-kit.ts";

function bench(
  options: { readonly bytesMax?: number; readonly framesMax?: number; readonly transport?: "tcp" | "websocket" } = {},
) {
  const time = new HandTime();
  const socket = new HandSocket(time, "10.0.0.1", options.transport ?? "tcp");
  const overflows: number[] = [];
  const turns = new EndOfTurn(time, (error) => {
    throw error;
  });
  const failures: unknown[] = [];
  const sealer = createSealer();
  const limits = { outboundBytesMax: options.bytesMax ?? 1 << 22, outboundFramesMax: options.framesMax ?? 1000 };
  const outbox = new Outbox(socket, new OutboxFlush(turns, sealer), limits, {
    outboxOverflowed: () => void overflows.push(1),
    outboxFailed: (error) => void failures.push(error),
  });
  outbox.slot = sealer.addSession(new Uint8Array(16), new Uint8Array(16));
  socket.bind({ bytes: () => undefined, drained: () => outbox.drained(), closed: () => undefined });
  return { time, socket, outbox, overflows, failures, sealer };
}

const frame = (byte: number, length = 3): Uint8Array => Buffer.alloc(length, byte);
const joined = (...frames: readonly Uint8Array[]): Buffer => Buffer.concat(frames);

/** Nobody but the outbox holds it. */
function addNew(outbox: Outbox): Uint8Array {
  const bytes = new Uint8Array(100);
  outbox.add(bytes);
  return bytes;
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

const RECV: Recv = {
  type: 5,
  flags: 0,
  setting: 0,
  msgKey: "",
  fromUid: "a",
  channelId: "b",
  channelType: 1,
  expire: 0,
  clientMsgNo: "n",
  messageId: { high: 1, low: 1 },
  messageSeq: 1,
  timestamp: 1,
  topic: "",
  payload: Buffer.from("hello"),
};

describe("an outbox", () => {
  test("writes all frames of a turn in one write at its end, each a buffer of its own", () => {
    const { time, socket, outbox } = bench({ transport: "websocket" });
    for (const byte of [1, 2, 3]) outbox.add(frame(byte));
    expect(socket.writes).toEqual([]);
    time.turn();
    expect(socket.writes).toEqual([[frame(1), frame(2), frame(3)]]);
    outbox.add(frame(4));
    time.settle();
    expect(socket.writes).toHaveLength(2);
  });

  test("all outboxes of a turn share one callback", () => {
    const time = new HandTime();
    let callbacks = 0;
    const timers = {
      soon(run: () => void): void {
        callbacks++;
        time.soon(run);
      },
    };
    const turns = new EndOfTurn(timers, () => undefined);
    const sealer = createSealer();
    const flush = new OutboxFlush(turns, sealer);
    const outboxes = [1, 2, 3].map(
      () =>
        new Outbox(
          new HandSocket(time, "", "tcp"),
          flush,
          { outboundBytesMax: 1000, outboundFramesMax: 1000 },
          { outboxOverflowed: () => undefined, outboxFailed: () => undefined },
        ),
    );
    for (const outbox of outboxes) outbox.add(frame(1));
    time.settle();
    expect(callbacks).toBe(1);
  });

  test("gives clients that read one frame at a time one frame per write and turn", () => {
    const { time, socket, outbox } = bench();
    outbox.oneFramePerWrite = true;
    for (const byte of [1, 2, 3]) outbox.add(frame(byte));
    time.turn();
    expect(socket.writes).toEqual([[frame(1)]]);
    time.turn();
    outbox.add(frame(4));
    time.settle();
    expect(socket.writes).toEqual([[frame(1)], [frame(2)], [frame(3)], [frame(4)]]);
  });

  test("lets go of what it has written to a client that never catches up", async () => {
    const { time, socket, outbox } = bench();
    outbox.oneFramePerWrite = true;
    const first = new WeakRef(addNew(outbox));
    for (let turn = 0; turn < 2_000; turn++) {
      addNew(outbox);
      time.turn();
      socket.writes.length = 0;
    }
    expect(outbox.pendingBytes).toBeGreaterThan(0);
    // A WeakRef holds until the end of the job that made it.
    await new Promise(setImmediate);
    collectGarbage();
    expect(first.deref() === undefined).toBe(true);
  });

  test("keeps frames to itself while the socket is full, and goes on when it has drained", () => {
    const { time, socket, outbox } = bench();
    socket.isStuck = true;
    outbox.add(frame(1, 100_000));
    time.settle();
    outbox.add(frame(2));
    outbox.add(frame(3));
    time.settle();
    expect(socket.writes).toHaveLength(1);
    socket.drain();
    time.settle();
    expect(socket.writes.slice(1)).toEqual([[joined(frame(2), frame(3))]]);
  });

  test("overflows once what waits here and in the socket exceeds its bytes, and takes nothing after", () => {
    const { time, socket, outbox, overflows } = bench({ bytesMax: 200_000 });
    socket.isStuck = true;
    outbox.add(frame(1, 150_000));
    time.settle();
    outbox.add(frame(2, 40_000));
    expect(overflows).toHaveLength(0);
    outbox.add(frame(3, 40_000));
    expect(overflows).toHaveLength(1);
    outbox.add(frame(4, 200_000));
    time.settle();
    expect(overflows).toHaveLength(1);
    expect(socket.writes).toHaveLength(1);
  });

  test("counts what a frame costs, so that a million one-byte frames overflow it", () => {
    const { socket, time, outbox, overflows } = bench({ bytesMax: 1 << 20 });
    socket.isStuck = true;
    outbox.add(frame(0, 70_000));
    time.settle();
    let added = 0;
    while (overflows.length === 0 && added < 1_000_000) {
      outbox.add(frame(1, 1));
      added++;
    }
    expect(added).toBeLessThan(20_000);
  });

  test("overflows once more frames wait than allowed, and not while the socket takes them", () => {
    const { time, socket, outbox, overflows } = bench({ framesMax: 10 });
    for (let index = 0; index < 100; index++) outbox.add(frame(1));
    time.settle();
    expect(overflows).toHaveLength(0);
    expect(joined(...socket.writes.flat())).toHaveLength(300);
    socket.isStuck = true;
    outbox.add(frame(1, 100_000));
    time.settle();
    for (let index = 0; index < 11; index++) outbox.add(frame(1));
    expect(overflows).toHaveLength(1);
  });

  test("a burst larger than the bound is no overflow while the socket takes it", () => {
    const { time, socket, outbox, overflows } = bench({ bytesMax: 1 << 20 });
    for (let index = 0; index < 100; index++) outbox.add(frame(index, 100_000));
    time.settle();
    expect(overflows).toHaveLength(0);
    expect(joined(...socket.writes.flat())).toHaveLength(10_000_000);
  });

  test("writes everything before it shuts, one frame per write where that is the rule", () => {
    for (const oneFramePerWrite of [false, true]) {
      const { time, socket, outbox } = bench();
      outbox.oneFramePerWrite = oneFramePerWrite;
      for (const byte of [1, 2, 3]) outbox.add(frame(byte));
      time.turn();
      outbox.add(frame(4));
      outbox.writeAllAndShut();
      outbox.add(frame(5));
      time.settle();
      expect(joined(...socket.writes.flat())).toEqual(joined(frame(1), frame(2), frame(3), frame(4)));
      if (oneFramePerWrite) expect(socket.writes.every((buffers) => buffers.length === 1)).toBe(true);
    }
  });

  test("seals a RECV only when it is written, and frees the key only after that", () => {
    const { time, socket, outbox, sealer } = bench();
    const cut = new RecvCut(RECV, { version: 5 });
    socket.isStuck = true;
    outbox.add(frame(1, 100_000));
    time.settle();
    outbox.add(cut);
    outbox.add(frame(2));
    time.settle();
    expect(socket.writes).toHaveLength(1);
    expect(outbox.pendingBytes).toBeGreaterThan(100_000 + cut.frameBytes);
    socket.drain();
    time.settle();
    const expected = Buffer.alloc(cut.frameBytes);
    sealer.seal([cut], [outbox.slot], expected);
    expect(socket.writes[1]).toEqual([joined(expected, frame(2))]);
  });

  test("a socket that still holds bytes is not given a share of the bytes of others", () => {
    const { time, socket, outbox } = bench();
    socket.isStuck = true;
    outbox.add(frame(1, 100));
    time.settle();
    outbox.add(frame(2, 100));
    time.settle();
    const [[first], [second]] = socket.writes as [[Buffer], [Buffer]];
    expect(second.buffer).not.toBe(first.buffer);
  });

  test("what cannot be sealed ends its connection", () => {
    const { time, socket, outbox, sealer, failures } = bench();
    sealer.release(outbox.slot);
    outbox.add(new RecvCut(RECV, { version: 5 }));
    time.settle();
    expect(failures).toHaveLength(1);
    expect(socket.writes).toEqual([]);
  });
});
