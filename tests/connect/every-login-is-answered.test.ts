/**
 * Every CONNECT gets its CONNACK: one after the other, and fifty at a time while others leave. WuKongIM leaves one in 20 to
 * 2,000 without any answer. WK_LOGINS sets the number (the long mode: 100,000).
 */
import { expect, test } from "vitest";
import { Seeded } from "../harness/seeded.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";

const LOGINS = Number(process.env["WK_LOGINS"] ?? 2_000);
const AT_ONCE = 50;
const USERS = 40;
/** A login that takes longer counts as unanswered. */
const PATIENCE_MS = 15_000;

const shared = sharedServer();

test(
  `connections: ${LOGINS} logins, sequential and 50 at a time, are all answered`,
  async () => {
    const server = shared.current;
    const random = new Seeded();
    console.log(`seed ${random.seed}`);
    const users = Array.from({ length: USERS }, () => uniqueId("login"));
    const outcomes = new Map<string, number>();
    let left = LOGINS;
    const logIn = async (): Promise<void> => {
      left--;
      const transport = random.chance(0.5) ? "tcp" : "websocket";
      using client = await WireClient.open({
        port: transport === "tcp" ? server.tcpPort : server.wsPort,
        transport,
        uid: random.pick(users),
        deviceFlag: random.below(3),
      });
      const result = await client.login(PATIENCE_MS);
      const outcome = result.outcome === "connack" ? `reason ${result.reason}` : result.outcome;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      // Some stay for a word, some leave with a goodbye, the rest are just gone.
      if (random.chance(0.2)) expect(await client.ping(PATIENCE_MS)).toBe(true);
      if (random.chance(0.3)) await client.end();
    };
    while (left > (LOGINS * 3) / 4) await logIn();
    const worker = async (): Promise<void> => {
      while (left > 0) await logIn();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    console.log(`${LOGINS} logins: ${JSON.stringify(Object.fromEntries(outcomes))}`);
    expect(Object.fromEntries(outcomes)).toEqual({ "reason 1": LOGINS });
    await eventually(
      async () => ((await server.http.ask("/user/onlinestatus", users)) as readonly unknown[]).length === 0,
      "none of them is still taken for online",
    );
  },
  120_000 + LOGINS * 20,
);
