/** What is read is what was stored; what is too large is refused, and only that. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { GROUP, type Message, PERSON } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { RED_DOT, SYNC_ONCE } from "../harness/wire-client.ts";

const shared = sharedServer();

test("H-56: the first message of every page keeps its header flags", async () => {
  const server = shared.current;
  const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
  await server.backEnd.createGroup(group, [a, b]);
  using client = await server.connect(a);
  const flagsOf = (seq: number): number => (seq % 2 === 1 ? RED_DOT : 0);
  const count = 12;
  for (let seq = 1; seq <= count; seq++)
    await client.sendOk({ to: group, type: GROUP, payload: `${seq}`, flags: flagsOf(seq) });
  const expectTrue = (messages: readonly Message[], where: string): void => {
    expect(messages.length, where).toBeGreaterThan(0);
    for (const { header, message_seq: seq } of messages) {
      const flags = header.red_dot * RED_DOT + header.sync_once * SYNC_ONCE + header.no_persist;
      expect(flags, `${where}, seq ${seq}`).toBe(flagsOf(seq));
    }
  };
  for (const limit of [1, 2, 5, count])
    expectTrue(await server.backEnd.history(b, group, GROUP, limit), `pages of ${limit}`);
  const page = async (path: string, body: object): Promise<void> => {
    const answer: { readonly messages: Message[] } = await server.http.ask(path, {
      login_uid: b,
      channel_id: group,
      channel_type: GROUP,
      ...body,
    });
    expectTrue(answer.messages, `${path} ${JSON.stringify(body)}`);
  };
  for (const start_message_seq of [0, 3, 7, count]) {
    await page("/channel/messagesync", { start_message_seq, end_message_seq: 0, limit: 3, pull_mode: 0 });
  }
  await page("/messages", { message_seqs: [4, 2, 9] });
  for (const msg_count of [1, 2, 3]) {
    expectTrue((await server.backEnd.chatOf(b, group, GROUP, { msg_count })).recents, `recents of ${msg_count}`);
  }
  const last = await server.http.get(`/channel/last_message?channel_id=${group}&channel_type=${GROUP}&login_uid=${b}`);
  expectTrue([last.body as unknown as Message], "last message");
  await client.sendOk({ to: group, type: GROUP, payload: "command", flags: SYNC_ONCE });
  const [command] = await server.backEnd.history(b, `${group}____cmd`, GROUP, 1);
  expect(command?.header, "the command log").toEqual({ no_persist: 0, red_dot: 0, sync_once: 1 });
});

test("H-57: a message above 1 MiB over HTTP is refused cleanly", async () => {
  const { http, backEnd } = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const send = (bytes: number): Promise<{ readonly status: number }> =>
    http.post("/message/send", {
      from_uid: a,
      channel_id: b,
      channel_type: PERSON,
      payload: Buffer.alloc(bytes, "x").toString("base64"),
    });
  expect((await send(1_048_577)).status).toBe(400);
  expect(await statusOfAnnounced(shared.current.httpPort, 20_000_000)).toBe(413);
  expect(await backEnd.sync(b)).toEqual([]);
  expect((await send(1_000_000)).status).toBe(200);
  expect(await backEnd.chatOf(b, a)).toMatchObject({ last_msg_seq: 1 });
});

/** The status for a body that is announced but not sent: whoever sends it all may see the connection end instead. */
async function statusOfAnnounced(port: number, bytes: number): Promise<number> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(
    `POST /message/send HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n{`,
  );
  try {
    const [head] = (await once(socket, "data")) as [Buffer]; // no encoding is set, so chunks are Buffers
    return Number(head.toString().split(" ")[1]);
  } finally {
    socket.destroy();
  }
}

test("H-57: a frame above the limit closes only its own connection", async () => {
  const server = shared.current;
  for (const transport of ["tcp", "websocket"] as const) {
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    using big = await server.connect(a, { transport });
    using other = await server.connect(b, { transport });
    const answer = await big.send({ to: b, type: PERSON, payload: Buffer.alloc(2_000_000) });
    expect(answer.outcome).toBe("closed");
    expect(await other.ping()).toBe(true);
    using again = await server.connect(a, { transport });
    expect(await again.sendOk({ to: b, type: PERSON, payload: "fits" })).toMatchObject({ messageSeq: 1 });
  }
});
