/** `wukongim webhook replay`: the call to the running server, whose address and token its configuration tells. */
import type { HttpPost } from "../world/world.ts";
import type { Config } from "./schema.ts";

export interface ReplayOptions {
  readonly fromTime?: string;
  readonly fromMessage?: string;
  readonly follower?: string;
}

const TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 4096;
/** An ISO time says its zone, or is a day. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A text says what is wrong. `parseTime`: of ISO 8601, in ms since 1970. */
export function replayCall(
  options: ReplayOptions,
  config: Config,
  parseTime: (text: string) => number,
): HttpPost | string {
  const { fromTime, fromMessage, follower = "" } = options;
  if (config.httpAddr === null) return "httpAddr is off: the server cannot be reached";
  if ((fromTime === undefined) === (fromMessage === undefined)) return "give one of --from-time and --from-message";
  let from: string;
  if (fromMessage === undefined) {
    const ms = ISO_TIME.test(fromTime ?? "") ? parseTime(fromTime ?? "") : Number.NaN;
    if (!(ms > 0)) return `--from-time: ${fromTime} is not a time as 2026-04-22T08:00:00Z`;
    from = `"from_time":${Math.floor(ms / 1000)}`;
  } else {
    if (!/^[1-9][0-9]{0,18}$/.test(fromMessage)) return `--from-message: ${fromMessage} is not a message_id`;
    from = `"from_message_id":${fromMessage}`;
  }
  const { host, port } = config.httpAddr;
  return {
    url: `http://${reachable(host)}:${port}/webhooks/replay`,
    headers: {
      "content-type": "application/json",
      ...(config.managerToken === "" ? {} : { token: config.managerToken }),
    },
    body: Buffer.from(`{"follower":${JSON.stringify(follower)},${from}}`, "utf8"),
    timeoutMs: TIMEOUT_MS,
    answerBytesMax: ANSWER_BYTES_MAX,
  };
}

/** Of a server that listens everywhere: this machine. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
