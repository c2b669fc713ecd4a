/** Last messages that lie exactly at the border of a page, of the chat list as of the history. */
import { describe, expect, test } from "vitest";
import { GROUP, type Message, PERSON, texts } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer();
const CHATS = 12;

/** A user with persons and groups by turns; the chats in the order in which they got their last message. */
async function userWithChats(): Promise<{ readonly uid: string; readonly chats: readonly string[] }> {
  const { backEnd } = shared.current;
  const uid = uniqueId("u");
  const chats: string[] = [];
  for (let index = 0; index < CHATS; index++) {
    const type = index % 2 === 0 ? PERSON : GROUP;
    const id = uniqueId(type === PERSON ? "p" : "g");
    if (type === GROUP) await backEnd.createGroup(id, [uid]);
    await say(uid, id, type, "first");
    chats.push(id);
  }
  return { uid, chats };
}

/** A message that `uid` receives in the chat `id`. */
async function say(uid: string, id: string, type: number, text: string): Promise<void> {
  const { backEnd } = shared.current;
  await backEnd.send(type === PERSON ? { from: id, to: uid, type, text } : { from: "somebody", to: id, type, text });
}

describe("pages of the chat list", () => {
  test("every page size gives every chat once, newest first", async () => {
    const { uid, chats } = await userWithChats();
    for (const size of [1, 2, 3, 5, CHATS - 1, CHATS, CHATS + 1, 500]) {
      const pages = await shared.current.backEnd.syncPages(uid, size);
      expect(pages.flat().map((chat) => chat.channel_id)).toEqual(chats.toReversed());
      expect(pages.map((page) => page.length)).toEqual(
        Array.from({ length: Math.ceil(CHATS / size) }, (_, page) => Math.min(size, CHATS - page * size)),
      );
      expect(pages.flat().every((chat) => chat.unread === 1)).toBe(true);
    }
  });

  test("a first message makes a chat the first of page 1, wherever the border lies", async () => {
    for (const size of [1, CHATS, CHATS + 1]) {
      const { uid, chats } = await userWithChats();
      const newcomer = uniqueId("p");
      await say(uid, newcomer, PERSON, "new");
      const pages = await shared.current.backEnd.syncPages(uid, size);
      expect(pages.flat().map((chat) => chat.channel_id)).toEqual([newcomer, ...chats.toReversed()]);
    }
  });

  test("a chat whose last message comes between two pages is still given, once, with it", async () => {
    const { uid, chats } = await userWithChats();
    const { backEnd } = shared.current;
    const size = 4;
    const first = await backEnd.sync(uid, { page: 1, page_size: size });
    // The first and the last of page 2, and the first of page 1.
    for (const index of [CHATS - size - 1, CHATS - 2 * size, CHATS - 1])
      await say(uid, chats[index]!, index % 2 === 0 ? PERSON : GROUP, "meanwhile");
    const rest = [
      ...(await backEnd.sync(uid, { page: 2, page_size: size })),
      ...(await backEnd.sync(uid, { page: 3, page_size: size })),
    ];
    expect(await backEnd.sync(uid, { page: 4, page_size: size })).toEqual([]);
    expect([...first, ...rest].map((chat) => chat.channel_id)).toEqual(chats.toReversed());
    expect(rest[0]).toMatchObject({ last_msg_seq: 2, unread: 2 });
    expect(rest[size - 1]).toMatchObject({ last_msg_seq: 2, unread: 2 });
  });

  test("deleting a chat takes it out of its page and no other chat with it", async () => {
    const { uid, chats } = await userWithChats();
    await shared.current.backEnd.deleteChat(uid, chats[CHATS - 4]!, PERSON);
    const left = chats.filter((_, index) => index !== CHATS - 4).toReversed();
    const pages = await shared.current.backEnd.syncPages(uid, 4);
    // Index CHATS - 4 is even, so a person: the chat at the border of page 1.
    expect(pages.flat().map((chat) => chat.channel_id)).toEqual(left);
  });
});

describe("pages of the history", () => {
  const LAST = 10;
  const limits = [1, 3, LAST - 1, LAST, LAST + 1];

  async function channel(): Promise<{ readonly uid: string; readonly id: string; readonly all: string[] }> {
    const [uid, id] = [uniqueId("u"), uniqueId("g")];
    await shared.current.backEnd.createGroup(id, [uid]);
    const all = Array.from({ length: LAST }, (_, index) => `message ${index + 1}`);
    for (const text of all) await say(uid, id, GROUP, text);
    return { uid, id, all };
  }
  async function page(
    uid: string,
    id: string,
    asked: { readonly start: number; readonly end?: number; readonly limit: number; readonly up: boolean },
  ): Promise<{ readonly messages: readonly Message[]; readonly more: number }> {
    return shared.current.http.ask("/channel/messagesync", {
      login_uid: uid,
      channel_id: id,
      channel_type: GROUP,
      start_message_seq: asked.start,
      end_message_seq: asked.end ?? 0,
      limit: asked.limit,
      pull_mode: asked.up ? 1 : 0,
    });
  }

  test.each(limits)("reading up and down with limit %i gives every message once, with its header", async (limit) => {
    const { uid, id, all } = await channel();
    const up: Message[] = [];
    for (let start = 1; start <= LAST; start += limit) {
      const { messages, more } = await page(uid, id, { start, limit, up: true });
      expect(more).toBe(start + limit - 1 <= LAST ? 1 : 0);
      up.push(...messages);
    }
    expect(texts(up)).toEqual(all);
    const down: Message[] = [];
    for (let start = LAST; start > 0; start -= limit) {
      const { messages } = await page(uid, id, { start, limit, up: false });
      down.unshift(...messages);
    }
    expect(down).toEqual(up);
    expect(up.every((message) => message.header.red_dot === 1)).toBe(true);
    expect((await page(uid, id, { start: LAST + 1, limit, up: true })).messages).toEqual([]);
    const newest = await page(uid, id, { start: 0, limit, up: false });
    expect(texts(newest.messages)).toEqual(all.slice(-limit));
  });

  test.each(limits)("msg_count %i gives so many of the newest messages, the last one among them", async (count) => {
    const { uid, id, all } = await channel();
    const chat = await shared.current.backEnd.chatOf(uid, id, GROUP, { msg_count: count });
    expect(texts(chat.recents)).toEqual(all.slice(-count).toReversed());
    expect(chat).toMatchObject({ unread: LAST, last_msg_seq: LAST });
  });

  test("a client that has all but the last message gets exactly the last one", async () => {
    const { uid, id, all } = await channel();
    const { backEnd } = shared.current;
    await inParallel([1, 5, LAST - 1, LAST], 4, async (seq) => {
      const chats = await backEnd.sync(uid, { last_msg_seqs: `${id}:${GROUP}:${seq}` });
      const wanted = all.slice(seq).toReversed();
      expect(chats.map((chat) => texts(chat.recents))).toEqual(wanted.length === 0 ? [] : [wanted]);
    });
  });
});
