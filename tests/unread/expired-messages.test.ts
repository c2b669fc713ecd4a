/** What `expire` promises: an expired message is neither shown nor counted, and what is around it stays. */
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";

const shared = sharedServer();

test("an expired message leaves the history and the unread number, also after a restart", async () => {
  const server = shared.current;
  const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
  await server.backEnd.createGroup(group, [a, b]);
  const send = (text: string, expire: number): Promise<unknown> =>
    server.http.ask("/message/send", {
      header: { red_dot: 1 },
      from_uid: a,
      channel_id: group,
      channel_type: GROUP,
      expire,
      payload: Buffer.from(text).toString("base64"),
    });
  await send("stays", 0);
  await send("goes", 2);
  await send("stays long", 86_400);
  await send("goes too", 2);
  const textsOf = (messages: readonly { readonly payload: string }[]): string[] =>
    messages.map((message) => Buffer.from(message.payload, "base64").toString());
  expect((await server.backEnd.chatOf(b, group, GROUP)).unread).toBe(4);
  const chat = await eventually(async () => {
    const now = await server.backEnd.chatOf(b, group, GROUP, { msg_count: 3 });
    return now.unread === 2 ? now : undefined;
  }, "two of four messages expire");
  expect(textsOf(chat.recents)).toEqual(["stays long", "stays"]);
  const newest = await server.backEnd.chatOf(b, group, GROUP, { msg_count: 1 });
  expect(textsOf(newest.recents)).toEqual(["stays long"]);
  expect(textsOf(await server.backEnd.history(b, group, GROUP))).toEqual(["stays", "stays long"]);
  await server.restart("SIGKILL");
  expect((await server.backEnd.chatOf(b, group, GROUP)).unread).toBe(2);
});

test("a chat of expired messages only is not listed, and comes back with the next message", async () => {
  const { backEnd, http } = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const payload = Buffer.from("goes").toString("base64");
  await http.ask("/message/send", {
    header: { red_dot: 1 },
    from_uid: a,
    channel_id: b,
    channel_type: PERSON,
    expire: 1,
    payload,
  });
  await eventually(async () => (await backEnd.chat(b, a)) === undefined, "the only message expires");
  await backEnd.send({ from: a, to: b, type: PERSON, text: "next" });
  expect((await backEnd.chatOf(b, a)).unread).toBe(1);
});
