/** SIGTERM while clients of several workers send as fast as they can. */
import { expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { Ledger } from "../harness/ledger.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";
import type { WireClient } from "../harness/wire-client.ts";

const WORKERS = 3;
const SENDERS = 12;

test("stopping under load answers or cuts off every SEND, ends in time, and keeps all that was acknowledged", async () => {
  await using server = await ServerProcess.start({ settings: { "gateway.workers": WORKERS } });
  const ledger = new Ledger();
  const clients: WireClient[] = [];
  for (let number = 0; number < SENDERS; number++) {
    clients.push(await server.connect(uniqueId("s"), { transport: number % 2 === 0 ? "tcp" : "websocket" }));
  }
  const sending = clients.map(async (client, number) => {
    const to = clients[(number + 1) % SENDERS]!.uid;
    while (!client.isClosed) {
      const messages = Array.from({ length: 50 }, () => {
        const clientMsgNo = uniqueId("n");
        return { to, type: PERSON, clientMsgNo, text: clientMsgNo };
      });
      await ledger.burst(client, messages);
    }
  });
  await Promise.all(clients.map((client) => client.until(() => client.receivedCount >= 100, 30_000)));
  expect(await server.stop(20_000), server.outputTail()).toEqual({ code: 0, signal: null });
  await Promise.all(sending);
  for (const client of clients) {
    expect(client.faults).toEqual([]);
    expect(client.disconnected, "it may come back").toBeUndefined();
  }
  expect(new Set(ledger.answers.keys())).toEqual(new Set([1, "closed"]));
  await server.startAgain();
  expect(await ledger.findMistakes(server.backEnd)).toEqual([]);
});
