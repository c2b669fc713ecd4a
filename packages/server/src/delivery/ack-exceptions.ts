/**
 * What did not go as usual between a push and its acknowledgement. The rule is not noted: a message that was pushed to a
 * session and is found here in no way was acknowledged. Neighbouring messages of one log make one run, so that a client
 * that acknowledges nothing costs little more than one that does.
 */
import type { ChannelKey, LogName } from "../messaging/message.ts";
import type { Position } from "./pending-acks.ts";

/**
 * "late": acknowledged after it was sent again. "given_up": sent again as often as may be. "forgotten": too many waited.
 * "gone": it had expired before it could be sent again. "unacknowledged": the session ended first.
 */
export type AckExceptionKind = "late" | "given_up" | "forgotten" | "gone" | "unacknowledged";

/** The messages first … last of a log, all of which went to the session. */
export interface AckException {
  readonly kind: AckExceptionKind;
  readonly channel: ChannelKey;
  readonly log: LogName;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly resends: number;
  /** Wall time of the last of them. */
  readonly atMs: number;
}

export interface AckExceptionTrail {
  /** `untold`: so many more there was no room for. Cheap, and never throws. */
  exceptions(sessionId: number, list: readonly AckException[], untold: number): void;
}

/** Of one session between two reports. */
const RUNS_MAX = 32;

export class AckExceptions {
  readonly #runs: { -readonly [Key in keyof AckException]: AckException[Key] }[] = [];
  untold = 0;

  get runs(): readonly AckException[] {
    return this.#runs;
  }

  add(kind: AckExceptionKind, { channel, log, seq }: Position, resends: number, atMs: number): void {
    for (const run of this.#runs) {
      if (run.kind !== kind || run.log !== log || run.resends !== resends || run.lastSeq + 1 !== seq) continue;
      if (run.channel.type !== channel.type || run.channel.id !== channel.id) continue;
      run.lastSeq = seq;
      run.atMs = atMs;
      return;
    }
    if (this.#runs.length >= RUNS_MAX) this.untold++;
    else this.#runs.push({ kind, channel, log, firstSeq: seq, lastSeq: seq, resends, atMs });
  }
}

export function holds(run: Omit<AckException, "kind">, channel: ChannelKey, log: LogName, seq: number): boolean {
  if (seq < run.firstSeq || seq > run.lastSeq || run.log !== log) return false;
  return run.channel.type === channel.type && run.channel.id === channel.id;
}
