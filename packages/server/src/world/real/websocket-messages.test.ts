/** What is written is what another implementation reads. */

import type { Writable } from "node:stream";
import { expect, test } from "vitest";
import * as ws from "ws";
import { webSocketMessages } from "./websocket-messages.ts";

/** The types of `ws` do not name it. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: object) => Writable };

const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];

test.each([true, false])("messages of every length class are read back by ws, text %s", async (isText) => {
  const messages = LENGTHS.map((length) => Buffer.alloc(length, 0x61));
  const receiver = new Receiver({ isServer: false, maxPayload: 1 << 20 });
  const read: { readonly bytes: Buffer; readonly isBinary: boolean }[] = [];
  receiver.on("message", (bytes: Buffer, isBinary: boolean) => read.push({ bytes, isBinary }));
  await new Promise<void>((resolve) => receiver.end(webSocketMessages(messages, isText), () => resolve()));
  expect(read.map(({ bytes, isBinary }) => [bytes.length, isBinary])).toEqual(
    LENGTHS.map((length) => [length, !isText]),
  );
  for (const [index, { bytes }] of read.entries()) expect(bytes.equals(messages[index]!)).toBe(true);
});

test("no message is no bytes", () => {
  expect(webSocketMessages([], false)).toHaveLength(0);
});
