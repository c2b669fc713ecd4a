/** Reason codes as label values: `rateLimit` is rate_limit. */
import { Reason } from "@wukong-ts/protocol";
import type { Labelled } from "./family.ts";

/** What a send can be answered with: there from the start, so that a first one is seen as a rise. */
const OF_SENDS: ReadonlySet<number> = new Set([
  Reason.success,
  Reason.subscriberNotExist,
  Reason.inBlacklist,
  Reason.payloadDecodeError,
  Reason.notInWhitelist,
  Reason.systemError,
  Reason.channelIdError,
  Reason.ban,
  Reason.rateLimit,
  Reason.disband,
  Reason.sendBan,
  Reason.idempotencyConflict,
  Reason.messageSeqExhausted,
]);

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Reason).map(([name, reason]) => [
    reason,
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  ]),
);

export function byReason(counts: readonly number[], ...before: readonly string[]): Labelled[] {
  return counts.flatMap((value, reason) =>
    value > 0 || OF_SENDS.has(reason) ? [{ labels: [...before, NAMES.get(reason) ?? `reason_${reason}`], value }] : [],
  );
}
