/** Which ids are refused and which work. */
import { expect, test } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const CHANNEL_ID_ERROR = 16;
const shared = sharedServer();

test("H-41: plumless and buckeroo, with equal checksums, chat both ways in one channel", async () => {
  const server = shared.current;
  const [a, b] = ["plumless", "buckeroo"];
  using one = await server.connect(a);
  using two = await server.connect(b);
  await one.sendOk({ to: b, type: PERSON, payload: "1" });
  await two.sendOk({ to: a, type: PERSON, payload: "2" });
  await server.backEnd.send({ from: a, to: b, type: PERSON, text: "3" });
  await server.backEnd.send({ from: b, to: a, type: PERSON, text: "4" });
  expect(texts(await two.takeSome(3))).toEqual(["1", "3", "4"]);
  expect(texts(await one.takeSome(3))).toEqual(["2", "3", "4"]);
  for (const [reader, peer] of [
    [a, b],
    [b, a],
  ] as const) {
    expect(texts(await server.backEnd.history(reader, peer, PERSON))).toEqual(["1", "2", "3", "4"]);
    expect((await server.backEnd.sync(reader)).map((chat) => [chat.channel_id, chat.last_msg_seq])).toEqual([
      [peer, 4],
    ]);
  }
});

test("H-42: a person message to an empty id or an id with @ is refused", async () => {
  const server = shared.current;
  const a = uniqueId("a");
  using client = await server.connect(a);
  for (const to of ["", " ", "@", "b@", "@b", `${a}@b`, "x@y@z"]) {
    const answer = await client.send({ to, type: PERSON, payload: "lost?" });
    expect(answer, JSON.stringify(to)).toMatchObject({ reason: CHANNEL_ID_ERROR, messageSeq: 0 });
  }
  expect(await server.backEnd.channels(a)).toEqual([]);
});

test("H-43: a group id with & is refused or works like any other", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const group = `${uniqueId("g")}&x`;
  using client = await server.connect(a);
  using reader = await server.connect(b);
  const created = await server.http.post("/channel", { channel_id: group, channel_type: GROUP, subscribers: [a, b] });
  const answer = await client.send({ to: group, type: GROUP, payload: "hello" });
  if (created.status === 200) {
    expect(answer).toMatchObject({ reason: 1, messageSeq: 1 });
    expect(texts(await reader.takeSome(1))).toEqual(["hello"]);
    expect(await server.backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 1 });
  } else {
    expect(created.status).toBe(400);
    expect(answer.outcome === "answered" && answer.reason).toBeGreaterThan(1);
    expect(await server.backEnd.chat(b, group, GROUP)).toBeUndefined();
  }
});
