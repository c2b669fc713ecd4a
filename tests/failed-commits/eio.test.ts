/**
 * Writes that end with EIO in the middle of bursts, some of which are on the disk all the same: a real engine behind one
 * that fails. The senders' own records decide what must be there in the end.
 */
import { describe, expect, test } from "vitest";
import { BackEnd, GROUP, PERSON } from "../harness/back-end.ts";
import { type EmbeddedServer, type Engine, startEmbedded, withEngine } from "../harness/embedded-server.ts";
import { Ledger, type SentTo } from "../harness/ledger.ts";
import { Seeded } from "../harness/seeded.ts";
import { temporaryDirectory } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";

const SYSTEM_ERROR = 15;
const USERS = 6;
const BURST_MAX = 15;
const FAILURES = 8;

interface Faults {
  /** Writes until the next one that fails. */
  writesLeft: number;
  /** Whether what failed is on the disk nevertheless. */
  isApplied: () => boolean;
  failures: number;
  applied: number;
  writesAfterFailure: number;
}

function failing(engine: Engine, faults: Faults): Engine {
  let isDead = false;
  return {
    get: (key) => engine.get(key),
    getMany: (keys) => engine.getMany(keys),
    range: (range) => engine.range(range),
    close: () => engine.close(),
    async write(batches) {
      if (isDead) faults.writesAfterFailure++;
      if (!isDead && faults.writesLeft-- !== 0) return engine.write(batches);
      isDead = true;
      faults.failures++;
      if (faults.isApplied()) {
        faults.applied++;
        await engine.write(batches);
      } else await new Promise((resolve) => setTimeout(resolve, 2));
      throw Object.assign(new Error("EIO: i/o error, write"), { code: "EIO" });
    },
  };
}

describe("failed commits: an I/O error in the middle of a burst loses no acknowledged message, skips no seq and stores no retry twice", () => {
  for (const outcome of ["nothing of the failed write on disk", "all of it on disk", "now this, now that"] as const)
    test(outcome, async () => {
      const random = new Seeded();
      console.log(`seed ${random.seed}`);
      const faults: Faults = {
        writesLeft: -1,
        isApplied: () => (outcome === "now this, now that" ? random.chance(0.5) : outcome === "all of it on disk"),
        failures: 0,
        applied: 0,
        writesAfterFailure: 0,
      };
      using directory = temporaryDirectory();
      const ledger = new Ledger();
      {
        await using server = await startEmbedded(directory.path, (world) =>
          withEngine(world, (engine) => failing(engine, faults)),
        );
        await chat(server, ledger, faults, random);
      }
      await using again = await startEmbedded(directory.path);
      expect(await ledger.findMistakes(new BackEnd(again.http)), "after a restart").toEqual([]);
      console.log(
        `${outcome}: ${faults.failures} failed writes, ${ledger.acknowledgedCount} acknowledged, ` +
          `${ledger.count(SYSTEM_ERROR)} answers with reason ${SYSTEM_ERROR}`,
      );
    });
});

async function chat(server: EmbeddedServer, ledger: Ledger, faults: Faults, random: Seeded): Promise<void> {
  const backEnd = new BackEnd(server.http);
  const users = Array.from({ length: USERS }, () => uniqueId("eio"));
  const group = uniqueId("group");
  await backEnd.createGroup(group, users);
  ledger.addGroup(group, users);
  const clients = await Promise.all(users.map((uid) => WireClient.connect({ port: server.tcpPort, uid })));
  const bursts = async (client: WireClient): Promise<void> => {
    const others = users.filter((uid) => uid !== client.uid);
    while (faults.failures < FAILURES) {
      const messages = Array.from({ length: 1 + random.below(BURST_MAX) }, (): SentTo => {
        const clientMsgNo = uniqueId("n");
        const text = `${clientMsgNo} ${"x".repeat(random.below(200))}`;
        if (random.chance(0.4)) return { to: group, type: GROUP, clientMsgNo, text };
        return { to: random.chance(0.1) ? uniqueId("stranger") : random.pick(others), type: PERSON, clientMsgNo, text };
      });
      const answers = await ledger.burst(client, messages);
      if (answers.every((answer) => answer.outcome === "answered" && answer.reason === 1)) continue;
      await writable(server);
      // As a client does: the oldest first, the same numbers again. Some may fail a second time.
      await ledger.retry(
        client,
        ledger.unacknowledged.filter((sent) => sent.from === client.uid),
      );
    }
  };
  const breaking = (async () => {
    while (faults.failures < FAILURES) {
      const failuresBefore = faults.failures;
      faults.writesLeft = 3 + random.below(8);
      await eventually(() => faults.failures > failuresBefore, "a write fails", 30_000);
      expect(await backEnd.history(users[0]!, group, GROUP), "reads go on").toBeInstanceOf(Array);
      await writable(server);
    }
  })();
  await Promise.all([breaking, ...clients.map(bursts)]);
  await writable(server);
  expect(await ledger.findMistakes(backEnd), "before the last retries").toEqual([]);
  for (const client of clients) {
    await ledger.retry(
      client,
      ledger.unacknowledged.filter((sent) => sent.from === client.uid),
    );
    expect(client.faults).toEqual([]);
    client.close();
  }
  expect(ledger.unacknowledged).toEqual([]);
  expect(await ledger.findMistakes(backEnd), "after the retries").toEqual([]);
  expect(new Set(ledger.answers.keys()), "reasons, and nothing closed or silent").toEqual(new Set([1, SYSTEM_ERROR]));
  expect(faults.writesAfterFailure, "a dead engine is never written to").toBe(0);
}

function writable(server: EmbeddedServer): Promise<unknown> {
  return eventually(async () => (await server.http.get("/readyz")).status === 200, "the store takes writes again");
}
