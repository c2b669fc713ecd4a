/** The process itself: what it refuses to start on, and how it ends. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRealWorld } from "@wukong-ts/server";
import { describe, expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { ServerProcess, temporaryDirectory } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";

/** The lines of a start that failed: one, and it names what is wrong. */
async function refusal(dataDirectory: string): Promise<string> {
  const server = await ServerProcess.launch({ dataDirectory });
  try {
    expect(await server.waitForExit()).toEqual({ code: 1, signal: null });
    const lines = server.output.split("\n").filter((line) => line.trim() !== "");
    expect(lines, server.output).toHaveLength(1);
    return lines[0]!;
  } finally {
    await server.dispose();
  }
}

describe("data that it does not start on", () => {
  test("durability: a second process on the same data directory ends with one clear line and code 1", async () => {
    await using first = await ServerProcess.start();
    expect(await refusal(first.dataDirectory)).toContain(first.dataDirectory);
    // The first one did not notice.
    await first.backEnd.send({ from: uniqueId("a"), to: uniqueId("b"), type: PERSON, text: "still here" });
  });

  test("durability: data of a newer format ends the start with one clear line and code 1", async () => {
    await using server = await ServerProcess.start();
    await server.stop();
    const engine = await createRealWorld().openEngine(`${server.dataDirectory}/data/db`);
    const SYSTEM_TABLE = 13;
    const all = await engine.range({
      from: new Uint8Array(0),
      to: new Uint8Array(64).fill(255),
      reverse: false,
      limit: 10_000,
      bytesMax: 1e8,
    });
    const rows = all.filter(([key]) => key[2] === SYSTEM_TABLE && Buffer.from(key).includes("format"));
    expect(rows).toHaveLength(1);
    const [key, value] = rows[0]!;
    const format = value.at(-1)!;
    const newer = Buffer.concat([value.subarray(0, -1), Buffer.from([format + 1])]);
    await engine.write([{ shard: 0, keys: [key], values: [newer], messages: [], bytes: 10 }]);
    await engine.close();
    expect(await refusal(server.dataDirectory)).toMatch(new RegExp(`format ${format + 1}\\b.*format ${format}\\b`));
  });

  test("durability: an unreadable directory ends the start with one clear line and code 1", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "data");
    writeFileSync(path, "a file where the directory should be");
    expect(await refusal(directory.path)).toContain(path);
    if (process.getuid?.() === 0) return; // root reads every directory
    const closed = join(directory.path, "closed");
    mkdirSync(closed);
    chmodSync(closed, 0);
    expect(await refusal(closed)).toContain(closed);
  });
});

test("durability: SIGTERM answers what was accepted, closes the sessions properly and exits within 5 s", async () => {
  await using server = await ServerProcess.start();
  const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
  await server.backEnd.createGroup(group, [a, b]);
  for (const transport of ["tcp", "websocket"] as const) {
    using client = await server.connect(a, { transport });
    using idle = await server.connect(b, { transport });
    const answers = client.burst(
      Array.from({ length: 3_000 }, (_item, n) => ({ to: group, type: GROUP, payload: `${n}` })),
    );
    await client.until(() => client.waitingCount < 3_000, 10_000);
    expect(await server.stop(20_000)).toEqual({ code: 0, signal: null });
    // Code 0: the program ends itself with another code when stopping takes 4.5 s.
    const accepted = (await answers).filter((answer) => answer.outcome === "answered" && answer.reason === 1);
    for (const answer of await answers) expect(answer.outcome).not.toBe("silent");
    await Promise.all([client.closed, idle.closed]);
    // DISCONNECT would tell an SDK that it was kicked and must not come back.
    for (const session of [client, idle]) {
      expect(session.disconnected).toBeUndefined();
      if (transport === "websocket")
        expect([session.closeCode, session.closeText]).toEqual([1000, "the server is stopping"]);
    }
    await server.startAgain();
    const stored = new Set((await server.backEnd.history(b, group, GROUP)).map((message) => message.client_msg_no));
    expect(accepted.filter((answer) => !stored.has(answer.clientMsgNo))).toEqual([]);
  }
});

test("R-61: with conversation.on false, which the original could not take, the server works as ever", async () => {
  await using server = await ServerProcess.start({ settings: { "conversation.on": false } });
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using client = await server.connect(a);
  await client.sendOk({ to: b, type: PERSON, payload: "hello" });
  expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 1 });
});

test("the settings file of a whole installation of the original starts the server", async () => {
  await using server = await ServerProcess.start({
    settings: {
      "manager.on": true,
      "manager.addr": "127.0.0.1:0",
      "demo.on": false,
      "cluster.addr": "tcp://127.0.0.1:11110",
      "cluster.serverAddr": "127.0.0.1:11110",
      "plugin.socketPath": "/tmp/no-such-directory/p.sock",
      "conversation.syncInterval": "2h",
      "conversation.syncOnce": 100,
      "logger.level": 3,
    },
  });
  expect((await server.http.get("/health")).status).toBe(200);
});
