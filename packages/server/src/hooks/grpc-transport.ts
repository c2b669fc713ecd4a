/** Events by gRPC: the same bodies to `wkhook.WebhookService/SendWebhook`. */
import { CallFailed, type World } from "../world/world.ts";
import { encodeEventRequest, isSuccess } from "./event-messages.ts";
import type { Transport } from "./http-transport.ts";
import { type Outcome, TAKEN } from "./outcome.ts";
import { eventHeaders } from "./signature.ts";

const TIMEOUT_MS = 30_000;
const PATH = "/wkhook.WebhookService/SendWebhook";
const ANSWER_BYTES_MAX = 64 * 1024;
const TEXT_CHARS_MAX = 200;
/** Cancelled, deadline exceeded, resource exhausted, aborted, unavailable. */
const DOWN: ReadonlySet<number> = new Set([1, 4, 8, 10, 14]);
/** Unknown, internal, data loss. */
const ERROR: ReadonlySet<number> = new Set([2, 13, 15]);

export function grpcTransport(
  world: Pick<World, "grpc" | "clock">,
  at: { readonly host: string; readonly port: number },
  keys: readonly Uint8Array[],
): Transport {
  return async (event) => {
    try {
      const { status, statusText, message } = await world.grpc.call({
        host: at.host,
        port: at.port,
        path: PATH,
        metadata: eventHeaders(event, world.clock.wallMs(), keys),
        message: encodeEventRequest(event.name, event.body),
        timeoutMs: TIMEOUT_MS,
        answerBytesMax: ANSWER_BYTES_MAX,
      });
      return status === 0
        ? outcomeOf(message)
        : failure(status, `gRPC ${status}: ${statusText.slice(0, TEXT_CHARS_MAX)}`);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      return { kind: "down", reason: error.message };
    }
  };
}

function outcomeOf(message: Uint8Array): Outcome {
  try {
    return isSuccess(message) ? TAKEN : { kind: "error", reason: "EventResp.status is Error" };
  } catch {
    return { kind: "error", reason: "the answer is no EventResp" };
  }
}

function failure(status: number, reason: string): Outcome {
  if (DOWN.has(status)) return { kind: "down", reason };
  return { kind: ERROR.has(status) ? "error" : "refused", reason };
}
