import { describe, expect, test } from "vitest";
import { session } from "../api/test-kit.ts";
import { NO_ID } from "../messaging/message.ts";
import {
  addNews,
  bytesOf,
  emptyTrail,
  noteLoginFailure,
  notePush,
  noteRefusal,
  noteRepeated,
  noteSession,
  type PushNote,
  type RefusalNote,
  sessionNote,
} from "./user-trail.ts";

const LEFT = { high: 5, low: 5 };

function refusal(id: string, rule: RefusalNote["rule"] = "not_member"): RefusalNote {
  return { channel: { type: 2, id }, log: "chat", reason: 3, rule, count: 0, firstMs: 1, lastMs: 1, cases: [] };
}
function pushNote(firstSeq: number, lastSeq: number, more: Partial<PushNote> = {}): PushNote {
  const run = { channel: { type: 2, id: "g" }, log: "chat" as const, firstSeq, lastSeq, resends: 0, atMs: lastSeq };
  return { kind: "unacknowledged", ...run, boot: 1, sessionId: 7, ...more };
}

describe("sessions", () => {
  test("a later note of a session takes the place of its earlier one", () => {
    const trail = emptyTrail();
    const note = sessionNote(1, session("u", 7, 0), NO_ID);
    noteSession(trail, note);
    noteSession(trail, { ...note, left: LEFT, reason: "kicked" });
    expect(trail.sessions).toMatchObject([{ id: 7, left: LEFT, reason: "kicked" }]);
  });

  test("the same number in another run of the server is another session", () => {
    const trail = emptyTrail();
    for (const boot of [1, 2]) noteSession(trail, sessionNote(boot, session("u", 7, 0), NO_ID));
    expect(trail.sessions.map(({ boot }) => boot)).toEqual([1, 2]);
  });

  test("the last 16 are kept", () => {
    const trail = emptyTrail();
    for (let id = 1; id <= 20; id++) noteSession(trail, sessionNote(1, session("u", id, 0), NO_ID));
    expect(trail.sessions.map(({ id }) => id)).toEqual(Array.from({ length: 16 }, (_, index) => index + 5));
  });
});

describe("refusals", () => {
  test("what repeats is counted, and the last 8 cases are kept", () => {
    const trail = emptyTrail();
    noteRefusal(trail, refusal("g"));
    for (let n = 1; n <= 100; n++) noteRepeated(trail.refusals[0]!, { high: 0, low: n }, `n${n}`, n);
    expect(trail.refusals).toMatchObject([{ count: 100, firstMs: 1, lastMs: 100 }]);
    expect(trail.refusals[0]?.cases.map(({ clientMsgNo }) => clientMsgNo)).toEqual(
      Array.from({ length: 8 }, (_, index) => `n${index + 93}`),
    );
  });

  test("news are added to what is known, and are not changed by it", () => {
    const trail = emptyTrail();
    const news = emptyTrail();
    for (const each of [trail, news]) {
      noteRefusal(each, refusal("g"));
      noteRepeated(each.refusals[0]!, { high: 0, low: 1 }, "n", 2);
    }
    addNews(trail, news);
    addNews(trail, news);
    expect(trail.refusals[0]).toMatchObject({ count: 3 });
    expect(trail.refusals[0]?.cases).toHaveLength(3);
    expect(news.refusals[0]).toMatchObject({ count: 1 });
    expect(news.refusals[0]?.cases).toHaveLength(1);
  });

  test("another rule or channel is another note, and the last 8 are kept", () => {
    const trail = emptyTrail();
    noteRefusal(trail, refusal("g", "deny_list"));
    for (let n = 1; n <= 8; n++) noteRefusal(trail, refusal(`g${n}`));
    expect(trail.refusals.map(({ channel }) => channel.id)).toEqual(["g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8"]);
  });
});

describe("pushes", () => {
  test("a run goes on where the last one of its kind has ended", () => {
    const trail = emptyTrail();
    notePush(trail, pushNote(1, 3));
    notePush(trail, pushNote(4, 4));
    notePush(trail, pushNote(6, 7));
    notePush(trail, pushNote(5, 5, { kind: "late" }));
    expect(trail.pushes.map(({ kind, firstSeq, lastSeq }) => [kind, firstSeq, lastSeq])).toEqual([
      ["unacknowledged", 1, 4],
      ["unacknowledged", 6, 7],
      ["late", 5, 5],
    ]);
  });

  test("when one is forgotten its session is marked: nothing may be concluded from what is not noted", () => {
    const trail = emptyTrail();
    noteSession(trail, sessionNote(1, session("u", 7, 0), NO_ID));
    for (let n = 1; n <= 65; n++) notePush(trail, pushNote(n * 2, n * 2));
    expect(trail.pushes).toHaveLength(64);
    expect(trail.sessions[0]?.untold).toBe(1);
    noteSession(trail, sessionNote(1, session("u", 7, 0), NO_ID));
    expect(trail.sessions[0]?.untold, "a later note does not take it back").toBe(1);
  });
});

test("failed logins are counted by device flag and reason", () => {
  const trail = emptyTrail();
  for (const lastMs of [1, 2, 3])
    noteLoginFailure(trail, { deviceFlag: 1, reason: "auth_failed", count: 1, firstMs: lastMs, lastMs });
  noteLoginFailure(trail, { deviceFlag: 1, reason: "banned", count: 1, firstMs: 4, lastMs: 4 });
  expect(trail.loginFailures).toMatchObject([
    { reason: "auth_failed", count: 3, firstMs: 1, lastMs: 3 },
    { reason: "banned", count: 1 },
  ]);
});

test("a trail of the longest names stays within its bytes", () => {
  const trail = emptyTrail();
  const news = emptyTrail();
  const long = "频".repeat(170);
  for (let n = 0; n < 8; n++) {
    noteRefusal(news, refusal(long + n));
    for (let each = 0; each < 8; each++) noteRepeated(news.refusals[n]!, { high: 0, low: each }, long, 1);
    notePush(news, pushNote(n, n, { channel: { type: 2, id: long + n } }));
  }
  addNews(trail, news);
  expect(bytesOf(news)).toBeGreaterThan(8 * 1024);
  expect(bytesOf(trail)).toBeLessThanOrEqual(8 * 1024);
});
