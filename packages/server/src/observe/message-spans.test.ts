import { expect, test } from "vitest";
import type { Outbound } from "../delivery/outbound.ts";
import type { StoredMessage } from "../messaging/message.ts";
import type { SendRequest, SendResult, SendSink } from "../messaging/send.ts";
import { MessageSpans, type Span, type Spans } from "./message-spans.ts";

/** Notes each begin and end; `sampled` says which traces there are. */
class NotedSpans implements Spans {
  readonly notes: string[] = [];
  readonly attributes = new Map<string, object>();
  sampled = true;

  begin(name: string, attributes: object, parent?: Span): Span | undefined {
    if (parent === undefined && !this.sampled) return undefined;
    this.notes.push(`${parent === undefined ? "" : "  "}${name}`);
    this.attributes.set(name, attributes);
    return {
      end: (more) => this.notes.push(`${parent === undefined ? "" : "  "}/${name} ${JSON.stringify(more ?? {})}`),
    };
  }
}

const ID = { high: 1, low: 2 };
const REQUEST: SendRequest = {
  origin: "client",
  session: 1,
  fromUid: "a",
  addressedTo: { type: 2, id: "g" },
  clientSeq: 1,
  clientMsgNo: "n",
  flags: 0,
  setting: 0,
  expireSeconds: 0,
  topic: "",
  payload: new Uint8Array(3),
};
const STORED: SendResult = { reason: 1, id: ID, seq: 1, repeated: false };
const MESSAGE = { id: ID } as StoredMessage; // nothing else is looked at

function parts(): { spans: NotedSpans; road: MessageSpans; outbound: Outbound; pushed: number[][] } {
  const spans = new NotedSpans();
  const road = new MessageSpans(spans);
  const pushed: number[][] = [];
  const outbound = road.outbound({ recv: (_, to) => pushed.push([...to]), disconnect: () => undefined });
  return { spans, road, outbound, pushed };
}

test("a stored message has decide, commit, fan-out and push below its send", () => {
  const { spans, road, outbound, pushed } = parts();
  const held: { requests: readonly SendRequest[]; sink: SendSink }[] = [];
  const sending = road.sending({ send: (requests, sink) => void held.push({ requests, sink }) });
  const answers: SendResult[] = [];
  sending.send([REQUEST, { ...REQUEST, clientSeq: 2 }], { answered: (_, result) => answers.push(result) });
  for (const { requests, sink } of held) for (const request of requests) sink.answered(request, STORED);
  road.pushing((messages) => {
    for (const message of messages) outbound.recv(message, [7, 8]);
  })([MESSAGE]);
  expect(answers).toHaveLength(2);
  expect(pushed).toEqual([[7, 8]]);
  expect(spans.notes).toEqual([
    "send",
    "  decide",
    "  /decide {}",
    "  commit",
    "  /commit {}",
    '/send {"wk.reason":1,"wk.message_id":"4294967298"}',
    "  fan_out",
    "  push",
    "  /push {}",
    "  /fan_out {}",
  ]);
  expect(spans.attributes.get("send")).toEqual({
    "wk.origin": "client",
    "wk.channel_type": 2,
    "wk.payload_bytes": 3,
    "wk.batch_messages": 2,
  });
  expect(spans.attributes.get("push")).toEqual({ "wk.sessions": 2 });
});

test("a message that is refused at once has no commit", () => {
  const { spans, road } = parts();
  const sending = road.sending({
    send: (requests, sink) => {
      for (const request of requests) sink.answered(request, { ...STORED, reason: 3 });
    },
  });
  sending.send([REQUEST], { answered: () => undefined });
  expect(spans.notes.map((note) => note.split(" {")[0])).toEqual(["send", "  decide", "/send", "  /decide"]);
});

test("what is not sampled passes untouched: the very sink, no spans", () => {
  const { spans, road, outbound } = parts();
  spans.sampled = false;
  const sinks: SendSink[] = [];
  const sink: SendSink = { answered: () => undefined };
  road.sending({ send: (_, given) => void sinks.push(given) }).send([REQUEST], sink);
  road.pushing(() => undefined)([MESSAGE]);
  outbound.recv(MESSAGE, [1]);
  expect(sinks[0]).toBe(sink);
  expect(spans.notes).toEqual([]);
});

test("traces that are never pushed are given up, the oldest first", () => {
  const { spans, road, outbound } = parts();
  let low = 0;
  const sending = road.sending({
    send: (requests, sink) => {
      for (const request of requests) sink.answered(request, { ...STORED, id: { high: 0, low: ++low } });
    },
  });
  for (let sent = 0; sent < 65; sent++) sending.send([REQUEST], { answered: () => undefined });
  spans.notes.length = 0;
  outbound.recv({ ...MESSAGE, id: { high: 0, low: 1 } }, [1]);
  expect(spans.notes).toEqual([]);
  outbound.recv({ ...MESSAGE, id: { high: 0, low: 2 } }, [1]);
  expect(spans.notes).toEqual(["  push", "  /push {}"]);
});
