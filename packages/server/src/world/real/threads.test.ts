import { describe, expect, test } from "vitest";
import type { Thread } from "../world.ts";
import { createThreads } from "./threads.ts";

interface Started {
  readonly thread: Thread;
  readonly messages: unknown[];
  readonly ended: Promise<unknown>;
  readonly message: (count: number) => Promise<void>;
}

/** `source` is the body of `runInThread(world, port, data)`. */
function start(source: string, data?: unknown): Started {
  const threads = createThreads();
  if (threads === undefined) throw new Error("this system has no such threads");
  const program = new URL(
    `data:text/javascript,${encodeURIComponent(`export function runInThread(world, port, data) { ${source} }`)}`,
  );
  const messages: unknown[] = [];
  let heard: () => void = () => undefined;
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const thread = threads.start(program, data, {
    message(message) {
      messages.push(message);
      heard();
    },
    ended: resolve,
  });
  return {
    thread,
    messages,
    ended,
    message: (count) =>
      new Promise((done) => {
        heard = () => {
          if (messages.length >= count) done();
        };
        heard();
      }),
  };
}

describe.skipIf(createThreads() === undefined)("a thread", () => {
  test("runs its program with its data, hears what was posted before it was ready, in order, and answers", async () => {
    const { thread, messages, message, ended } = start("port.bind((m) => port.post({ m, data }));", { name: "x" });
    for (let number = 0; number < 5; number++) thread.post(number);
    await message(5);
    expect(messages).toEqual([0, 1, 2, 3, 4].map((m) => ({ m, data: { name: "x" } })));
    thread.end();
    expect(await ended).toBeUndefined();
  });

  test("gets buffers without a copy, and gives them away", async () => {
    const { thread, messages, message } = start("port.bind((buffer) => port.post(buffer, [buffer]));");
    const buffer = Uint8Array.of(1, 2, 3).buffer;
    thread.post(buffer, [buffer]);
    expect(buffer.byteLength).toBe(0);
    await message(1);
    expect(new Uint8Array(messages[0] as ArrayBuffer)).toEqual(Uint8Array.of(1, 2, 3));
    thread.end();
  });

  test("that throws has ended with that error", async () => {
    const atOnce = start("throw new Error('at once');");
    const later = start("world.timers.after(1, () => { throw new Error('later'); }); port.bind(() => undefined);");
    expect(String(await atOnce.ended)).toContain("at once");
    expect(String(await later.ended)).toContain("later");
  });

  test("that ends itself, or runs for ever until it is told to end, has ended once", async () => {
    expect(String(await start("process.exit(3);").ended)).toContain("ended by itself with 3");
    const busy = start("port.post('busy'); for (;;);");
    await busy.message(1);
    busy.thread.end();
    expect(await busy.ended).toBeUndefined();
  });

  test("listens together with others, and each of many connections comes to one of them", async () => {
    const listening = `
      const at = { transport: "tcp", host: "127.0.0.1", port: data, sharesPort: true, messageBytesMax: 1000, handshakeTimeoutMs: 1000 };
      world.network.listen(at, (socket) => { socket.bind({ bytes() {}, drained() {}, closed() {} }); socket.close("now"); port.post("came"); })
        .then(({ port: taken }) => port.post(taken));
      port.bind(() => undefined);`;
    const first = start(listening, 0);
    await first.message(1);
    const [port] = first.messages as number[];
    const second = start(listening, port);
    await second.message(1);
    const { connect } = await import("node:net");
    for (let number = 0; number < 60; number++) {
      await new Promise<void>((resolve) => {
        const socket = connect(port!, "127.0.0.1");
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
      });
    }
    const came = () => [first, second].map(({ messages }) => messages.filter((message) => message === "came").length);
    // The threads tell of it a little later than the sockets close.
    await expect.poll(() => came().reduce((sum, count) => sum + count, 0), { timeout: 30_000 }).toBe(60);
    expect(Math.min(...came())).toBeGreaterThan(5);
    for (const { thread } of [first, second]) thread.end();
  });
});
