import { personChannelId } from "@wukong-ts/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MessageId, StoredMessage } from "./message.ts";
import { type BrowsedMessages, MessageBrowser } from "./message-browser.ts";
import { Messaging, requestOf } from "./test-kit.ts";

const ALL = (): boolean => true;

async function opened(): Promise<{ messaging: Messaging; browser: MessageBrowser }> {
  const messaging = await Messaging.open();
  return { messaging, browser: browserOf(messaging) };
}

function browserOf(messaging: Messaging): MessageBrowser {
  const { store, history, simulation } = messaging;
  return new MessageBrowser({ store, history, clock: simulation.world.clock });
}

/** In channels over many shards, one batch of several messages each; their texts in the order of their ids. */
async function filled(messaging: Messaging, batchSizes: readonly number[]): Promise<string[]> {
  const texts: string[] = [];
  for (const [batch, size] of batchSizes.entries()) {
    const requests = Array.from({ length: size }, (_, index) =>
      requestOf(
        `u${batch}`,
        { type: 1, id: `peer${(batch * 7 + (index % 2)) % 5}` },
        { payload: textOf(batch, index) },
      ),
    );
    for (const { id } of await messaging.sendAll(requests)) expect(id.high).toBeGreaterThan(0);
  }
  const { messages } = await messaging.done(
    browserOf(messaging).all({ direction: "older", from: undefined, limit: 100_000, matches: ALL }),
  );
  // Newest first, so ids fall.
  const ids = messages.map(({ id }) => (BigInt(id.high) << 32n) | BigInt(id.low));
  expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? 1 : -1)));
  texts.push(...messages.map(({ payload }) => Buffer.from(payload).toString()));
  return texts;
}

function textOf(batch: number, index: number): Buffer {
  return Buffer.from(`${batch}.${index}`);
}

const shown = (messages: readonly StoredMessage[]): string[] =>
  messages.map(({ payload }) => Buffer.from(payload).toString());

describe("all messages", () => {
  test("come newest first, page by page, none twice and none left out, also the other way", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (sizes, limit) => {
          const { messaging, browser } = await opened();
          const texts = await filled(messaging, sizes);
          expect(texts).toHaveLength(sizes.reduce((sum, size) => sum + size, 0));
          const older: string[] = [];
          let from: MessageId | undefined;
          let last: MessageId | undefined;
          do {
            const page: BrowsedMessages = await messaging.done(
              browser.all({ direction: "older", from, limit, matches: ALL }),
            );
            older.push(...shown(page.messages));
            from = page.goesOnFrom?.id;
            last = page.messages.at(-1)?.id ?? last;
          } while (from !== undefined);
          expect(older).toEqual(texts);

          const newer: string[] = [texts.at(-1)!];
          for (from = last; from !== undefined; ) {
            const page: BrowsedMessages = await messaging.done(
              browser.all({ direction: "newer", from, limit, matches: ALL }),
            );
            newer.unshift(...shown(page.messages));
            from = page.goesOnFrom?.id;
          }
          expect(newer).toEqual(texts);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("messages that come while somebody pages shift nothing", async () => {
    const { messaging, browser } = await opened();
    const texts = await filled(messaging, [3, 3, 3]);
    const first = await messaging.done(browser.all({ direction: "older", from: undefined, limit: 4, matches: ALL }));
    await messaging.send("late", { type: 1, id: "peer" });
    const second = await messaging.done(
      browser.all({ direction: "older", from: first.goesOnFrom?.id, limit: 100, matches: ALL }),
    );
    expect([...shown(first.messages), ...shown(second.messages)]).toEqual(texts);
  });

  test("only those that match count, and expired ones are not shown", async () => {
    const { messaging, browser } = await opened();
    await messaging.send("a", { type: 1, id: "b" }, { payload: Buffer.from("short"), expireSeconds: 5 });
    await messaging.send("a", { type: 1, id: "b" }, { payload: Buffer.from("one") });
    await messaging.send("c", { type: 1, id: "b" }, { payload: Buffer.from("two") });
    await messaging.send("a", { type: 1, id: "c" }, { payload: Buffer.from("three") });
    const page = (limit: number): Promise<BrowsedMessages> =>
      messaging.done(
        browser.all({ direction: "older", from: undefined, limit, matches: ({ fromUid }) => fromUid === "a" }),
      );
    expect(shown((await page(10)).messages)).toEqual(["three", "one", "short"]);
    expect(await page(1)).toMatchObject({ goesOnFrom: { seq: 1 } });
    await messaging.done(new Promise<void>((resolve) => messaging.simulation.world.timers.after(6_000, resolve)));
    expect(shown((await page(10)).messages)).toEqual(["three", "one"]);
  });

  test("a filter that nothing fits ends after a bounded piece, and goes on from there", async () => {
    const { messaging, browser } = await opened();
    const requests = Array.from({ length: 10_100 }, () => requestOf("a", { type: 1, id: "b" }));
    for (let at = 0; at < requests.length; at += 1000) await messaging.sendAll(requests.slice(at, at + 1000));
    const none = { direction: "older", limit: 10, matches: () => false } as const;
    const first = await messaging.done(browser.all({ ...none, from: undefined }));
    expect(first.messages).toEqual([]);
    expect(first.goesOnFrom?.seq).toBeLessThan(200);
    const second = await messaging.done(browser.all({ ...none, from: first.goesOnFrom?.id }));
    expect(second).toEqual({ messages: [], goesOnFrom: undefined });
  });

  test("an answer of large payloads ends early", async () => {
    const { messaging, browser } = await opened();
    const payload = Buffer.alloc(1 << 20);
    for (let count = 0; count < 20; count++) await messaging.send("a", { type: 1, id: "b" }, { payload });
    const page = await messaging.done(browser.all({ direction: "older", from: undefined, limit: 100, matches: ALL }));
    expect(page.messages).toHaveLength(16);
    expect(page.goesOnFrom?.seq).toBe(5);
  });
});

describe("one log", () => {
  const peer = { type: 1, id: "b" };
  const at = { channel: { type: 1, id: personChannelId("a", "b") }, log: "chat" } as const;

  test("from its newest message, or from a seq on in both directions", async () => {
    const { messaging, browser } = await opened();
    for (let seq = 1; seq <= 10; seq++) await messaging.send("a", peer, { payload: Buffer.from(String(seq)) });
    const page = async (fromSeq: number, direction: "older" | "newer", limit: number): Promise<[string[], unknown]> => {
      const browse = { direction, from: undefined, limit, matches: ALL } as const;
      const { messages, goesOnFrom } = await messaging.done(browser.log(at, fromSeq, browse));
      return [shown(messages), goesOnFrom?.seq];
    };
    expect(await page(0, "older", 3)).toEqual([["10", "9", "8"], 8]);
    expect(await page(8, "older", 3)).toEqual([["7", "6", "5"], 5]);
    expect(await page(3, "older", 3)).toEqual([["2", "1"], undefined]);
    expect(await page(1, "older", 3)).toEqual([[], undefined]);
    expect(await page(99, "older", 1)).toEqual([["10"], 10]);
    expect(await page(5, "newer", 3)).toEqual([["8", "7", "6"], 8]);
    expect(await page(8, "newer", 3)).toEqual([["10", "9"], undefined]);
    expect(await page(99, "newer", 3)).toEqual([[], undefined]);
  });

  test("one that has no message is empty", async () => {
    const { messaging, browser } = await opened();
    const browse = { direction: "older", from: undefined, limit: 5, matches: ALL } as const;
    expect(await messaging.done(browser.log(at, 0, browse))).toEqual({ messages: [], goesOnFrom: undefined });
  });
});
