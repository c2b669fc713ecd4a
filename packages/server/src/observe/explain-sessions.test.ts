import { describe, expect, test } from "vitest";
import { session } from "../api/test-kit.ts";
import type { AckException } from "../delivery/ack-exceptions.ts";
import type { AckState } from "../delivery/pending-acks.ts";
import { ID_EPOCH_MS } from "../messaging/ids.ts";
import { type MessageId, NO_ID } from "../messaging/message.ts";
import { type AskedPush, type SessionSources, type SessionState, sessionViews } from "./explain-sessions.ts";
import { emptyTrail, noteSession, type PushNote, type SessionNote, sessionNote, type UserTrail } from "./user-trail.ts";

const AT_MS = 100_000;
const BOOT = 50_000;
/** So many milliseconds after the first id there can be. */
function idAt(ms: number): MessageId {
  return { high: Math.floor(ms / 1024), low: (ms % 1024) * 2 ** 22 };
}
const CHANNEL = { type: 2, id: "g" };
const PUSH: AskedPush = {
  channel: CHANNEL,
  log: "chat",
  seq: 5,
  id: idAt(AT_MS),
  isHis: true,
  isOwn: false,
  ownSession: 0,
};

interface Given {
  readonly note?: Partial<SessionNote>;
  readonly push?: Partial<AskedPush>;
  readonly noted?: readonly Partial<PushNote>[];
  readonly server?: UserTrail;
  readonly live?: AckState | AckException;
  readonly isBusy?: boolean;
}

function run(given: Partial<PushNote>): PushNote {
  const place = { channel: CHANNEL, log: "chat", firstSeq: 5, lastSeq: 5, resends: 2, atMs: AT_MS + 9 } as const;
  return { kind: "given_up", ...place, boot: BOOT, sessionId: 7, ...given };
}
function serverOf(...runs: readonly Partial<SessionNote>[]): UserTrail {
  const server = emptyTrail();
  const plain = sessionNote(BOOT, session("", 0, 0), NO_ID);
  for (const given of runs) noteSession(server, { ...plain, opened: idAt(given.boot ?? BOOT), ...given });
  return server;
}

function viewOf(given: Given) {
  const trail = emptyTrail();
  noteSession(trail, { ...sessionNote(BOOT, session("u", 7, 0), NO_ID), opened: idAt(AT_MS - 10), ...given.note });
  trail.pushes.push(...(given.noted ?? []).map(run));
  const sources: SessionSources = {
    trail,
    server: given.server ?? serverOf({ boot: BOOT }),
    boot: BOOT,
    stateOf: () => given.live,
    isBusy: () => given.isBusy ?? false,
  };
  return sessionViews({ ...PUSH, ...given.push }, sources)[0];
}

describe("a session", () => {
  test.each<readonly [SessionState, string, Given]>([
    ["acknowledged", "that is open, and of which nothing is noted", {}],
    ["acknowledged", "that was open when the message came", { note: { left: idAt(AT_MS + 60_000), reason: "idle" } }],
    ["connected_after", "that came later", { note: { opened: idAt(AT_MS + 1) } }],
    ["ended_before", "that had gone", { note: { left: idAt(AT_MS - 1), reason: "idle" } }],
    ["ended_meanwhile", "that went just then", { note: { left: idAt(AT_MS + 500), reason: "idle" } }],
    ["waiting", "that has not acknowledged yet", { live: { resends: 0, dueInMs: 100 } }],
    ["being_pushed", "whose turn has not come", { isBusy: true }],
    ["given_up", "that never acknowledged", { noted: [{}] }],
    ["acknowledged_late", "that acknowledged in the end", { noted: [{}, { kind: "late" }] }],
    ["forgotten", "for which too much waited", { noted: [{ kind: "forgotten" }] }],
    ["forgotten", "for which too much waits, not noted yet", { live: { ...run({}), kind: "forgotten" } }],
    ["expired_waiting", "whose message expired", { noted: [{ kind: "gone" }] }],
    ["unacknowledged", "that ended first", { note: { left: idAt(AT_MS + 500) }, noted: [{ kind: "unacknowledged" }] }],
    ["acknowledged", "with a note of another message", { noted: [{ firstSeq: 6, lastSeq: 9 }, { log: "command" }] }],
    ["acknowledged", "with a note of another channel", { noted: [{ channel: { type: 2, id: "h" } }] }],
    ["acknowledged", "with a note of another session of that number", { noted: [{ boot: 1 }] }],
    ["not_noted", "that had more to note than room", { note: { untold: 1 } }],
    ["not_his", "of somebody for whom it was not", { push: { isHis: false } }],
    ["not_noted", "whose server had more to note than room", { server: serverOf({ boot: BOOT, untold: 1 }) }],
    ["own_or_acknowledged", "of the sender", { push: { isOwn: true } }],
    ["own", "that has sent it", { push: { isOwn: true, ownSession: 7 } }],
    ["pushed", "that was sent what is not kept", { push: { seq: 0 } }],
    [
      "ended_meanwhile",
      "that went when something came that is not kept",
      { push: { seq: 0 }, note: { left: idAt(AT_MS) } },
    ],
  ])("is %s: one %s", (state, _, given) => {
    expect(viewOf(given)?.state).toBe(state);
  });

  test("is not pushed what the server had no room for", () => {
    const server = serverOf({ boot: BOOT });
    server.pushes.push(run({ kind: "not_pushed", sessionId: 0 }));
    expect(viewOf({ server })?.state).toBe("not_pushed");
  });

  test("of a server that crashed ended before the next start, and what it acknowledged is not known", () => {
    const server = serverOf({ boot: 1_000 }, { boot: AT_MS + 5_000 }, { boot: AT_MS + 9_000 });
    const view = viewOf({ note: { boot: 1_000 }, server });
    expect(view).toMatchObject({
      state: "server_stopped",
      endedMs: AT_MS + 5_000 + ID_EPOCH_MS,
      endReason: "server_crashed",
    });
  });

  test("is placed by ids and not by the clock", () => {
    const later = { high: PUSH.id.high, low: PUSH.id.low + 1 };
    expect(viewOf({ note: { opened: later } })?.state).toBe("connected_after");
    expect(viewOf({ note: { left: { ...PUSH.id, low: PUSH.id.low - 1 } } })?.state).toBe("ended_before");
  });

  test("never outlives its server, though ids began again below its end", () => {
    const server = serverOf({ boot: 1_000 }, { boot: AT_MS - 5_000 });
    expect(viewOf({ note: { boot: 1_000, left: idAt(AT_MS + 5_000) }, server })?.state).toBe("ended_before");
  });

  test("of a server that was stopped ended with it, also when there was no room to note that", () => {
    const server = serverOf({ boot: 1_000, left: idAt(AT_MS + 5_000), reason: "server_stopping" });
    const view = viewOf({ note: { boot: 1_000 }, server });
    expect(view).toMatchObject({
      state: "acknowledged",
      endedMs: AT_MS + 5_000 + ID_EPOCH_MS,
      endReason: "server_stopping",
    });
  });
});
