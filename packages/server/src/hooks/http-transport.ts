/** Events by HTTP POST, as WuKongIM sends them: the name in the query, JSON in the body, and only 200 means "taken". */
import { CallFailed, type World } from "../world/world.ts";
import { type Outcome, TAKEN } from "./outcome.ts";
import { eventHeaders } from "./signature.ts";
import type { WebhookEvent } from "./webhook.ts";

export type Transport = (event: WebhookEvent) => Promise<Outcome>;

const TIMEOUT_MS = 30_000;
/** Of an answer as much is kept as helps to see why it is not 200. */
const ANSWER_BYTES_MAX = 1024;
const REASON_CHARS_MAX = 200;
/** Too early, too much, too late, and what proxies say when the receiver behind them is gone. */
const DOWN: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

export function httpTransport(
  world: Pick<World, "http" | "clock">,
  address: string,
  keys: readonly Uint8Array[],
): Transport {
  return async (event) => {
    try {
      const { status, body } = await world.http.post({
        url: eventUrl(address, event.name),
        headers: { "content-type": "application/json", ...eventHeaders(event, world.clock.wallMs(), keys) },
        body: event.body,
        timeoutMs: TIMEOUT_MS,
        answerBytesMax: ANSWER_BYTES_MAX,
      });
      return outcomeOf(status, body);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      return { kind: "down", reason: error.message };
    }
  };
}

/** The address may have a query of its own, which stays as it is. */
export function eventUrl(address: string, name: string): string {
  const [base = ""] = address.split("#");
  const separator = base.includes("?") ? (/[?&]$/.test(base) ? "" : "&") : "?";
  return `${base}${separator}event=${encodeURIComponent(name)}`;
}

function outcomeOf(status: number, body: Uint8Array): Outcome {
  if (status === 200) return TAKEN;
  const text = Buffer.from(body).toString("utf8").trim().slice(0, REASON_CHARS_MAX);
  const reason = text === "" ? `HTTP ${status}` : `HTTP ${status}: ${text}`;
  if (DOWN.has(status)) return { kind: "down", reason };
  return { kind: status >= 500 ? "error" : "refused", reason };
}
