/**
 * Who is a member when, as far as it can be known from outside: a change counts from its answer on, and from its call to
 * its answer, after a failure or when two overlap, nothing is known.
 */
import type { Chat } from "./chats.ts";

export type Standing = "member" | "none" | "unsure";
type Certain = Exclude<Standing, "unsure">;

interface Known {
  /** Each standing and since when, in order. */
  readonly past: { readonly sinceMs: number; readonly standing: Standing }[];
  pending: number;
  isOverlapped: boolean;
  mayJoin: boolean;
  /** Until then he may have begun anew: what was sent before is not his any more. */
  joinedMs: number;
}

export class Membership {
  readonly #known = new Map<string, Known>();

  /** A call sets out that leaves these users so; the returned function takes whether it was done, failed or got lost. */
  change(chat: Chat, wanted: ReadonlyMap<string, Certain>, now: () => number): (isDone: boolean) => void {
    const changed: { readonly known: Known; readonly standing: Certain }[] = [];
    for (const [uid, standing] of wanted) {
      if (chat.implied.includes(uid)) continue;
      const known = this.#of(chat, uid);
      known.pending++;
      if (known.pending > 1) known.isOverlapped = true;
      const before = standingNow(known);
      if (standing === "member" && before !== "member") known.mayJoin = true;
      if (known.isOverlapped) known.mayJoin = true;
      if (known.isOverlapped || before !== standing) setStanding(known, "unsure", now());
      changed.push({ known, standing });
    }
    return (isDone) => {
      for (const { known, standing } of changed) {
        // A crash has ended it already.
        if (known.pending === 0) continue;
        known.pending--;
        if (known.pending > 0) continue;
        if (!known.isOverlapped && isDone) setStanding(known, standing, now());
        settle(known, now());
      }
    };
  }

  crashed(nowMs: number): void {
    for (const known of this.#known.values()) {
      if (known.pending === 0) continue;
      known.pending = 0;
      settle(known, nowMs);
    }
  }

  now(chat: Chat, uid: string): Standing {
    return chat.implied.includes(uid) ? "member" : standingNow(this.#of(chat, uid));
  }

  /** "unsure" also when it changed. */
  during(chat: Chat, uid: string, fromMs: number, toMs: number): Standing {
    if (chat.implied.includes(uid)) return "member";
    const { past } = this.#of(chat, uid);
    const standings = past.filter(
      (each, index) => each.sinceMs <= toMs && (past[index + 1]?.sinceMs ?? Number.POSITIVE_INFINITY) >= fromMs,
    );
    const [first] = standings;
    if (first === undefined || standings.some((each) => each.standing !== first.standing)) return "unsure";
    return first.standing;
  }

  hasJoinedSince(chat: Chat, uid: string, ms: number): boolean {
    return !chat.implied.includes(uid) && this.#of(chat, uid).joinedMs >= ms;
  }

  #of(chat: Chat, uid: string): Known {
    const key = `${uid} ${chat.name}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = {
        past: [{ sinceMs: Number.NEGATIVE_INFINITY, standing: "none" }],
        pending: 0,
        isOverlapped: false,
        mayJoin: false,
        joinedMs: Number.NEGATIVE_INFINITY,
      };
      this.#known.set(key, known);
    }
    return known;
  }
}

function standingNow(known: Known): Standing {
  return known.past.at(-1)?.standing ?? "none";
}

function setStanding(known: Known, standing: Standing, sinceMs: number): void {
  if (standingNow(known) !== standing) known.past.push({ sinceMs, standing });
}

function settle(known: Known, nowMs: number): void {
  if (known.mayJoin) known.joinedMs = nowMs;
  known.mayJoin = false;
  known.isOverlapped = false;
}
