/** One failure of the store, in the test's own process: what the client hears, and what is there afterwards. */
import { expect, test } from "vitest";
import { BackEnd, PERSON, texts } from "../harness/back-end.ts";
import { type Engine, startEmbedded, withEngine } from "../harness/embedded-server.ts";
import { temporaryDirectory } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { type Outgoing, WireClient } from "../harness/wire-client.ts";

const SYSTEM_ERROR = 15;

interface Fault {
  /** What the next write does. */
  write: "works" | "fails" | "fails after it took effect";
  reads: "work" | "fail";
}

function faulty(engine: Engine, fault: Fault): Engine {
  const reading = <Result>(read: () => Promise<Result>): Promise<Result> =>
    fault.reads === "work" ? read() : Promise.reject(new Error("EIO: i/o error, read"));
  return {
    get: (key) => {
      if (fault.reads === "fail") throw new Error("EIO: i/o error, read");
      return engine.get(key);
    },
    getMany: (keys) => reading(() => engine.getMany(keys)),
    range: (range) => reading(() => engine.range(range)),
    close: () => engine.close(),
    async write(batches) {
      const { write } = fault;
      fault.write = "works";
      if (write !== "fails") await engine.write(batches);
      if (write !== "works") throw new Error("EIO: i/o error, write");
    },
  };
}

for (const [name, write] of [
  ["H-40g, R-10: a failed commit is answered as failed and its retry makes the row", "fails"],
  [
    "H-07b, R-33: a first message whose commit took effect but was answered 15 is, after its retry, one message and a row",
    "fails after it took effect",
  ],
] as const) {
  test(name, async () => {
    using directory = temporaryDirectory();
    const fault: Fault = { write: "works", reads: "work" };
    await using server = await startEmbedded(directory.path, (world) =>
      withEngine(world, (engine) => faulty(engine, fault)),
    );
    const backEnd = new BackEnd(server.http);
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    using client = await WireClient.connect({ port: server.tcpPort, uid: a });
    using reader = await WireClient.connect({ port: server.tcpPort, uid: b });
    const message = { to: b, type: PERSON, payload: "once", clientMsgNo: uniqueId("no") };
    fault.write = write;
    expect(await client.send(message)).toMatchObject({ reason: SYSTEM_ERROR, messageSeq: 0 });
    const accepted = (outgoing: Outgoing): Promise<{ readonly messageSeq: number }> =>
      eventually(async () => {
        const answer = await client.send(outgoing);
        return answer.outcome === "answered" && answer.reason === 1 ? answer : undefined;
      }, "the store is open again and takes the message");
    expect(await accepted(message)).toMatchObject({ messageSeq: 1 });
    expect(await accepted({ to: b, type: PERSON, payload: "next", clientMsgNo: uniqueId("no") })).toMatchObject({
      messageSeq: 2,
    });
    const chat = await backEnd.chatOf(b, a);
    expect([chat.unread, texts(chat.recents)]).toEqual([2, ["next", "once"]]);
    expect(await backEnd.chatOf(a, b)).toMatchObject({ unread: 0, last_msg_seq: 2 });
    await reader.until(() => reader.received.some((received) => received.payload.toString() === "next"), 5_000);
    // What took effect before the failure was told may be found by sync only; what is pushed is pushed once, in order.
    expect([["once", "next"], ["next"]]).toContainEqual(texts(reader.take()));
  });
}

test("H-33: a store that cannot read answers an error, never a shorter list", async () => {
  using directory = temporaryDirectory();
  const fault: Fault = { write: "works", reads: "work" };
  const [a, b, c] = [uniqueId("a"), uniqueId("b"), uniqueId("c")];
  {
    await using server = await startEmbedded(directory.path);
    const backEnd = new BackEnd(server.http);
    for (const from of [a, c]) await backEnd.send({ from, to: b, type: PERSON, text: "hello" });
  }
  await using server = await startEmbedded(directory.path, (world) =>
    withEngine(world, (engine) => faulty(engine, fault)),
  );
  fault.reads = "fail";
  const answers = await Promise.all([
    server.http.post("/conversation/sync", { uid: b, msg_count: 5 }),
    server.http.post("/conversation/sync", { uid: b, msg_count: 5, page: 1, page_size: 1 }),
    server.http.post("/conversation/channels", { uid: b }),
    server.http.post("/channel/messagesync", {
      login_uid: b,
      channel_id: a,
      channel_type: PERSON,
      limit: 10,
      pull_mode: 1,
    }),
  ]);
  for (const answer of answers) expect(answer.status).toBeGreaterThanOrEqual(400);
  fault.reads = "work";
  expect(await new BackEnd(server.http).sync(b)).toHaveLength(2);
});
