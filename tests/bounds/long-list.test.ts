/** A user with 5,000 chats, all of whose heads move while he pages: nothing is left out, nothing comes twice. */
import { expect, test } from "vitest";
import { type Chat, PERSON } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { atOnce } from "../harness/limits.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const CHATS = 5_000;
const PAGE = 250;
const PER_CALL = atOnce(300) * 3;
const shared = sharedServer();

function ids(chats: readonly Chat[]): string[] {
  return chats.map((chat) => chat.channel_id);
}

test("R-48, H-30, H-32: the order of page 1 holds for all pages while every chat gets a new message", async () => {
  const { backEnd, http } = shared.current;
  const uid = uniqueId("u");
  const peers = Array.from({ length: CHATS }, (_, index) => `${uid}p${index}`);
  const payload = Buffer.from("first").toString("base64");
  for (let at = 0; at < CHATS; at += PER_CALL) {
    const subscribers = peers.slice(at, at + PER_CALL);
    const created = await http.ask("/message/sendbatch", {
      header: { red_dot: 1 },
      from_uid: uid,
      subscribers,
      payload,
    });
    expect(created).toEqual({ fail_uids: [], reason: [] });
  }
  const newestFirst = peers.toReversed();

  const first = await backEnd.sync(uid, { page: 1, page_size: PAGE, msg_count: 1 });
  const moving = inParallel(peers, atOnce(16), async (peer) => {
    await backEnd.send({ from: peer, to: uid, type: PERSON, text: "second" });
  });
  const pages: Chat[][] = [first];
  for (let page = 2; page <= CHATS / PAGE; page++)
    pages.push(await backEnd.sync(uid, { page, page_size: PAGE, msg_count: 1 }));
  expect(ids(pages.flat())).toEqual(newestFirst);
  for (const chat of pages.flat()) {
    // His own message is read; the peer's, if it is there already, is not.
    expect(chat.unread).toBe(chat.last_msg_seq - 1);
    expect(chat.recents[0]?.message_seq).toBe(chat.last_msg_seq);
  }
  expect(await backEnd.sync(uid, { page: CHATS / PAGE + 1, page_size: PAGE, msg_count: 1 })).toEqual([]);

  await moving;
  const after = (await backEnd.syncPages(uid, PAGE, { msg_count: 1 })).flat();
  expect(ids(after).toSorted()).toEqual(peers.toSorted());
  expect(after.every((chat) => chat.unread === 1 && chat.last_msg_seq === 2)).toBe(true);
  expect(after.map((chat) => chat.timestamp)).toEqual(after.map((chat) => chat.timestamp).toSorted((a, b) => b - a));
  // The oldest of all comes to the front with one more message, and nobody falls out at the other end.
  const oldest = after.at(-1)?.channel_id ?? "";
  await backEnd.send({ from: oldest, to: uid, type: PERSON, text: "third" });
  expect(ids(await backEnd.sync(uid, { msg_count: 1 }))).toEqual([oldest, ...ids(after).slice(0, -1)]);
});
