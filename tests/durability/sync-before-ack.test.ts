/**
 * No acknowledgement leaves before the sync that covers its message: seen from outside, in the system calls of the real
 * process. A kill -9 cannot show a missing sync, because the page cache survives it.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BackEnd, GROUP, PERSON } from "../harness/back-end.ts";
import { ServerProcess, temporaryDirectory } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";
import { type Outgoing, WireClient } from "../harness/wire-client.ts";
import { examine, type TraceQuestion } from "./sync-trace.ts";

const SENDERS = 8;
const BURSTS = 12;
const BURST = 20;
const HTTP_SENDS = 40;
const CALLS = "trace=write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync";

const marks = { made: 0, run: randomBytes(4).toString("hex") };
function nextMark(): string {
  return `~mark:${marks.run}:${String(marks.made++).padStart(6, "0")}~`;
}

test("durability: no SENDACK and no HTTP answer leaves before the sync that covers it (strace)", async ({ skip }) => {
  const strace = spawnSync("strace", ["-o", "/dev/null", "true"]);
  skip(strace.status !== 0, "strace is missing or may not trace here");

  using directory = temporaryDirectory();
  const tracePath = join(directory.path, "trace");
  const markOf = new Map<bigint, string>();
  let question: TraceQuestion;
  {
    // -D: the server stays the child of the test, so that signals reach it.
    const words = ["strace", "-D", "-f", "-yy", "-xx", "-s", "100000000", "-e", CALLS, "-o", tracePath];
    await using server = await ServerProcess.start({ wrap: (command) => [...words, ...command] });
    question = { tcpPort: server.tcpPort, httpPort: server.httpPort, markOf };
    await load(server, markOf);
    await server.stop();
  }
  const trace = readFileSync(tracePath, "latin1");
  const findings = examine(trace, question);
  console.log(
    `${findings.covered.sendack} SENDACKs and ${findings.covered.http} HTTP answers, ${findings.syncs} syncs, ${trace.length} bytes of trace`,
  );
  expect(findings.violations).toEqual([]);
  expect(findings.covered).toEqual({ sendack: SENDERS * BURSTS * BURST, http: HTTP_SENDS });

  const withoutSyncs = trace.replaceAll(/^.*\bf(data)?sync\(.*$/gm, "");
  expect(examine(withoutSyncs, question).violations, "the same without its syncs").toHaveLength(markOf.size);
});

/** Persons and groups, single sends and bursts, small payloads and such that fill several blocks of the log. */
async function load(server: ServerProcess, markOf: Map<bigint, string>): Promise<void> {
  const backEnd = new BackEnd(server.http);
  const uids = Array.from({ length: SENDERS }, () => uniqueId("sync"));
  const group = uniqueId("group");
  await backEnd.createGroup(group, uids);
  const clients = await Promise.all(uids.map((uid) => WireClient.connect({ port: server.tcpPort, uid })));
  const sending = clients.map(async (client, index) => {
    for (let burst = 0; burst < BURSTS; burst++) {
      const sends = Array.from({ length: BURST }, (_, place): Outgoing & { readonly mark: string } => {
        const mark = nextMark();
        const filler = "x".repeat(place === 0 && burst % 6 === 0 ? 50_000 : place * 30);
        const to =
          place % 3 === 0 ? { to: group, type: GROUP } : { to: uids[(index + place) % SENDERS]!, type: PERSON };
        return { ...to, mark, payload: mark + filler };
      });
      const answers = await client.burst(sends);
      for (const [place, answer] of answers.entries()) {
        expect(answer).toMatchObject({ outcome: "answered", reason: 1 });
        if (answer.outcome === "answered") markOf.set(answer.messageId, sends[place]!.mark);
      }
    }
  });
  for (let count = 0; count < HTTP_SENDS; count++) {
    const mark = nextMark();
    const { message_id } = await backEnd.send({ from: uids[0]!, to: group, type: GROUP, text: mark });
    markOf.set(BigInt(message_id), mark);
  }
  await Promise.all(sending);
  for (const client of clients) {
    expect(client.faults).toEqual([]);
    client.close();
  }
}
