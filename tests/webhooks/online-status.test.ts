/** INV-11, INV-12, R-30, R-71: what user.onlinestatus tells ends up true, whatever comes between. */
import { expect, test } from "vitest";
import { inParallel } from "../harness/in-parallel.ts";
import { createRandom } from "../harness/random.ts";
import { ServerProcess, type Settings } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { WebhookReceiver } from "../harness/webhook-receiver.ts";
import type { WireClient } from "../harness/wire-client.ts";

interface Status {
  readonly uid: string;
  readonly flag: number;
  readonly isOnline: boolean;
  readonly connection: number;
  readonly device: number;
  readonly total: number;
}

/** Read from the right: a uid may contain `-`. */
function statusOf(text: string): Status {
  const parts = text.split("-");
  const [flag, online, connection, device, total] = parts.slice(-5).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { uid: parts.slice(0, -5).join("-"), flag, isOnline: online === 1, connection, device, total };
}
function told(receiver: WebhookReceiver): readonly Status[] {
  return receiver.taken
    .filter(({ event }) => event === "user.onlinestatus")
    .flatMap((delivery) => receiver.entriesOf(delivery).map((text) => statusOf(text as string)));
}
/** Connections per uid and flag, those that have some, as the last status of each says. */
function believed(receiver: WebhookReceiver): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { uid, flag, device } of told(receiver)) counts.set(`${uid} ${flag}`, device);
  return Object.fromEntries([...counts].filter(([, count]) => count > 0));
}
async function truth(server: ServerProcess, uids: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const online = await server.http.ask<readonly { uid: string; device_flag: number }[]>("/user/onlinestatus", uids);
  const counts: Record<string, number> = {};
  for (const { uid, device_flag } of online) {
    const key = `${uid} ${device_flag}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
async function becomesTrue(server: ServerProcess, receiver: WebhookReceiver, uids: readonly string[]): Promise<void> {
  const text = (counts: Readonly<Record<string, number>>): string => JSON.stringify(counts, Object.keys(counts).sort());
  await eventually(
    async () => text(believed(receiver)) === text(await truth(server, uids)),
    "what the receiver was told is true",
    20_000,
  );
}
function start(receiver: WebhookReceiver, settings: Settings = {}): Promise<ServerProcess> {
  return ServerProcess.start({
    settings: {
      "webhook.httpAddr": receiver.url,
      "webhook.focusEvents": "user.onlinestatus",
      "webhook.offlineGrace": "1s",
      // Whatever the bounds of the run: fewer would lose events by design.
      "limits.webhookStatusEventsMax": 100_000,
      ...settings,
    },
  });
}

test("R-30: after a thousand random flaps with a receiver in trouble, every count is right, and none is told twice in a row", async () => {
  const random = createRandom();
  console.log(`seed ${random.seed}`);
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver);
  receiver.react = () => (random.chance(0.25) ? 500 : 200);
  const uids = Array.from({ length: 10 }, (_, index) => uniqueId(`flap-${index}-`));
  const open: WireClient[] = [];
  for (let flaps = 0; flaps < 1_000; flaps += 20) {
    const wave = Array.from({ length: 20 }, () => random.integer(3));
    await inParallel(wave, 20, async (kind) => {
      if (kind > 0) {
        const flag = random.integer(3);
        open.push(await server.connect(random.pick(uids), { deviceFlag: flag }));
      } else open.splice(random.integer(open.length), 1)[0]?.close();
    });
  }
  receiver.react = () => 200;
  await becomesTrue(server, receiver, uids);
  const perConnection = Map.groupBy(told(receiver), ({ connection }) => connection);
  for (const events of perConnection.values())
    expect(events.map(({ isOnline }) => isOnline)).toEqual([true, false].slice(0, events.length));
  for (const client of open) client.close();
  await eventually(() => Object.keys(believed(receiver)).length === 0, "all are told to be gone", 20_000);
});

test("R-71: after a crash those who do not come back are told to be offline, those who do stay online, on each kind of device", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver, { "webhook.offlineGrace": "6s" });
  const [gone, back, half] = ["gone", "back", "half"].map(uniqueId) as [string, string, string];
  await server.connect(gone);
  await server.connect(back);
  await server.connect(half, { deviceFlag: 0 });
  await server.connect(half, { deviceFlag: 1 });
  await eventually(() => told(receiver).length === 4, "four logins are told");
  await server.restart("SIGKILL");
  using again = await server.connect(back);
  using other = await server.connect(half, { deviceFlag: 1 });
  await becomesTrue(server, receiver, [gone, back, half]);
  expect(believed(receiver)).toEqual({ [`${back} 0`]: 1, [`${half} 1`]: 1 });
  const offline = told(receiver).filter(({ isOnline }) => !isOnline);
  expect(offline.map(({ uid, flag }) => `${uid} ${flag}`).sort()).toEqual([`${gone} 0`, `${half} 0`].sort());
  expect(again.isClosed || other.isClosed).toBe(false);
});

test("INV-11: killed again and again among flaps, with a receiver that is down half of the time, it ends up believing what is true", async () => {
  const random = createRandom();
  console.log(`seed ${random.seed}`);
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver, { "webhook.offlineGrace": "300ms" });
  const uids = Array.from({ length: 8 }, (_, index) => uniqueId(`u${index}`));
  const open: WireClient[] = [];
  for (let round = 0; round < 5; round++) {
    const isDown = round % 2 === 1;
    receiver.react = () => (isDown ? 500 : 200);
    for (let flaps = 0; flaps < 30; flaps++) {
      if (open.length > 3 && random.chance(0.5)) open.splice(random.integer(open.length), 1)[0]?.close();
      else open.push(await server.connect(random.pick(uids), { deviceFlag: random.integer(3) }));
    }
    await server.restart("SIGKILL");
    open.length = 0;
  }
  receiver.react = () => 200;
  for (const uid of uids.slice(0, 3)) open.push(await server.connect(uid, { deviceFlag: 1 }));
  await becomesTrue(server, receiver, uids);
  for (const client of open) client.close();
  await eventually(() => Object.keys(believed(receiver)).length === 0, "all are told to be gone", 20_000);
});

test("a stop tells of the sessions that it ends, and what the receiver did not take then comes after the next start, in order", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver);
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await server.connect(a);
  await eventually(() => told(receiver).length === 1, "the login is told");
  await server.restart("SIGTERM");
  await eventually(() => told(receiver).length === 2, "its end is told");
  expect(told(receiver)[1]).toMatchObject({ uid: a, isOnline: false, device: 0, total: 0 });
  receiver.react = () => 500;
  await server.connect(b);
  await server.restart("SIGTERM");
  receiver.react = () => 200;
  using again = await server.connect(b);
  await eventually(() => told(receiver).length === 5, "all are told");
  expect(
    told(receiver)
      .slice(2)
      .map(({ uid, isOnline, device }) => [uid, isOnline, device]),
  ).toEqual([
    [b, true, 1],
    [b, false, 0],
    [b, true, 1],
  ]);
  expect(again.isClosed).toBe(false);
});

test("a thousand logins at once are all told, in few calls", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver);
  const uids = Array.from({ length: 1_000 }, (_, index) => uniqueId(`u${index}`));
  const clients: WireClient[] = [];
  await inParallel(uids, 100, async (uid) => {
    clients.push(await server.connect(uid));
  });
  await eventually(() => told(receiver).length >= 1_000, "all are told");
  expect(new Set(told(receiver).map(({ uid }) => uid)).size).toBe(1_000);
  expect(receiver.seen.length).toBeLessThan(200);
  for (const client of clients) client.close();
});

test("while the webhook is off nothing is kept: turned on again, it knows nothing of the time before", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver);
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  receiver.react = () => 500;
  await server.connect(a);
  await eventually(() => receiver.seen.length > 0, "a call is tried");
  const settings = { "webhook.offlineGrace": "100ms" };
  await server.restart("SIGKILL", settings);
  await server.connect(a);
  receiver.react = () => 200;
  await server.restart("SIGKILL", {
    ...settings,
    "webhook.httpAddr": receiver.url,
    "webhook.focusEvents": "user.onlinestatus",
  });
  using client = await server.connect(b);
  await eventually(() => told(receiver).length > 0, "b is told");
  expect(told(receiver).map(({ uid }) => uid)).toEqual([b]);
  expect(client.isClosed).toBe(false);
});
