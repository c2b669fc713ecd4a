import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HandTime } from "../test-kit.ts";
import { BatchPort } from "./batch-port.ts";
import { PackWriter } from "./pack.ts";

interface End {
  readonly port: BatchPort;
  /** One row. */
  readonly say: (text: string) => void;
  readonly heard: string[];
  /** On its way to the other end. */
  readonly sent: unknown[];
  drained: number;
}

const BYTES_MAX = 1_000;

function endOf(time: HandTime): End {
  const pack = new PackWriter();
  const end: End = {
    port: new BatchPort({
      timers: time,
      // As between threads: what was transferred is empty here from now on.
      post: (message, buffers = []) => end.sent.push(structuredClone(message, { transfer: [...buffers] })),
      pack,
      bytesMax: BYTES_MAX,
      rows(rows) {
        while (!rows.isAtEnd) end.heard.push(rows.text());
      },
      message: (message) => end.heard.push(`object ${(message as { readonly text: string }).text}`),
      drained: () => end.drained++,
    }),
    say(text) {
      end.port.mark();
      pack.text(text);
    },
    heard: [],
    sent: [],
    drained: 0,
  };
  return end;
}

/** What is on its way arrives. */
function deliver(from: End, to: End): void {
  for (const message of from.sent.splice(0)) to.port.received(message);
}

describe("a port", () => {
  test("sends the rows of a turn as one message at its end", () => {
    const time = new HandTime();
    const [a, b] = [endOf(time), endOf(time)];
    for (let row = 0; row < 100; row++) a.say(`${row}`);
    expect(a.sent).toHaveLength(0);
    time.turn();
    expect(a.sent).toHaveLength(1);
    deliver(a, b);
    expect(b.heard).toEqual(Array.from({ length: 100 }, (_, row) => `${row}`));
    time.settle();
    expect(a.sent).toHaveLength(0);
  });

  test("keeps the order of rows and objects, whenever the turn ends and whenever they arrive", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("row" as const), text: fc.string() }),
      fc.record({ kind: fc.constant("object" as const), text: fc.string() }),
      fc.record({ kind: fc.constantFrom("turn" as const, "deliver" as const, "back" as const), text: fc.constant("") }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const time = new HandTime();
        const [a, b] = [endOf(time), endOf(time)];
        const said: string[] = [];
        for (const { kind, text } of steps) {
          if (kind === "row") a.say(text);
          else if (kind === "object") a.port.post({ text });
          if (kind === "row") said.push(text);
          else if (kind === "object") said.push(`object ${text}`);
          if (kind === "turn") time.turn();
          if (kind === "deliver") deliver(a, b);
          if (kind === "back") {
            b.say("something");
            time.turn();
            deliver(b, a);
          }
        }
        time.settle();
        deliver(a, b);
        expect(b.heard).toEqual(said);
      }),
    );
  });

  test("is full when the other end does not take, and says when there is room again", () => {
    const time = new HandTime();
    const [a, b] = [endOf(time), endOf(time)];
    a.say("x".repeat(500));
    expect(a.port.isFull).toBe(false);
    a.say("x".repeat(600));
    expect(a.port.isFull, "what waits for the end of the turn counts").toBe(true);
    time.settle();
    expect(a.port.isFull).toBe(true);
    a.say("what comes nevertheless is not lost");
    time.settle();
    deliver(a, b);
    expect(b.heard).toHaveLength(3);
    // The other end has nothing to say, but it has taken much.
    time.settle();
    expect(b.sent).toHaveLength(1);
    deliver(b, a);
    expect(a.port.isFull).toBe(false);
    expect(a.drained).toBe(1);
  });

  test("does not answer each message that only says what was taken", () => {
    const time = new HandTime();
    const [a, b] = [endOf(time), endOf(time)];
    a.say("x".repeat(300));
    let messages = 0;
    for (let round = 0; round < 20; round++) {
      time.settle();
      messages += a.sent.length + b.sent.length;
      deliver(a, b);
      deliver(b, a);
    }
    expect(messages).toBe(2);
  });

  test("that is closed sends and hears nothing, and keeps nothing", () => {
    const time = new HandTime();
    const [a, b] = [endOf(time), endOf(time)];
    b.say("too late");
    time.settle();
    a.say("lost");
    a.port.close();
    a.say("x".repeat(100_000));
    time.settle();
    a.port.post({ text: "lost" });
    deliver(b, a);
    expect(a.sent).toEqual([]);
    expect(a.heard).toEqual([]);
    expect(a.port.pendingBytes).toBeLessThan(100);
  });
});
