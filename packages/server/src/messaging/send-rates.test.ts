/** How fast users and channels may send, and that a refusal leaves nothing behind. */
import { Reason } from "@wukong-ts/protocol";
import { expect, test } from "vitest";
import type { SendRequest, SendResult } from "./send.ts";
import { Messaging, requestOf } from "./test-kit.ts";

const BEN = { type: 1, id: "ben" } as const;
const CHAT = { type: 1, id: "ann@ben" } as const;
const GROUP = { type: 2, id: "team" } as const;
const RATE = { perSecond: 10, burst: 3 };

function reasons(results: readonly SendResult[]): number[] {
  return results.map(({ reason }) => reason);
}

function requests(count: number, more: Partial<SendRequest> = {}): readonly SendRequest[] {
  return Array.from({ length: count }, (_, index) => requestOf("ann", BEN, { clientMsgNo: `n${index}`, ...more }));
}

test("of a batch that is too much the first ones pass, and the rest is told when to come again", async () => {
  const messaging = await Messaging.open({ uidRate: RATE });
  const results = await messaging.sendAll(requests(5));
  expect(reasons(results)).toEqual([1, 1, 1, Reason.rateLimit, Reason.rateLimit]);
  expect(results[4]).toMatchObject({ seq: 0, repeated: false, retryAfterMs: 100 });
  expect(messaging.sender.stats().client[Reason.rateLimit]).toBe(2);
});

test("a refused one leaves no row and no receipt, so that it is stored once when it comes again", async () => {
  const messaging = await Messaging.open({ uidRate: RATE });
  await messaging.sendAll(requests(3));
  const before = await messaging.keys();
  expect(reasons(await messaging.sendAll(requests(1, { clientMsgNo: "late" })))).toEqual([Reason.rateLimit]);
  expect(await messaging.keys()).toEqual(before);
  await messaging.simulation.run(100);
  const late = requests(1, { clientMsgNo: "late" });
  expect(await messaging.sendAll(late)).toMatchObject([{ reason: 1, seq: 4, repeated: false }]);
  await messaging.simulation.run(100);
  expect(await messaging.sendAll(late)).toMatchObject([{ reason: 1, seq: 4, repeated: true }]);
  expect(await messaging.stored(CHAT)).toHaveLength(4);
});

test("sessions of one user share his rate; other users and the back end do not take of it, system accounts have none", async () => {
  const messaging = await Messaging.open({ uidRate: RATE });
  await messaging.sendAll(requests(2, { session: 1 }));
  expect(reasons(await messaging.sendAll(requests(2, { session: 2, clientMsgNo: "" })))).toEqual([1, Reason.rateLimit]);
  expect(reasons(await messaging.sendAll(requests(3, { fromUid: "eve" })))).toEqual([1, 1, 1]);
  const systemUid = "system-account";
  expect(reasons(await messaging.sendAll(requests(9, { fromUid: systemUid })))).toEqual(Array(9).fill(1));
  const fromServer = requests(9, { origin: "server", session: 0, clientMsgNo: "" });
  expect(reasons(await messaging.sendAll(fromServer))).toEqual(Array(9).fill(1));
});

test("a session whose channel is being loaded pays once for what waits behind it", async () => {
  const first = await Messaging.open({ uidRate: RATE });
  await first.done(first.admin.addMembers(GROUP, ["ann"], { reset: false }));
  const messaging = await first.restarted();
  const results: number[] = [];
  const sink = { answered: (_: SendRequest, { reason }: SendResult) => void results.push(reason) };
  for (let index = 0; index < 3; index++) messaging.sender.send([requestOf("ann", GROUP)], sink);
  await messaging.simulation.until(() => results.length === 3);
  expect(results).toEqual([1, 1, 1]);
});

test("a channel's rate counts what would pass, whoever sends it, and no refusals and repetitions", async () => {
  const messaging = await Messaging.open({ channelRate: RATE });
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  const send = (from: string, more: Partial<SendRequest> = {}) => messaging.send(from, GROUP, more);
  for (let index = 0; index < 20; index++) expect((await send("outsider")).reason).toBe(Reason.subscriberNotExist);
  // Virtual time stands still but for what the disk takes: one more may have come back.
  expect((await send("ann", { clientMsgNo: "n1" })).reason).toBe(1);
  for (let index = 0; index < 20; index++)
    expect(await send("ann", { clientMsgNo: "n1" })).toMatchObject({ reason: 1, repeated: true });
  const all = await messaging.sendAll(
    Array.from({ length: 10 }, (_, index) => requestOf(index % 2 === 0 ? "ann" : "ben", GROUP, { session: 0 })),
  );
  const passed = reasons(all).filter((reason) => reason === 1).length;
  expect(passed).toBeGreaterThanOrEqual(2);
  expect(passed).toBeLessThanOrEqual(3);
  expect(all[9]).toMatchObject({ reason: Reason.rateLimit, seq: 0 });
  expect(all[9]?.retryAfterMs).toBeGreaterThan(0);
  expect(await messaging.send("ann", BEN)).toMatchObject({ reason: 1 });
  const refused = await messaging.send("ben", GROUP, { origin: "server", session: 0 });
  expect(refused.reason, "the back end too").toBe(Reason.rateLimit);
  expect(await messaging.stored(GROUP)).toHaveLength(1 + passed);
});

test("without limits nothing is refused", async () => {
  const messaging = await Messaging.open();
  expect(new Set(reasons(await messaging.sendAll(requests(500))))).toEqual(new Set([1]));
});
