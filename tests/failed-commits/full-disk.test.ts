/**
 * A disk that is full and then is not: every send is answered, reading goes on, /readyz says what is wrong, and once there
 * is room the same process takes sends again. The senders' own records decide what must be there in the end.
 */
import { expect, test } from "vitest";
import { BackEnd, GROUP, PERSON } from "../harness/back-end.ts";
import { Ledger, type SentTo } from "../harness/ledger.ts";
import { Seeded } from "../harness/seeded.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";
import { mountSmallDisk } from "./small-disk.ts";

const SYSTEM_ERROR = 15;
const USERS = 4;
const BURST = 20;
const FILLS = 2;

test("failed commits: a full disk answers every send with reason 15, keeps reading, and takes sends again once there is space", async ({
  skip,
}) => {
  using disk = mountSmallDisk(16);
  if (disk === undefined) return skip("mounting a tmpfs needs root");
  const random = new Seeded();
  console.log(`seed ${random.seed}`);
  await using server = await ServerProcess.start({ dataDirectory: disk.path });
  const pid = server.pid;
  const backEnd = new BackEnd(server.http);
  const ledger = new Ledger();
  const users = Array.from({ length: USERS }, () => uniqueId("full"));
  const group = uniqueId("group");
  await backEnd.createGroup(group, users);
  ledger.addGroup(group, users);
  const clients = await Promise.all(users.map((uid) => WireClient.connect({ port: server.tcpPort, uid })));
  const burst = (client: WireClient): Promise<unknown> => {
    const messages = Array.from({ length: BURST }, (): SentTo => {
      const clientMsgNo = uniqueId("n");
      const text = `${clientMsgNo} ${"x".repeat(random.below(1_000))}`;
      if (random.chance(0.3)) return { to: group, type: GROUP, clientMsgNo, text };
      const to = random.chance(0.1) ? uniqueId("stranger") : random.pick(users.filter((uid) => uid !== client.uid));
      return { to, type: PERSON, clientMsgNo, text };
    });
    return ledger.burst(client, messages);
  };
  const burstOfAll = (): Promise<unknown> => Promise.all(clients.map(burst));

  for (let fill = 1; fill <= FILLS; fill++) {
    for (let count = 0; count < 3; count++) await burstOfAll();
    expect(ledger.count(SYSTEM_ERROR), "nothing is refused while there is room").toBe(
      fill === 1 ? 0 : ledger.sent.length - ledger.acknowledgedCount,
    );

    const under = Promise.all([burstOfAll(), burstOfAll(), burstOfAll()]);
    disk.fill();
    await under;
    await eventually(async () => {
      await burstOfAll();
      return (await server.http.get("/readyz")).status === 503;
    }, "/readyz tells that nothing can be written");

    const acknowledgedBefore = ledger.acknowledgedCount;
    const refusedBefore = ledger.count(SYSTEM_ERROR);
    // Long enough for some attempts to open the store again.
    for (let count = 0; count < 5; count++) {
      await burstOfAll();
      await expectReading(server, backEnd, clients, group);
      const readiness = await server.http.get("/readyz");
      expect(readiness).toMatchObject({ status: 503, body: { status: "error" } });
      expect(readiness.text).toMatch(/no space left/i);
      expect((await server.http.get("/healthz")).status).toBe(200);
      const refused = await server.http.post("/message/send", {
        from_uid: users[0]!,
        channel_id: group,
        channel_type: GROUP,
        payload: "eA==",
      });
      expect(refused).toMatchObject({ status: 503, body: { status: 503, msg: expect.any(String) } });
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(ledger.acknowledgedCount, "nothing is acknowledged that cannot be stored").toBe(acknowledgedBefore);
    expect(ledger.count(SYSTEM_ERROR)).toBe(refusedBefore + 5 * USERS * BURST);

    disk.free();
    await eventually(async () => (await server.http.get("/readyz")).status === 200, "writes again without a restart");
    await burstOfAll();
    expect(ledger.acknowledgedCount).toBe(acknowledgedBefore + USERS * BURST);
  }

  expect(await ledger.findMistakes(backEnd), "before the retries").toEqual([]);
  await Promise.all(
    clients.map((client) =>
      ledger.retry(
        client,
        ledger.unacknowledged.filter((sent) => sent.from === client.uid),
      ),
    ),
  );
  expect(ledger.unacknowledged).toEqual([]);
  expect(await ledger.findMistakes(backEnd), "after the retries").toEqual([]);
  expect(server.pid).toBe(pid);
  expect(new Set(ledger.answers.keys()), "reasons, and nothing closed or silent").toEqual(new Set([1, SYSTEM_ERROR]));
  expect(clients.flatMap((client) => client.faults)).toEqual([]);
  for (const how of ["SIGTERM", "SIGKILL"] as const) {
    await server.restart(how);
    expect(await ledger.findMistakes(backEnd), `after ${how} and a start`).toEqual([]);
  }
  disk.fill();
  const payload = Buffer.alloc(10_000).toString("base64");
  await eventually(
    async () =>
      (
        await server.http.post("/message/send", {
          from_uid: users[0],
          channel_id: "nobody",
          channel_type: PERSON,
          payload,
        })
      ).status === 503,
    "the disk is full once more",
  );
  expect(await server.stop(5_000), "ends in good order all the same").toEqual({ code: 0, signal: null });
  await expect(server.startAgain(), "no start without room").rejects.toThrow(/"code":1[\s\S]*No space left/);
  disk.free();
  await server.startAgain();
  expect(await ledger.findMistakes(backEnd), "after a start that failed").toEqual([]);
  console.log(
    `${ledger.acknowledgedCount} acknowledged in the end, ${ledger.count(SYSTEM_ERROR)} answers with reason ${SYSTEM_ERROR}`,
  );
});

/** Whatever only reads, works. */
async function expectReading(
  server: ServerProcess,
  backEnd: BackEnd,
  clients: readonly WireClient[],
  group: string,
): Promise<void> {
  for (const client of clients) expect(await client.ping(), "PING is answered").toBe(true);
  const uid = clients[0]!.uid;
  const history = await backEnd.history(uid, group, GROUP);
  expect(history.length).toBeGreaterThan(0);
  expect((await backEnd.chatOf(uid, group, GROUP)).last_msg_seq).toBe(history.length);
  using another = await WireClient.connect({ port: server.tcpPort, uid: uniqueId("late") });
  expect(await another.ping(), "a login works").toBe(true);
}
