/** Keys and rows of the tables that every message writes. */
import type { MicroCase } from "@wukong-ts/bench";
import { shardOfChannel } from "../src/store/shards.ts";
import { headTable, messageIdsTable, messageTable, receiptTable } from "../src/store/tables.ts";
import { CHANNEL, messageOf } from "./sample-message.ts";

export function keyCases(): readonly MicroCase[] {
  const shard = shardOfChannel(CHANNEL);
  const at = { channel: CHANNEL, log: "chat", seq: 12_345 } as const;
  const message = messageOf(12_345, 100);
  const receipt = { ...at, fromUid: message.fromUid, clientMsgNo: message.clientMsgNo };
  const repeat =
    (run: () => Uint8Array) =>
    (count: number): number => {
      let sum = 0;
      for (let index = 0; index < count; index++) sum += run().length;
      return sum;
    };
  return [
    { name: "shard of a channel", run: (count) => sumOf(count, () => shardOfChannel(CHANNEL)) },
    { name: "key of a message", run: repeat(() => messageTable.keyOf(shard, at)) },
    { name: "key of a message id", run: repeat(() => messageIdsTable.keyOf(shard, message.id)) },
    { name: "key of a receipt", run: repeat(() => receiptTable.keyOf(shard, receipt)) },
    { name: "key of a head", run: repeat(() => headTable.keyOf(shard, at)) },
    { name: "row of a message, 100 B", run: repeat(() => messageTable.encode(message)) },
  ];
}

function sumOf(count: number, run: () => number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += run();
  return sum;
}
