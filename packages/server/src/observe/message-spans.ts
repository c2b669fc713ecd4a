/**
 * The road of a message as spans of a trace: one message of each batch, if it is sampled.
 *
 *   send ────────────────────────────────┐       from the batch's arrival in messaging to the queued answer
 *     decide ──┐                                  gather and decide
 *              commit ───────────────────┐       until it is durable, with what had to be loaded first
 *                                        fan_out  the first slice of receivers
 *                                          push   to the sessions of one slice
 *
 * It stands around the seams between the parts and only where tracing is on, so the parts know nothing of it and a server
 * without it pays nothing.
 */
import type { Outbound } from "../delivery/outbound.ts";
import type { MessageId, StoredMessage } from "../messaging/message.ts";
import type { Sending, SendRequest, SendResult, SendSink } from "../messaging/send.ts";

export type SpanAttributes = Readonly<Record<string, string | number>>;

export interface Span {
  end(attributes?: SpanAttributes): void;
}

/** Where spans go. */
export interface Spans {
  /** undefined: this trace is not sampled. Without a parent a trace begins. */
  begin(name: string, attributes: SpanAttributes, parent?: Span): Span | undefined;
}

interface Trace {
  readonly send: Span;
  commit: Span | undefined;
  isAnswered: boolean;
}

type Push = (messages: readonly StoredMessage[]) => void;

/** Traces whose message may still be pushed; the oldest is given up first. */
const PUSHING_MAX = 64;

export class MessageSpans {
  readonly #spans: Spans;
  readonly #pushing = new Map<string, Span>();

  constructor(spans: Spans) {
    this.#spans = spans;
  }

  sending(inner: Sending): Sending {
    return { send: (requests, sink) => this.#send(inner, requests, sink) };
  }

  pushing(inner: Push): Push {
    return (messages) => {
      const found = this.#pushing.size === 0 ? undefined : messages.find(({ id }) => this.#pushing.has(textOf(id)));
      const parent = found && this.#pushing.get(textOf(found.id));
      const span = parent && this.#spans.begin("fan_out", { "wk.batch_messages": messages.length }, parent);
      inner(messages);
      span?.end();
    };
  }

  outbound(inner: Outbound): Outbound {
    return {
      recv: (message, to) => {
        const parent = this.#pushing.get(textOf(message.id));
        const span = parent && this.#spans.begin("push", { "wk.sessions": to.length }, parent);
        inner.recv(message, to);
        span?.end();
      },
      disconnect: (...given) => inner.disconnect(...given),
    };
  }

  #send(inner: Sending, requests: readonly SendRequest[], sink: SendSink): void {
    const [first] = requests;
    const send = first && this.#spans.begin("send", attributesOf(first, requests.length));
    if (send === undefined) {
      inner.send(requests, sink);
      return;
    }
    const trace: Trace = { send, commit: undefined, isAnswered: false };
    const decide = this.#spans.begin("decide", {}, send);
    inner.send(requests, {
      answered: (request, result) => {
        if (request === first) this.#answered(trace, result);
        sink.answered(request, result);
        if (request === first) send.end({ "wk.reason": result.reason, "wk.message_id": textOf(result.id) });
      },
    });
    decide?.end();
    if (!trace.isAnswered) trace.commit = this.#spans.begin("commit", {}, send);
  }

  #answered(trace: Trace, { id, repeated }: SendResult): void {
    trace.isAnswered = true;
    trace.commit?.end();
    if (repeated) return;
    this.#pushing.set(textOf(id), trace.send);
    if (this.#pushing.size > PUSHING_MAX) this.#pushing.delete(this.#pushing.keys().next().value ?? "");
  }
}

function attributesOf({ origin, addressedTo, payload }: SendRequest, batch: number): SpanAttributes {
  return {
    "wk.origin": origin,
    "wk.channel_type": addressedTo.type,
    "wk.payload_bytes": payload.length,
    "wk.batch_messages": batch,
  };
}

function textOf({ high, low }: MessageId): string {
  return ((BigInt(high) << 32n) | BigInt(low >>> 0)).toString();
}
