/** What is known, one sentence per fact, in the order in which a message goes its way. */
import type { Standing } from "../messaging/message-standing.ts";
import { type Evidence, isCommand, isExpired } from "./explain-evidence.ts";
import type { SessionState, SessionView } from "./explain-sessions.ts";
import { REFUSALS, reasonText, times } from "./explain-verdicts.ts";

export interface Fact {
  readonly code: string;
  readonly text: string;
}

export function factsOf(evidence: Evidence): readonly Fact[] {
  return [
    ...arrivalFacts(evidence),
    ...permissionFacts(evidence),
    ...membershipFacts(evidence),
    ...evidence.sessions.flatMap((session) => sessionFacts(session, evidence)),
    ...loginFacts(evidence),
    ...listFacts(evidence),
    ...commandFacts(evidence),
    ...webhookFacts(evidence),
    ...serverFacts(evidence),
  ];
}

function fact(code: string, text: string): Fact {
  return { code, text };
}

function arrivalFacts(evidence: Evidence): readonly Fact[] {
  const { message, refusal, time } = evidence;
  const facts: Fact[] = [];
  if (message !== undefined && message.seq > 0)
    facts.push(
      fact(
        "stored",
        `The server stored it at ${time(message.atMs)} as number ${message.seq} of the ${message.log} log.`,
      ),
    );
  else if (message !== undefined)
    facts.push(
      fact(
        "not_kept",
        `The server took it at ${time(message.atMs)}; it was not to be kept (no_persist), so it has no seq.`,
      ),
    );
  if (message !== undefined && message.expiresAtMs !== 0)
    facts.push(fact("expires", `It ${isExpired(evidence) ? "expired" : "expires"} at ${time(message.expiresAtMs)}.`));
  if (refusal === undefined) return facts;
  const { note, fromUid } = refusal;
  const since =
    note.count > 1 ? ` (${note.count} of this kind from ${time(note.firstMs)} to ${time(note.lastMs)})` : "";
  const text = `reason ${note.reason}, because ${REFUSALS[note.rule].because}${since}.`;
  if (refusal.atMs === 0)
    facts.push(fact("perhaps_refused", `It may be one of the sends of ${fromUid} that were refused: ${text}`));
  else if (message === undefined) facts.push(fact("refused", `It was refused at ${time(refusal.atMs)} with ${text}`));
  else facts.push(fact("refused_before", `A send with this number was refused at ${time(refusal.atMs)} with ${text}`));
  return facts;
}

const MAY_SEND: Readonly<Record<Standing["kind"]["maySend"], string>> = {
  anyone: "anyone may send there",
  "peer-rules": "the receiver's deny and allow lists did not forbid it",
  "parties-or-members": "parties of the chat and members may send",
  "owner-or-members": "the owner and members may send",
  members: "members who are not on the deny list may send",
};

function permissionFacts({ standing }: Evidence): readonly Fact[] {
  if (standing === undefined) return [];
  const facts = [
    fact("permitted", `It was permitted: ${MAY_SEND[standing.kind.maySend]}, system accounts and the HTTP API too.`),
  ];
  if (standing.isBanned)
    facts.push(fact("channel_banned_now", "The channel is banned now: new chat messages are refused."));
  if (standing.isDisbanded)
    facts.push(fact("channel_disbanded_now", "The channel is disbanded now: new chat messages are refused."));
  return facts;
}

function membershipFacts({ standing, message, time }: Evidence): readonly Fact[] {
  if (standing === undefined || message === undefined) return [];
  const { membership, joinedAfterSeq, leftAfterSeq, memberSinceMs } = standing;
  const since = memberSinceMs === undefined ? "" : `; on the list of members since ${time(memberSinceMs)}`;
  const joined = joinedAfterSeq === undefined ? "" : ` (he joined after number ${joinedAfterSeq}${since})`;
  const left = leftAfterSeq === undefined ? "" : ` (he left after number ${leftAfterSeq})`;
  const text = {
    implied: "He belongs to the channel by its id.",
    named: "The send named its receivers, and he is one of them.",
    member: `He was a member when it came${joined}${left}.`,
    joined_later: `He was no member when it came${joined}.`,
    left_before: `He was no longer a member when it came${left}.`,
    none: "He is no member of the channel.",
    unknown: "He is no member now; when he left is not known.",
  }[membership];
  const facts = [fact(`membership_${membership}`, text)];
  if (standing.isDenied)
    facts.push(fact("on_deny_list", "He is on the channel's deny list now: he may not send, but gets what comes."));
  return facts;
}

const STATES: Readonly<Record<SessionState, (session: SessionView, evidence: Evidence) => string>> = {
  connected_after: () => "connected after the message; it finds it by sync",
  ended_before: () => "had ended before the message",
  not_his: () => "was open, but the message was not for him",
  own: () => "has sent the message and gets no copy",
  own_or_acknowledged: () => "has sent the message, or got its copy and acknowledged it",
  acknowledged: () => "was pushed the message and acknowledged it",
  acknowledged_late: ({ resends }) => `acknowledged the message after it was sent again ${times(resends)}`,
  pushed: () => "was pushed the message, which is not to be acknowledged",
  being_pushed: () => "is about to be pushed the message",
  waiting: ({ resends, dueInMs }) =>
    `was pushed the message${resends === 0 ? "" : ` (sent again ${times(resends)})`} and has not acknowledged it; next try in ${Math.ceil(dueInMs / 1000)} s`,
  given_up: ({ resends, notedMs }, { time }) =>
    `did not acknowledge the message, though it was sent again ${times(resends)}; given up at ${time(notedMs)}`,
  forgotten: ({ notedMs }, { time, pendingAcksMax }) =>
    `was pushed the message, which was forgotten at ${time(notedMs)} because more than ${pendingAcksMax} waited`,
  expired_waiting: ({ notedMs }, { time }) =>
    `was pushed the message, which expired before it was acknowledged (${time(notedMs)})`,
  unacknowledged: ({ resends }) =>
    `was pushed the message${resends === 0 ? "" : ` (sent again ${times(resends)})`} and ended without acknowledging it`,
  not_pushed: () => "was open, but the server had no room to push the message",
  ended_meanwhile: () => "ended within a second of the message; it may have missed it",
  server_stopped: () => "was pushed the message; the server crashed, so its acknowledgement is not known",
  not_noted: () => "may have been pushed the message; there was no room to note what became of it",
};

function sessionFacts(session: SessionView, evidence: Evidence): readonly Fact[] {
  const { note, openedMs, endedMs, endReason, state } = session;
  const { time } = evidence;
  const end =
    endedMs === 0
      ? "still open"
      : `ended ${endReason === "server_crashed" ? "before" : "at"} ${time(endedMs)}: ${reasonText(endReason)}`;
  const device = `device flag ${note.deviceFlag}, ${note.deviceLevel}, id "${note.deviceId}", protocol ${note.version}`;
  return [
    fact(
      `session_${state}`,
      `Session ${note.id} (${device}; opened at ${time(openedMs)}, ${end}) ${STATES[state](session, evidence)}.`,
    ),
  ];
}

function loginFacts({ loginFailures, tokenFlags, time }: Evidence): readonly Fact[] {
  const facts = loginFailures.map(({ deviceFlag, reason, count, lastMs }) =>
    fact(
      "login_refused",
      `A login with device flag ${deviceFlag} was refused ${times(count)}, last at ${time(lastMs)}: ${reasonText(reason)}.`,
    ),
  );
  if (facts.length > 0)
    facts.push(
      fact(
        "tokens",
        `Tokens are set for ${tokenFlags.length === 0 ? "none of his devices" : `device flag ${tokenFlags.join(", ")}`}.`,
      ),
    );
  return facts;
}

function listFacts({ standing, message }: Evidence): readonly Fact[] {
  if (standing === undefined || message === undefined || standing.listing === "no_chat") return [];
  const { listing, countedFromSeq, readToSeq, unread } = standing;
  const text = {
    shown: "The chat is in his chat list and shows it.",
    type_not_listed: `Chats of this kind (${standing.kind.name}) are in no chat list.`,
    system_chat: "The chat with ____system is in no chat list (conversation.showSystem).",
    no_row: "The chat is not in his chat list: he does not belong to the channel.",
    left: "The chat is not in his chat list: he has left the channel.",
    deleted: `He has deleted the chat up to number ${standing.deletedToSeq}, so it is hidden.`,
  }[listing];
  const facts = [fact(`list_${listing}`, text)];
  if (listing !== "shown") return facts;
  if (readToSeq >= message.seq) facts.push(fact("read", `He has read up to number ${readToSeq}; ${unread} unread.`));
  else if (countedFromSeq >= message.seq)
    facts.push(
      fact("not_counted", `It is not counted as unread: he sent, joined or deleted at number ${countedFromSeq}.`),
    );
  else facts.push(fact("unread", `He has not read it; ${unread} unread in this chat.`));
  return facts;
}

function commandFacts(evidence: Evidence): readonly Fact[] {
  const { standing, message, isCommandSyncOff } = evidence;
  if (standing === undefined || message === undefined || !isCommand(evidence)) return [];
  if (!standing.kind.keepsCommands)
    return [fact("command_not_kept", "Commands of this kind of channel are only pushed.")];
  if (isCommandSyncOff)
    return [fact("command_sync_off", "disableCMDMessageSync is on: /message/sync hands out nothing.")];
  const cursor = `his cursor in this channel stands at ${standing.commandSeq}`;
  return standing.commandSeq >= message.seq
    ? [fact("command_past", `/message/sync no longer hands it out: ${cursor}.`)]
    : [fact("command_open", `/message/sync hands it out until it is acknowledged: ${cursor}.`)];
}

function webhookFacts({ message, webhook }: Evidence): readonly Fact[] {
  if (message === undefined || message.seq === 0) return [];
  const text = {
    delivered: "The webhook has taken it (msg.notify).",
    waiting: "It waits for the webhook (msg.notify).",
    dead: "The webhook did not take it, and it was given up (msg.notify).",
    off: "No webhook is told of it.",
  }[webhook];
  return [fact(`webhook_${webhook}`, text)];
}

function serverFacts({ message, bootMs, notesDropped, time }: Evidence): readonly Fact[] {
  const facts: Fact[] = [];
  if (message !== undefined && message.atMs < bootMs)
    facts.push(fact("server_restarted", `The server was started again at ${time(bootMs)}, after the message.`));
  if (notesDropped > 0)
    facts.push(
      fact(
        "notes_missing",
        `The server had no room for ${notesDropped} notes since its start (limits.trailWaitingMax): what is told of sessions may be incomplete.`,
      ),
    );
  return facts;
}
