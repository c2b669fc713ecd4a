/** Calls to HTTP services of others, by undici, which is loaded at the first one. */
import type { Agent } from "undici";
import { CallFailed, type HttpCalling, type HttpPost, type HttpPosted, type Timers } from "../world.ts";

const CONNECT_MS_MAX = 5_000;
/** To one host. Whoever calls bounds his calls himself. */
const CONNECTIONS_MAX = 100;
/** An idle connection is closed before most servers would. */
const IDLE_MS_MAX = 4_000;

interface Loaded {
  readonly agent: Agent;
  readonly request: typeof import("undici").request;
}

export function createHttpCalling(timers: Timers): HttpCalling {
  let loading: Promise<Loaded> | undefined;
  return {
    async post(request) {
      loading ??= load();
      return post(await loading, request, timers);
    },
  };
}

async function load(): Promise<Loaded> {
  const { Agent: UndiciAgent, request } = await import("undici");
  const agent = new UndiciAgent({
    connections: CONNECTIONS_MAX,
    connect: { timeout: CONNECT_MS_MAX },
    keepAliveTimeout: IDLE_MS_MAX,
    // The whole call has one bound of its own.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return { agent, request };
}

async function post({ agent, request }: Loaded, call: HttpPost, timers: Timers): Promise<HttpPosted> {
  const abort = new AbortController();
  const timer = timers.after(call.timeoutMs, () =>
    abort.abort(new CallFailed(`no answer within ${call.timeoutMs} ms`)),
  );
  try {
    const answer = await request(call.url, {
      dispatcher: agent,
      method: "POST",
      headers: { ...call.headers },
      body: call.body,
      signal: abort.signal,
    });
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of answer.body as AsyncIterable<Buffer>) {
      parts.push(part.subarray(0, call.answerBytesMax - bytes));
      bytes += part.length;
      if (bytes >= call.answerBytesMax) break;
    }
    return { status: answer.statusCode, body: Buffer.concat(parts) };
  } catch (error) {
    throw error instanceof CallFailed ? error : new CallFailed(reasonOf(error), { cause: error });
  } finally {
    timer.cancel();
  }
}

/** Of a failed connection attempt at several addresses the first tells enough. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
