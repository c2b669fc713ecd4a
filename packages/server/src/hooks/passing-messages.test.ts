import { describe, expect, test } from "vitest";
import { HandTime, storedMessage } from "../gateway/test-kit.ts";
import type { StoredMessage } from "../messaging/message.ts";
import { PassingMessages } from "./passing-messages.ts";

interface Bench {
  readonly time: HandTime;
  readonly passing: PassingMessages;
  readonly told: string[];
  readonly failures: unknown[];
  readonly full: { readonly times: number };
  /** Lets what waits for the receiver go, or fail. */
  readonly waiting: { readonly message: StoredMessage; resolve(): void; reject(error: unknown): void }[];
  push(...numbers: readonly string[]): void;
  /** Everything that can be told now. */
  tellAll(): Promise<void>;
}

function bench(options: { readonly messagesMax: number; readonly bytesMax: number }): Bench {
  const time = new HandTime();
  const told: string[] = [];
  const failures: unknown[] = [];
  const full = { times: 0 };
  const waiting: Bench["waiting"] = [];
  const passing = new PassingMessages({
    clock: time,
    tell: (message) =>
      new Promise((resolve, reject) => {
        waiting.push({
          message,
          resolve: () => {
            told.push(message.clientMsgNo);
            resolve();
          },
          reject,
        });
      }),
    failed: (error) => failures.push(error),
    full: () => full.times++,
    options,
  });
  return {
    time,
    passing,
    told,
    failures,
    full,
    waiting,
    push: (...numbers) => passing.push(numbers.map((clientMsgNo) => storedMessage({ clientMsgNo, seq: 0 }))),
    async tellAll() {
      while (waiting.length > 0) {
        for (const each of waiting.splice(0)) each.resolve();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

const ROOMY = { messagesMax: 1_000, bytesMax: 1 << 20 };

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `no-${index}`);
}

describe("messages that are not kept", () => {
  test("are told of in the order they came, a few side by side", async () => {
    const b = bench(ROOMY);
    b.push(...numbers(50));
    expect(b.waiting.length).toBe(16);
    await b.tellAll();
    expect(b.told).toEqual(numbers(50));
    expect(b.passing.dropped).toBe(0);
  });

  test("that find no room are dropped: by number", async () => {
    const b = bench({ ...ROOMY, messagesMax: 10 });
    b.push(...numbers(40));
    expect([b.passing.dropped, b.full.times]).toEqual([40 - 16 - 10, 1]);
    await b.tellAll();
    expect(b.told).toEqual(numbers(26));
    b.push("later");
    await b.tellAll();
    expect(b.told.at(-1)).toBe("later");
    b.push(...numbers(40));
    expect(b.full.times).toBe(2);
  });

  test("that find no room are dropped: by bytes, their receivers included", async () => {
    const b = bench({ ...ROOMY, bytesMax: 65_536 });
    b.push(...numbers(16));
    const receivers = Array.from({ length: 500 }, (_, index) => `u${index}`);
    b.passing.push(numbers(10).map((clientMsgNo) => storedMessage({ clientMsgNo, receivers })));
    expect(b.passing.dropped).toBe(8);
    await b.tellAll();
    expect(b.told.length).toBe(18);
    b.push(...numbers(50));
    await b.tellAll();
    expect([b.told.length, b.passing.dropped]).toEqual([68, 8]);
  });

  test("that have waited for a minute are told of to nobody", async () => {
    const b = bench(ROOMY);
    b.push(...numbers(20));
    b.time.pass(60_001);
    b.push("new");
    await b.tellAll();
    expect(b.told).toEqual([...numbers(16), "new"]);
    expect(b.passing.dropped).toBe(4);
  });

  test("that cannot be told of do not hold up the others", async () => {
    const b = bench(ROOMY);
    b.push("bad", "good");
    b.waiting.shift()!.reject(new Error("bad"));
    await b.tellAll();
    expect([b.told, b.failures, b.passing.dropped]).toEqual([["good"], [new Error("bad")], 1]);
  });
});
