/**
 * Rows that are missing, as another program, a migration or a mistake may leave them: the next message writes them.
 * They are taken out of the store by hand, between two runs of the server.
 */
import { createRealWorld } from "@wukong-ts/server";
import { expect, test } from "vitest";
import { PERSON, texts } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";

/** A key is shard u16, table u8, then the table's own parts; the first of a conversation is its uid. */
const CONVERSATION_TABLE = 10;
const ALL_KEYS = {
  from: new Uint8Array(0),
  to: new Uint8Array(64).fill(255),
  reverse: false,
  limit: 100_000,
  bytesMax: 100_000_000,
};

/** Removes the conversation rows of these users from the data of a stopped server, and says how many there were. */
async function removeRows(server: ServerProcess, uids: readonly string[]): Promise<number> {
  const engine = await createRealWorld().openEngine(`${server.dataDirectory}/data/db`);
  try {
    const entries = await engine.range(ALL_KEYS);
    const keys = entries
      .map(([key]) => key)
      .filter((key) => key[2] === CONVERSATION_TABLE && uids.some((uid) => isOf(key, uid)));
    await engine.write(
      keys.map((key) => ({
        shard: key[0]! * 256 + key[1]!,
        keys: [key],
        values: [null],
        messages: [],
        bytes: key.length,
      })),
    );
    return keys.length;
  } finally {
    await engine.close();
  }
}
function isOf(key: Uint8Array, uid: string): boolean {
  const at = Buffer.from(key).indexOf(uid);
  return at >= 3 && at <= 5; // behind shard, table and the length of the text
}

test("H-03: a channel with messages but without rows gets its rows with the next message", async () => {
  await using server = await ServerProcess.start();
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  for (const text of ["1", "2"]) await server.backEnd.send({ from: a, to: b, type: PERSON, text });
  await server.stop();
  expect(await removeRows(server, [a, b])).toBe(2);
  await server.startAgain();
  for (const uid of [a, b]) expect(await server.backEnd.sync(uid)).toEqual([]);
  using client = await server.connect(a);
  expect(await client.sendOk({ to: b, type: PERSON, payload: "3" })).toMatchObject({ messageSeq: 3 });
  const chat = await server.backEnd.chatOf(b, a);
  expect([chat.unread, texts(chat.recents)]).toEqual([3, ["3", "2", "1"]]);
  expect(await server.backEnd.chatOf(a, b)).toMatchObject({ unread: 0, last_msg_seq: 3 });
});

test("H-04: a row that was removed is written again by the message with seq 57", async () => {
  await using server = await ServerProcess.start();
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  {
    using client = await server.connect(a);
    await client.burst(Array.from({ length: 56 }, (_item, n) => ({ to: b, type: PERSON, payload: `${n + 1}` })));
  }
  await server.stop();
  expect(await removeRows(server, [b])).toBe(1);
  await server.startAgain();
  expect(await server.backEnd.sync(b)).toEqual([]);
  expect(await server.backEnd.sync(a)).toHaveLength(1);
  expect(await server.backEnd.send({ from: a, to: b, type: PERSON, text: "57" })).toMatchObject({ message_seq: 57 });
  expect(await server.backEnd.chatOf(b, a)).toMatchObject({ last_msg_seq: 57, unread: 57 });
  expect(await server.backEnd.sync(a)).toHaveLength(1);
});
