/**
 * kill -9 under load, again and again, on one data directory. The senders' own records decide: whatever was acknowledged
 * is there, once, in dense order and findable, and what was not can be sent again without becoming two messages.
 * WK_KILL_ROUNDS sets the number of kills (the long mode: 50 and more), WK_SEED repeats a run's choices.
 */
import { expect, test } from "vitest";
import { BackEnd, GROUP, PERSON } from "../harness/back-end.ts";
import { Ledger, type Sent, type SentTo } from "../harness/ledger.ts";
import { Seeded } from "../harness/seeded.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { delay, uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";

const ROUNDS = Number(process.env["WK_KILL_ROUNDS"] ?? 5);
const USERS = 8;
const BURST_MAX = 12;
const LOAD_MS_MAX = 800;

test(
  `R-16: ${ROUNDS} kill -9 under load lose nothing acknowledged, store nothing twice and leave no gap`,
  async () => {
    const random = new Seeded();
    console.log(`seed ${random.seed}: WK_SEED=${random.seed} WK_KILL_ROUNDS=${ROUNDS} npm test -- kill-loop`);
    await using server = await ServerProcess.start();
    const backEnd = new BackEnd(server.http);
    const ledger = new Ledger();
    const users = Array.from({ length: USERS }, () => uniqueId("kill"));
    const groups = [users, users.slice(0, 4), users.slice(3)].map((members) => ({ id: uniqueId("group"), members }));
    for (const { id, members } of groups) {
      await backEnd.createGroup(id, members);
      ledger.addGroup(id, members);
    }

    let retries = 0;
    let foundAlready = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const clients = await Promise.all(users.map((uid) => WireClient.connect({ port: server.tcpPort, uid })));
      const before = ledger.acknowledgedCount;
      const sending = clients.map((client) => sendUntilClosed(client, ledger, random, users, groups));
      while (ledger.acknowledgedCount < before + 50) await delay(5);
      await delay(random.below(LOAD_MS_MAX));
      await server.kill();
      await Promise.all(sending);
      expect(clients.flatMap((client) => client.faults)).toEqual([]);

      await server.startAgain();
      expect(await ledger.findMistakes(backEnd), `after kill ${round}`).toEqual([]);
      const unanswered = ledger.unacknowledged;
      foundAlready += await retryAll(server, backEnd, ledger, unanswered);
      retries += unanswered.length;
    }
    expect(ledger.unacknowledged).toEqual([]);
    expect(await ledger.findMistakes(backEnd), "after all retries").toEqual([]);
    expect(ledger.count("silent")).toBe(0);
    console.log(
      `${ROUNDS} kills, ${ledger.sent.length} sent in ${ledger.channelCount} channels, ` +
        `${retries} unanswered and sent again (${foundAlready} of them were stored already), 0 lost, 0 twice`,
    );
    expect(retries, "some SENDs had no answer when the server was killed").toBeGreaterThan(0);
  },
  120_000 + ROUNDS * 20_000,
);

/** Bursts to groups, to known users and to people who have never been heard of. */
async function sendUntilClosed(
  client: WireClient,
  ledger: Ledger,
  random: Seeded,
  users: readonly string[],
  groups: readonly { readonly id: string; readonly members: readonly string[] }[],
): Promise<void> {
  const mine = groups.filter(({ members }) => members.includes(client.uid));
  const others = users.filter((uid) => uid !== client.uid);
  while (!client.isClosed) {
    const messages = Array.from({ length: 1 + random.below(BURST_MAX) }, (): SentTo => {
      const kind = random.below(20);
      const to = kind < 8 ? random.pick(mine).id : kind < 19 ? random.pick(others) : uniqueId("stranger");
      const clientMsgNo = uniqueId("n");
      return {
        to,
        type: kind < 8 ? GROUP : PERSON,
        clientMsgNo,
        text: `${clientMsgNo} ${"x".repeat(random.below(300))}`,
      };
    });
    await ledger.burst(client, messages);
    client.take();
  }
}

/** Sends again what got no answer, some of it twice. Gives how much of it was stored already. */
async function retryAll(
  server: ServerProcess,
  backEnd: BackEnd,
  ledger: Ledger,
  unanswered: readonly Sent[],
): Promise<number> {
  const bySender = Map.groupBy(unanswered, (sent) => sent.from);
  let stored = 0;
  for (const [uid, sent] of bySender) {
    const storedAs = new Map<string, number>();
    for (const [, { to, type }] of new Map(sent.map((each) => [`${each.type}/${each.to}`, each])))
      for (const message of await backEnd.history(uid, to, type))
        storedAs.set(`${message.from_uid}/${message.client_msg_no}`, message.message_seq);
    using client = await WireClient.connect({ port: server.tcpPort, uid });
    for (const answers of [await ledger.retry(client, sent), await ledger.retry(client, sent)]) {
      for (const [index, answer] of answers.entries()) {
        expect(answer).toMatchObject({ outcome: "answered", reason: 1 });
        const known = storedAs.get(`${uid}/${sent[index]!.clientMsgNo}`);
        if (known !== undefined) expect(answer, "the first seq again").toMatchObject({ messageSeq: known });
      }
    }
    stored += sent.filter((each) => storedAs.has(`${uid}/${each.clientMsgNo}`)).length;
  }
  return stored;
}
