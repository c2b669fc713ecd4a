/** `store.*` reach the database: seen from its files. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";

const MESSAGES = 60;
const TEXT = "the same again and again ".repeat(2_000);

/** Of the sorted files; what is in the log has not been written to one yet. */
function tableFiles(server: ServerProcess): readonly number[] {
  const folder = join(server.dataDirectory, "data", "db");
  const names = readdirSync(folder).filter((name) => name.endsWith(".ldb"));
  return names.map((name) => statSync(join(folder, name)).size);
}

async function tableBytes(compression: boolean): Promise<number> {
  await using server = await ServerProcess.start({
    settings: { "store.compression": compression, "store.writeBufferBytes": "1MiB" },
  });
  const [from, to] = [uniqueId("a"), uniqueId("b")];
  for (let n = 0; n < MESSAGES; n++) await server.backEnd.send({ from, to, type: PERSON, text: TEXT });
  // The log becomes a table when it is opened.
  await server.stop();
  await server.startAgain();
  const chat = await server.backEnd.chatOf(to, from);
  expect(chat).toMatchObject({ unread: MESSAGES });
  await server.stop();
  return tableFiles(server).reduce((sum, size) => sum + size, 0);
}

test("store.compression makes the database's files smaller, and both are read again", async () => {
  const plain = await tableBytes(false);
  expect(plain).toBeGreaterThan(MESSAGES * TEXT.length * 0.9);
  expect(await tableBytes(true)).toBeLessThan(plain / 4);
});
