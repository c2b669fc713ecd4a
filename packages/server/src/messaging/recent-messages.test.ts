/** The newest messages from memory are those on the disk, whatever came in between and whatever was asked before. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChannelKey } from "./message.ts";
import { RecentMessages } from "./recent-messages.ts";
import { Messaging } from "./test-kit.ts";

const CHAT = { type: 1, id: "ben" };

async function opened(
  bytesMax = 1 << 20,
): Promise<{ messaging: Messaging; recents: RecentMessages; channel: ChannelKey }> {
  const messaging = await Messaging.open();
  await messaging.send("ann", CHAT);
  const channel = messaging.announced[0]!.channel;
  const recents = new RecentMessages(messaging.store, messaging.history, { countMax: 10, bytesMax });
  return { messaging, recents, channel };
}

test("every answer is what the log holds", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 120 })), {
        maxLength: 25,
      }),
      async (steps) => {
        const { messaging, recents, channel } = await opened();
        for (const [sends, firstSeq, count] of steps) {
          for (let n = 0; n < sends; n++) await messaging.send("ann", CHAT);
          const head = messaging.channels.durableHead(channel, "chat");
          const found = await messaging.done(Promise.resolve(recents.newest(channel, head, firstSeq, count)));
          const from = Math.max(firstSeq, head.seq - count + 1);
          const expected = Array.from({ length: Math.max(0, head.seq - from + 1) }, (_, index) => head.seq - index);
          expect(found.map((message) => message.seq)).toEqual(expected);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("the same question has the same array for an answer, at once, until something new comes", async () => {
  const { messaging, recents, channel } = await opened();
  for (let n = 0; n < 5; n++) await messaging.send("ann", CHAT);
  const ask = () => recents.newest(channel, messaging.channels.durableHead(channel, "chat"), 1, 3);
  const first = await messaging.done(Promise.resolve(ask()));
  expect(ask()).toBe(first);
  await messaging.send("ann", CHAT);
  const next = await messaging.done(Promise.resolve(ask()));
  expect(next.map((message) => message.seq)).toEqual([7, 6, 5]);
  expect(ask()).toBe(next);
});

test("a question for few leaves what others asked for", async () => {
  const { messaging, recents, channel } = await opened();
  for (let n = 0; n < 9; n++) await messaging.send("ann", CHAT);
  const ask = (count: number) => recents.newest(channel, messaging.channels.durableHead(channel, "chat"), 1, count);
  await messaging.done(Promise.resolve(ask(8)));
  await messaging.send("ann", CHAT);
  const few = await messaging.done(Promise.resolve(ask(2)));
  expect(few.map((message) => message.seq)).toEqual([11, 10]);
  // At once: nothing has to be read.
  expect(ask(8)).toHaveLength(8);
});

test("expired messages are not kept: what is shown is asked of the log each time", async () => {
  const { messaging, recents, channel } = await opened();
  await messaging.send("ann", CHAT, { expireSeconds: 5 });
  const ask = () => {
    const head = messaging.channels.durableHead(channel, "chat");
    return messaging.done(Promise.resolve(recents.newest(channel, head, 1, 2)));
  };
  expect((await ask()).map((message) => message.seq)).toEqual([2, 1]);
  await messaging.simulation.run(10_000);
  expect((await ask()).map((message) => message.seq)).toEqual([1]);
});

test("memory is bounded: what does not fit is read again", async () => {
  const { messaging, recents, channel } = await opened(500);
  const ask = () => recents.newest(channel, messaging.channels.durableHead(channel, "chat"), 1, 1);
  const first = await messaging.done(Promise.resolve(ask()));
  const second = await messaging.done(Promise.resolve(ask()));
  expect(second).not.toBe(first);
  expect(second).toEqual(first);
});

test("where the disk brings fewer than were asked for, what is kept is not put behind the gap", async () => {
  const { messaging, recents, channel } = await opened();
  for (let n = 1; n < 4; n++) await messaging.send("ann", CHAT);
  const ask = () => recents.newest(channel, messaging.channels.durableHead(channel, "chat"), 1, 90);
  expect((await messaging.done(Promise.resolve(ask()))).map((message) => message.seq)).toEqual([4, 3, 2, 1]);
  const payload = Buffer.alloc(1 << 20);
  for (let n = 0; n < 60; n++) await messaging.send("ann", CHAT, { payload });
  const seqs = (await messaging.done(Promise.resolve(ask()))).map((message) => message.seq);
  expect(seqs).toEqual(seqs.map((_, index) => 64 - index));
  expect(seqs.length).toBeLessThan(64);
});
