/** Every kind of sender in every kind of channel under every flag is told the right reason, and only an accepted message is stored. */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { atOnce } from "../harness/limits.ts";
import type { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { RED_DOT, SYNC_ONCE } from "../harness/wire-client.ts";
import {
  type ChannelCell,
  channelCells,
  channelReason,
  type Flags,
  type PersonCell,
  personCells,
  personReason,
} from "./reasons.ts";

const AT_ONCE = atOnce(32);
const ACCEPTED = 1;
const CUSTOMER_SERVICE = 3;
const VISITORS = 10;
const AGENT = 11;

/** One cell's own ids. */
interface Sent {
  readonly sender: string;
  /** As the sender names it, and as it is stored. */
  readonly addressed: string;
  readonly stored: string;
  readonly type: number;
}

async function setFlags(server: ServerProcess, sent: Sent, flags: Flags): Promise<void> {
  const { http } = server;
  const [ban, disband] = [flags.ban ? 1 : 0, flags.disband ? 1 : 0];
  if (ban || disband)
    await http.ask("/channel/info", { channel_id: sent.stored, channel_type: sent.type, ban, disband });
  if (flags.sendBan) await http.ask("/channel/info", { channel_id: sent.sender, channel_type: PERSON, send_ban: 1 });
}

async function setLists(
  server: ServerProcess,
  list: { readonly channelId: string; readonly type: number; readonly sender: string },
  standing: Pick<ChannelCell["standing"], "isDenied" | "allowList">,
): Promise<void> {
  const { channelId, type, sender } = list;
  if (standing.isDenied) await server.backEnd.editList("blacklist", "set", channelId, type, [sender]);
  if (standing.allowList === "empty") return;
  const allowed = standing.allowList === "him" ? [sender, uniqueId("o")] : [uniqueId("o")];
  await server.backEnd.editList("whitelist", "set", channelId, type, allowed);
}

async function check(
  server: ServerProcess,
  { sender, addressed, stored, type }: Sent,
  cell: ChannelCell | PersonCell,
  expected: number,
): Promise<void> {
  const { asCommand } = cell.flags;
  let reason: number;
  if (cell.origin === "HTTP") {
    const header = { sync_once: asCommand ? 1 : 0 };
    const result = await server.backEnd.send({ from: sender, to: addressed, type, text: "hello", header });
    reason = result.reason;
  } else {
    using client = await server.connect(sender);
    const flags = asCommand ? SYNC_ONCE : RED_DOT;
    const answer = await client.send({ to: addressed, type, payload: "hello", flags });
    reason = answer.outcome === "answered" ? answer.reason : -1;
  }
  assert.equal(reason, expected, `the reason of ${JSON.stringify(cell)}`);
  const id = encodeURIComponent(asCommand ? `${stored}____cmd` : stored);
  const { body } = await server.http.get(`/channel/max_message_seq?channel_id=${id}&channel_type=${type}`);
  assert.deepEqual(body, { message_seq: expected === ACCEPTED ? 1 : 0 }, `what is stored of ${JSON.stringify(cell)}`);
}

/** Channel ids by kind: who is implied is part of the id. */
function idsOf({ type, isImplied }: ChannelCell): Sent {
  const sender = uniqueId("s");
  const owner = isImplied ? sender : uniqueId("o");
  const stored =
    type === CUSTOMER_SERVICE
      ? `${owner}|${uniqueId("d")}`
      : type === VISITORS
        ? owner
        : type === AGENT
          ? `${owner}@${uniqueId("b")}`
          : uniqueId("c");
  return { sender, addressed: stored, stored, type };
}

/** The uid with the greater checksum comes first. */
function storedPersonId(one: string, other: string): string {
  return crc32(one) > crc32(other) ? `${one}@${other}` : `${other}@${one}`;
}

describe("channels", () => {
  const shared = sharedServer();

  test("the right reason in every cell", async () => {
    const server = shared.current;
    const runs = channelCells().map((cell) => ({ cell, sent: idsOf(cell) }));
    console.log(`reason matrix: ${runs.length} cells of channels`);
    expect(runs.length).toBeGreaterThanOrEqual(1_000);
    const accounts = runs.filter(({ cell }) => cell.origin === "client of a system account");
    await server.http.ask("/user/systemuids_add", { uids: accounts.map(({ sent }) => sent.sender) });
    await inParallel(runs, AT_ONCE, async ({ cell, sent }) => {
      const { stored, type, sender } = sent;
      if (cell.standing.isMember)
        await server.http.ask("/channel/subscriber_add", {
          channel_id: stored,
          channel_type: type,
          subscribers: [sender],
        });
      await setLists(server, { channelId: stored, type, sender }, cell.standing);
      await setFlags(server, sent, cell.flags);
      await check(server, sent, cell, channelReason(cell));
    });
  });
});

describe.each([true, false])("persons, whitelistOffOfPerson %s", (allowListOff) => {
  const shared = sharedServer({ settings: { whitelistOffOfPerson: allowListOff } });

  test("the right reason in every cell", async () => {
    const server = shared.current;
    const runs = personCells(allowListOff).map((cell) => {
      const sender = uniqueId("s");
      const receiver = cell.receiver === "himself" ? sender : uniqueId("r");
      const sent: Sent = { sender, addressed: receiver, stored: storedPersonId(sender, receiver), type: PERSON };
      return { cell, sent };
    });
    console.log(`reason matrix: ${runs.length} cells of persons`);
    const accounts = runs.flatMap(({ cell, sent }) => [
      ...(cell.origin === "client of a system account" ? [sent.sender] : []),
      ...(cell.receiver === "a system account" ? [sent.addressed] : []),
    ]);
    await server.http.ask("/user/systemuids_add", { uids: accounts });
    await inParallel(runs, AT_ONCE, async ({ cell, sent }) => {
      await setLists(server, { channelId: sent.addressed, type: PERSON, sender: sent.sender }, cell);
      await setFlags(server, sent, cell.flags);
      await check(server, sent, cell, personReason(cell));
    });
  });
});
