import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { timeText } from "../api/time-text.ts";
import { kindOf } from "../messaging/channel-kinds.ts";
import { NO_ID } from "../messaging/message.ts";
import type { Standing } from "../messaging/message-standing.ts";
import type { RefusalRule } from "../messaging/refusals.ts";
import type { Evidence, ExplainedMessage, KnownRefusal } from "./explain-evidence.ts";
import { factsOf } from "./explain-facts.ts";
import type { SessionState, SessionView } from "./explain-sessions.ts";
import { REFUSALS, VERDICTS, verdictOf } from "./explain-verdicts.ts";

/** Around the table, which `vitest -u` writes. */
const MARK = "<!-- verdicts -->";
const NOW_MS = 1_776_840_000_000;

const MESSAGE: ExplainedMessage = {
  id: { high: 1, low: 2 },
  seq: 5,
  atMs: NOW_MS - 10_000,
  channel: { type: 2, id: "g" },
  log: "chat",
  fromUid: "a",
  clientMsgNo: "n",
  expiresAtMs: 0,
};
const STANDING: Standing = {
  kind: kindOf(2),
  membership: "member",
  joinedAfterSeq: 0,
  leftAfterSeq: undefined,
  memberSinceMs: undefined,
  isDenied: false,
  isBanned: false,
  isDisbanded: false,
  listing: "shown",
  deletedToSeq: 0,
  readToSeq: 0,
  countedFromSeq: 0,
  unread: 1,
  commandSeq: 0,
};

function evidence(given: Partial<Evidence> = {}): Evidence {
  return {
    uid: "b",
    nowMs: NOW_MS,
    message: MESSAGE,
    refusal: undefined,
    standing: STANDING,
    sessions: [],
    loginFailures: [],
    tokenFlags: [],
    webhook: "off",
    isCommandSyncOff: false,
    resendsMax: 5,
    pendingAcksMax: 1024,
    bootMs: NOW_MS - 100_000,
    notesDropped: 0,
    time: timeText,
    ...given,
  };
}
function session(state: SessionState, endReason = "", openedMs = NOW_MS - 50_000): SessionView {
  const device = { deviceFlag: 0, deviceLevel: "slave", deviceId: "d", version: 5 } as const;
  const note = { boot: 1, id: 1, ...device, opened: NO_ID, left: NO_ID, reason: "", untold: 0 };
  const endedMs = endReason === "" ? 0 : openedMs + 10_000;
  return { note, openedMs, endedMs, endReason, state, resends: 1, notedMs: NOW_MS, dueInMs: 4_000 };
}
function refusedBy(rule: RefusalRule, atMs = NOW_MS - 1): KnownRefusal {
  const known = { channel: MESSAGE.channel, log: "chat", reason: 3, rule, count: 1, cases: [] } as const;
  return { note: { ...known, cases: [], firstMs: 1, lastMs: NOW_MS - 1 }, fromUid: "a", atMs };
}
const standing = (given: Partial<Standing>): Partial<Evidence> => ({ standing: { ...STANDING, ...given } });
const message = (given: Partial<ExplainedMessage>): Partial<Evidence> => ({ message: { ...MESSAGE, ...given } });
const sessions = (...list: readonly SessionView[]): Partial<Evidence> => ({ sessions: list });
const failure = { deviceFlag: 1, reason: "auth_failed", count: 2, firstMs: NOW_MS - 500, lastMs: NOW_MS - 100 };

const CASES: readonly (readonly [code: string, given: Partial<Evidence>])[] = [
  ...Object.keys(REFUSALS).map(
    (rule) => [`refused_${rule}`, { message: undefined, refusal: refusedBy(rule as RefusalRule) }] as const,
  ),
  ["message_unknown", { message: undefined }],
  ["message_unknown", { message: undefined, refusal: refusedBy("not_member", 0) }],
  ["system_user", { uid: "____system" }],
  ["own_message", { uid: "a" }],
  ["not_member", standing({ membership: "none" })],
  ["joined_later", standing({ membership: "joined_later" })],
  ["left_before", standing({ membership: "left_before" })],
  ["acknowledged", sessions(session("given_up"), session("acknowledged"))],
  ["acknowledged_late", sessions(session("acknowledged_late"))],
  ["command_acknowledged", { ...message({ log: "command" }), ...standing({ listing: "no_chat", commandSeq: 5 }) }],
  ["read", standing({ readToSeq: 5 })],
  ["pushed", { ...message({ seq: 0 }), ...sessions(session("pushed")) }],
  ["being_pushed", sessions(session("being_pushed"))],
  ["waiting", sessions(session("unacknowledged", "idle"), session("waiting"))],
  ["expired", message({ expiresAtMs: NOW_MS - 1 })],
  ["chat_deleted", { ...standing({ listing: "deleted", deletedToSeq: 7 }), ...sessions(session("given_up")) }],
  ["given_up", sessions(session("given_up"))],
  ["forgotten", sessions(session("forgotten"))],
  ["slow_reader", sessions(session("unacknowledged", "slow_reader"))],
  ["kicked_unacknowledged", sessions(session("unacknowledged", "kicked"))],
  ["stopped_unacknowledged", sessions(session("unacknowledged", "server_stopping"))],
  ["ended_unacknowledged", sessions(session("unacknowledged", "client_closed"))],
  ["expired_waiting", sessions(session("expired_waiting"))],
  ["not_pushed", sessions(session("not_pushed"))],
  ["acknowledgement_unknown", sessions(session("server_stopped", "server_crashed"))],
  ["acknowledgement_unknown", sessions(session("not_noted"))],
  ["ended_meanwhile", sessions(session("ended_meanwhile", "idle"))],
  ["not_kept_offline", message({ seq: 0 })],
  ["commands_off", { ...message({ log: "command" }), isCommandSyncOff: true }],
  ["commands_not_kept", { ...message({ log: "command" }), ...standing({ kind: kindOf(9) }) }],
  ["system_chat", standing({ listing: "system_chat" })],
  ["type_not_listed", standing({ listing: "type_not_listed", kind: kindOf(9) })],
  ["offline_login_refused", { loginFailures: [failure], ...sessions(session("ended_before", "kicked")) }],
  ["offline_kicked", sessions(session("ended_before", "idle", 1), session("ended_before", "kicked"))],
  ["offline_slow_reader", sessions(session("ended_before", "slow_reader"))],
  ["offline_server_stopped", sessions(session("ended_before", "server_crashed"))],
  ["offline", sessions(session("ended_before", "idle"), session("connected_after", "", NOW_MS - 50))],
  ["offline_never_connected", sessions(session("connected_after"))],
];

describe("the table of verdicts", () => {
  test.each(CASES)("%s", (code, given) => {
    const asked = evidence(given);
    const verdict = verdictOf(asked);
    expect(verdict.code).toBe(code);
    expect(verdict.says(asked)).toMatch(/^[A-Z_][^\n]+[.]$/);
    expect(verdict.says(asked)).not.toMatch(/undefined|NaN/);
    for (const { code: name, text } of factsOf(asked))
      expect(text, name).toMatch(/^(?!.*(undefined|NaN))[A-Z/d][^\n]+[.]$/);
  });

  test("every verdict is reached by one of these, and no code is there twice", () => {
    const codes = VERDICTS.map(({ code }) => code);
    expect(new Set(CASES.map(([code]) => code))).toEqual(new Set(codes));
    expect(new Set(codes).size).toBe(codes.length);
  });

  test("a login that succeeded later ends the refused ones", () => {
    const asked = { loginFailures: [failure], ...sessions(session("connected_after", "", failure.lastMs + 1)) };
    expect(verdictOf(evidence(asked)).code).toBe("offline_never_connected");
  });

  test("docs/explain.md lists all of them in their order, with what to do", async () => {
    const path = fileURLToPath(new URL("../../../../docs/explain.md", import.meta.url));
    const [before, , after] = readFileSync(path, "utf8").split(MARK);
    const rows = VERDICTS.map(({ code, advice }) => `| \`${code}\` | ${exampleOf(code)} | ${advice} |\n`);
    const table = `| Verdict | Says, for example | What to do |\n|---|---|---|\n${rows.join("")}`;
    await expect(`${before}${MARK}\n${table}${MARK}${after}`).toMatchFileSnapshot(path);
  });
});

describe("webhooks", () => {
  test.each(["delivered", "waiting", "dead", "off"] as const)("a message that is %s", (webhook) => {
    expect(factsOf(evidence({ webhook })).map(({ code }) => code)).toContain(`webhook_${webhook}`);
    const notKept = evidence({ ...message({ seq: 0 }), webhook });
    expect(factsOf(notKept).map(({ code }) => code)).not.toContain(`webhook_${webhook}`);
  });
});

/** As it is said in the case above. */
function exampleOf(code: string): string {
  const verdict = VERDICTS.find((each) => each.code === code);
  const [, given] = CASES.find(([name]) => name === code) ?? [];
  return verdict?.says({ ...evidence(given), time: () => "…" }) ?? "";
}
