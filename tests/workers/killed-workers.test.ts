/**
 * Threads that hold clients' sockets are killed in the middle of bursts, whatever they are doing. Their connections end,
 * the others do not notice, new threads take their places, and by the senders' own records nothing acknowledged is lost.
 */

import type { World } from "@wukong-ts/server";
import { expect, test } from "vitest";
import { BackEnd, GROUP, PERSON } from "../harness/back-end.ts";
import { startEmbedded } from "../harness/embedded-server.ts";
import { Ledger, type SentTo } from "../harness/ledger.ts";
import { Seeded } from "../harness/seeded.ts";
import { temporaryDirectory } from "../harness/server-process.ts";
import { delay, eventually, uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";

type Threads = NonNullable<World["threads"]>;
type Thread = ReturnType<Threads["start"]>;

const WORKERS = 2;
const USERS = 8;
const KILLS = 8;
const BURST_MAX = 40;

/** A world whose threads can be killed: they end without having been told to, as one that runs out of memory. */
function withKillableThreads(world: World, alive: Set<Thread>): World {
  const { threads } = world;
  if (threads === undefined) return world;
  return {
    ...world,
    threads: {
      ...threads,
      start(program, data, events) {
        const thread = threads.start(program, data, {
          ...events,
          ended(error) {
            alive.delete(thread);
            events.ended(error ?? new Error("killed"));
          },
        });
        alive.add(thread);
        return thread;
      },
    },
  };
}

test("killed workers end their own connections only, and nothing acknowledged is lost or stored twice", async () => {
  const random = new Seeded();
  console.log(`seed ${random.seed}`);
  using directory = temporaryDirectory();
  const alive = new Set<Thread>();
  const ledger = new Ledger();
  {
    await using server = await startEmbedded(directory.path, (world) => withKillableThreads(world, alive), {
      gateway: { workers: WORKERS },
    });
    const backEnd = new BackEnd(server.http);
    const users = Array.from({ length: USERS }, () => uniqueId("user"));
    const group = uniqueId("group");
    await backEnd.createGroup(group, users);
    ledger.addGroup(group, users);
    let kills = 0;
    let reconnects = 0;
    const connect = (uid: string): Promise<WireClient> =>
      eventually(() => WireClient.connect({ port: server.tcpPort, uid }), `${uid} comes in again`, 30_000);
    const chat = async (uid: string): Promise<void> => {
      const others = users.filter((other) => other !== uid);
      const messageTo = (): SentTo => {
        const clientMsgNo = uniqueId("n");
        const to = random.chance(0.4) ? { to: group, type: GROUP } : { to: random.pick(others), type: PERSON };
        return { ...to, clientMsgNo, text: clientMsgNo };
      };
      let client = await connect(uid);
      const openMessages = () => ledger.unacknowledged.filter(({ from }) => from === uid);
      while (kills < KILLS || openMessages().length > 0) {
        if (client.isClosed) {
          expect(client.disconnected, "nobody kicked it").toBeUndefined();
          client = await connect(uid);
          reconnects++;
          // As a client does: the oldest first, the same numbers again.
          await ledger.retry(client, openMessages());
        } else await ledger.burst(client, Array.from({ length: 1 + random.below(BURST_MAX) }, messageTo));
        expect(client.faults).toEqual([]);
      }
      client.close();
    };
    const killing = async (): Promise<void> => {
      for (; kills < KILLS; kills++) {
        await eventually(() => alive.size === WORKERS, "all workers are there", 30_000);
        await delay(50 + random.below(150));
        random.pick([...alive]).end();
      }
    };
    await Promise.all([killing(), ...users.map(chat)]);
    await eventually(async () => (await backEnd.onlineStatus(users)).length === 0, "nobody is online");
    expect(reconnects).toBeGreaterThan(0);
    expect(new Set(ledger.answers.keys()), "reasons, and no SEND that is neither answered nor cut off").toEqual(
      new Set([1, "closed"]),
    );
    expect(await ledger.findMistakes(backEnd)).toEqual([]);
    console.log(`${KILLS} workers killed, ${reconnects} logins again, ${ledger.acknowledgedCount} acknowledged`);
  }
  await using again = await startEmbedded(directory.path);
  expect(await ledger.findMistakes(new BackEnd(again.http)), "after a restart").toEqual([]);
});

test("the connections of a killed worker are offline at once, those of others go on", async () => {
  using directory = temporaryDirectory();
  const alive = new Set<Thread>();
  await using server = await startEmbedded(directory.path, (world) => withKillableThreads(world, alive), {
    gateway: { workers: WORKERS },
  });
  const backEnd = new BackEnd(server.http);
  const clients: WireClient[] = [];
  for (let number = 0; number < 40; number++)
    clients.push(await WireClient.connect({ port: server.tcpPort, uid: uniqueId("user") }));
  const [victim] = alive;
  victim!.end();
  await eventually(() => clients.some(({ isClosed }) => isClosed), "a connection ends");
  await eventually(() => alive.size === WORKERS, "a new worker is there");
  const left = clients.filter(({ isClosed }) => !isClosed);
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(clients.length);
  for (const client of left) expect(await client.ping()).toBe(true);
  const online = (await backEnd.onlineStatus(clients.map(({ uid }) => uid))).map(({ uid }) => uid);
  expect(new Set(online)).toEqual(new Set(left.map(({ uid }) => uid)));
  const [first, second] = left;
  await first!.sendOk({ to: second!.uid, type: PERSON, payload: "still here" });
  expect((await second!.takeSome(1)).map(({ payload }) => payload.toString())).toEqual(["still here"]);
  for (const client of left) client.close();
});
