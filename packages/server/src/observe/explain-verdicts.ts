/**
 * The verdicts and their precedence: the first one that holds is the answer. Refusals come first, then whether the message
 * was his, then whether he has it, then what hides it from him, then what went wrong with a push, then why there was none.
 */
import type { RefusalRule } from "../messaging/refusals.ts";
import { type Evidence, isCommand, isExpired, lastEnded, openLoginFailure, sessionIn } from "./explain-evidence.ts";

export interface Verdict {
  readonly code: string;
  holds(evidence: Evidence): boolean;
  /** One sentence. */
  says(evidence: Evidence): string;
  /** What an operator can do; for docs and answers. */
  readonly advice: string;
}

/** Why a send was refused, as the end of a sentence, and what helps. */
export const REFUSALS: Readonly<Record<RefusalRule, { readonly because: string; readonly advice: string }>> = {
  send_ban: {
    because: "its sender may not send (send_ban)",
    advice: "Lift it with /channel/info of the sender's own uid and type 1.",
  },
  channel_ban: { because: "the channel is banned", advice: "Lift the ban with /channel/info." },
  disbanded: {
    because: "the channel is disbanded",
    advice: "A disbanded channel stays so until /channel/info says otherwise.",
  },
  deny_list: {
    because: "its sender is on the deny list",
    advice: "Take him off with /channel/blacklist_remove: of the receiver (type 1) or of the channel.",
  },
  not_member: { because: "its sender is no member of the channel", advice: "Add him with /channel/subscriber_add." },
  receive_only: {
    because: "the members of this temporary channel may only receive",
    advice: "Send by HTTP, or add members with /channel/subscriber_add.",
  },
  allow_list: {
    because: "there is an allow list and its sender is not on it",
    advice: "Put him on it with /channel/whitelist_add, or set whitelistOffOfPerson for persons.",
  },
  bad_channel: {
    because: "there can be no such channel",
    advice: "Check the ids: a person is named by his uid, without @ # &.",
  },
  payload_too_large: {
    because: "its payload is larger than limits.payloadBytesMax",
    advice: "Send a link to the content, or raise the limit.",
  },
  text_too_long: {
    because: "its number, topic or sender's uid is too long",
    advice: "Numbers and uids have at most 255 bytes.",
  },
  undecodable: {
    because: "its payload could not be decrypted or its msgKey is wrong",
    advice: "The client seals with the keys of an earlier session, or not as the protocol says: let it log in again.",
  },
  number_reused: {
    because: "its client_msg_no was used before for another payload",
    advice: "The client must make a new number for each message.",
  },
  seqs_used_up: {
    because: "its channel has more messages than the sender's protocol version can count",
    advice: "Use a client of protocol version 6.",
  },
  overloaded: {
    because: "too much was waiting in the server",
    advice: "The client sends again by itself; see limits.commitQueue… and limits.fanOut… if it happens often.",
  },
  rate_limit: {
    because: "its sender, his address or its channel sent faster than rateLimit.* allows",
    advice: "The client waits and sends again; see rateLimit.* if the limit is too low.",
  },
  store_failed: {
    because: "the store could not take it",
    advice: "See the log and /readyz: the disk may be full. The client sends again.",
  },
};

const REFUSED: readonly Verdict[] = Object.entries(REFUSALS).map(([rule, { because, advice }]) => ({
  code: `refused_${rule}`,
  holds: ({ message, refusal }) => message === undefined && refusal?.note.rule === rule && refusal.atMs !== 0,
  says: () => `The message was refused because ${because}.`,
  advice,
}));

const SYNC_FINDS_IT =
  "Nothing is lost: the client finds it with its next sync (/conversation/sync, /channel/messagesync; commands: /message/sync).";

export const VERDICTS: readonly Verdict[] = [
  ...REFUSED,
  {
    code: "message_unknown",
    holds: ({ message }) => message === undefined,
    says: () =>
      "The server knows no such message: it was never received, or it was refused or not to be kept too long ago.",
    advice:
      "Check the id or number, the channel as the user names it, and from_uid. If they are right the client has not sent it: look at the sender's devices.",
  },
  {
    code: "system_user",
    holds: ({ uid }) => uid === "____system",
    says: () => "____system is no user: it has no devices and no chat list.",
    advice: "Nothing to do.",
  },
  {
    code: "own_message",
    holds: ({ uid, message }) => message?.fromUid === uid,
    says: () => "He has sent the message himself: the session that sent it gets no copy, his other devices do.",
    advice: "See the devices below for his other sessions.",
  },
  {
    code: "not_member",
    holds: ({ standing }) => standing?.membership === "none",
    says: ({ message }) =>
      message?.seq === 0
        ? "He was not among its receivers."
        : "He is no member of the channel, and nothing tells that he was one.",
    advice: "Add him with /channel/subscriber_add; from then on he gets what comes.",
  },
  {
    code: "joined_later",
    holds: ({ standing }) => standing?.membership === "joined_later",
    says: () =>
      "He became a member of the channel after the message: it is in the history, but was neither pushed nor counted for him.",
    advice: "Nothing to do: clients read older messages with /channel/messagesync.",
  },
  {
    code: "left_before",
    holds: ({ standing }) => standing?.membership === "left_before",
    says: () => "He had left the channel before the message.",
    advice: "Add him again with /channel/subscriber_add if he should be a member.",
  },
  {
    code: "acknowledged",
    holds: (evidence) => sessionIn(evidence, "acknowledged") !== undefined,
    says: () => "The message was pushed to him and his device acknowledged it.",
    advice: "The client has it: look there. A client that shows it elsewhere may have filed it under another chat.",
  },
  {
    code: "acknowledged_late",
    holds: (evidence) => sessionIn(evidence, "acknowledged_late") !== undefined,
    says: (evidence) =>
      `The message was acknowledged, but only after it was sent again ${times(sessionIn(evidence, "acknowledged_late")?.resends)}.`,
    advice: "The client was slow, asleep or on a bad line. messageRetry.interval says when a message is sent again.",
  },
  {
    code: "command_acknowledged",
    holds: (evidence) => isCommand(evidence) && (evidence.standing?.commandSeq ?? 0) >= (evidence.message?.seq ?? 0),
    says: () => "One of his devices has acknowledged this command: it is handed out to none of them any more.",
    advice: "The cursor is one per user. If another device needs it too, keep it online, or use a chat message.",
  },
  {
    code: "read",
    holds: ({ message, standing }) =>
      message !== undefined && message.log === "chat" && message.seq > 0 && (standing?.readToSeq ?? 0) >= message.seq,
    says: () => "He has read the chat past this message.",
    advice: "The client has seen it, or has marked the chat as read without looking.",
  },
  {
    code: "pushed",
    holds: (evidence) => sessionIn(evidence, "pushed") !== undefined,
    says: () =>
      "The message was pushed to him once; it was not to be kept, so it is not acknowledged and never sent again.",
    advice: "Send without no_persist what must arrive.",
  },
  {
    code: "being_pushed",
    holds: (evidence) => sessionIn(evidence, "being_pushed") !== undefined,
    says: () => "The message is stored and on its way to him just now.",
    advice: "Ask again in a moment.",
  },
  {
    code: "waiting",
    holds: (evidence) => sessionIn(evidence, "waiting") !== undefined,
    says: (evidence) => {
      const { resends = 0, dueInMs = 0 } = sessionIn(evidence, "waiting") ?? {};
      const again = resends === 0 ? "" : `, sent again ${times(resends)}`;
      return `The message was pushed to him${again}, and his device has not acknowledged it yet; next try in ${Math.ceil(dueInMs / 1000)} s.`;
    },
    advice: "The connection is open but the client does not answer: it hangs, sleeps, or sends no RECVACK.",
  },
  {
    code: "expired",
    holds: isExpired,
    says: ({ message, time }) => `The message had an expiry and is gone since ${time(message?.expiresAtMs ?? 0)}.`,
    advice: "Send without `expire`, or with a longer one.",
  },
  {
    code: "chat_deleted",
    holds: ({ standing }) => standing?.listing === "deleted",
    says: () => "He has deleted the chat after the message came: it is hidden from him for good.",
    advice: "Only he can do that (/conversations/delete); the next message brings the chat back without the old ones.",
  },
  {
    code: "given_up",
    holds: (evidence) => sessionIn(evidence, "given_up") !== undefined,
    says: ({ resendsMax }) =>
      `The message was pushed to him and sent again ${times(resendsMax)} without an acknowledgement, then given up.`,
    advice: `The client sends no RECVACK. ${SYNC_FINDS_IT}`,
  },
  {
    code: "forgotten",
    holds: (evidence) => sessionIn(evidence, "forgotten") !== undefined,
    says: ({ pendingAcksMax }) =>
      `The message was pushed to him and then forgotten, because more than ${pendingAcksMax} unacknowledged messages waited for his session.`,
    advice: `The client acknowledges too slowly or never (limits.pendingAcksMax). ${SYNC_FINDS_IT}`,
  },
  unacknowledgedBy(
    "slow_reader",
    "slow_reader",
    "it read too slowly and was cut off",
    `The network or the client is too slow for what it gets (limits.outboxBytesMax). ${SYNC_FINDS_IT}`,
  ),
  unacknowledgedBy(
    "kicked_unacknowledged",
    "kicked",
    "another login or an administrator ended it",
    `He logged in on another device of the same kind, or the back end kicked him. ${SYNC_FINDS_IT}`,
  ),
  unacknowledgedBy("stopped_unacknowledged", "server_stopping", "the server stopped", SYNC_FINDS_IT),
  {
    code: "ended_unacknowledged",
    holds: (evidence) => sessionIn(evidence, "unacknowledged") !== undefined,
    says: (evidence) =>
      `The message was pushed to him, but his session ended before it was acknowledged (${reasonText(sessionIn(evidence, "unacknowledged")?.endReason)}).`,
    advice: `It was pushed to a line that was dying. ${SYNC_FINDS_IT}`,
  },
  {
    code: "expired_waiting",
    holds: (evidence) => sessionIn(evidence, "expired_waiting") !== undefined,
    says: () => "The message was pushed to him once and expired before it could be sent again.",
    advice: "Send with a longer `expire`.",
  },
  {
    code: "not_pushed",
    holds: (evidence) => sessionIn(evidence, "not_pushed") !== undefined,
    says: () => "The server was too busy to push the message to anybody; it is stored.",
    advice: `See limits.fanOutMessagesMax and the log of that time. ${SYNC_FINDS_IT}`,
  },
  {
    code: "acknowledgement_unknown",
    holds: (evidence) => sessionIn(evidence, "server_stopped", "not_noted") !== undefined,
    says: (evidence) =>
      sessionIn(evidence, "server_stopped") === undefined
        ? "The message was pushed to him; whether it was acknowledged is not known, because there was more to note of that session than room."
        : "The message was pushed to him; whether it was acknowledged is not known, because the server crashed afterwards.",
    advice: SYNC_FINDS_IT,
  },
  {
    code: "ended_meanwhile",
    holds: (evidence) => sessionIn(evidence, "ended_meanwhile") !== undefined,
    says: (evidence) =>
      `His session ended within a second of the message (${reasonText(sessionIn(evidence, "ended_meanwhile")?.endReason)}): whether it still got it is not known.`,
    advice: SYNC_FINDS_IT,
  },
  {
    code: "not_kept_offline",
    holds: ({ message }) => message?.seq === 0,
    says: () => "The message was not to be kept (no_persist) and he had no session: he will never get it.",
    advice: "Send without no_persist what must arrive.",
  },
  {
    code: "commands_off",
    holds: (evidence) => isCommand(evidence) && evidence.isCommandSyncOff,
    says: () => "He had no session, and commands are not handed out later (disableCMDMessageSync).",
    advice: "Set disableCMDMessageSync to false, or send a chat message.",
  },
  {
    code: "commands_not_kept",
    holds: (evidence) => isCommand(evidence) && evidence.standing?.kind.keepsCommands === false,
    says: () => "He had no session, and commands of this kind of channel are not handed out later.",
    advice: "Use another kind of channel for commands that must arrive.",
  },
  {
    code: "system_chat",
    holds: ({ standing }) => standing?.listing === "system_chat",
    says: () => "He had no session, and the chat with ____system is not in the chat list.",
    advice: "Set conversation.showSystem, or send as a system account with a uid of its own.",
  },
  {
    code: "type_not_listed",
    holds: ({ standing }) => standing?.listing === "type_not_listed",
    says: ({ standing }) =>
      `He had no session, and chats of this kind (${standing?.kind.name}) are in no chat list: only the history has the message.`,
    advice: "Let the client read /channel/messagesync, or use a group.",
  },
  {
    code: "offline_login_refused",
    holds: (evidence) => {
      const failure = openLoginFailure(evidence);
      return failure !== undefined && failure.lastMs >= (lastEnded(evidence)?.endedMs ?? 0);
    },
    says: (evidence) => {
      const failure = openLoginFailure(evidence);
      return `He had no session, and his logins are refused: ${reasonText(failure?.reason)} (device flag ${failure?.deviceFlag}).`;
    },
    advice:
      "Tokens belong to a uid and a device flag: set the one for this flag with /user/token, see /cluster/devices?uid=. A banned user is unbanned with /channel/info.",
  },
  offlineAfter("offline_kicked", ["kicked"], "was ended by another login or an administrator"),
  offlineAfter("offline_slow_reader", ["slow_reader"], "was cut because it read too slowly"),
  offlineAfter(
    "offline_server_stopped",
    ["server_stopping", "server_crashed"],
    "ended with the server, and he had not come back",
  ),
  {
    code: "offline",
    holds: (evidence) => lastEnded(evidence) !== undefined,
    says: (evidence) =>
      `He had no session when the message came: the last one ended at ${evidence.time(lastEnded(evidence)?.endedMs ?? 0)} (${reasonText(lastEnded(evidence)?.endReason)}).`,
    advice: SYNC_FINDS_IT,
  },
  {
    code: "offline_never_connected",
    holds: () => true,
    says: () => "He had no session when the message came, and none from before it is known.",
    advice: `He has not logged in yet, or so long ago that it is forgotten (limits.trailUsersMax). ${SYNC_FINDS_IT}`,
  },
];

export function verdictOf(evidence: Evidence): Verdict {
  const verdict = VERDICTS.find((each) => each.holds(evidence));
  if (verdict === undefined) throw new Error("the last verdict always holds");
  return verdict;
}

/** As it stands in a sentence. */
export function reasonText(reason: string | undefined): string {
  return reason === undefined || reason === "" ? "no reason is known" : reason.replaceAll("_", " ");
}

export function times(count = 0): string {
  return count === 1 ? "once" : `${count} times`;
}

function unacknowledgedBy(code: string, reason: string, because: string, advice: string): Verdict {
  const sessionOf = ({ sessions }: Evidence) =>
    sessions.find(
      ({ state, endReason }) => endReason === reason && (state === "unacknowledged" || state === "ended_meanwhile"),
    );
  return {
    code,
    holds: (evidence) => sessionOf(evidence) !== undefined,
    says: (evidence) =>
      `His session was open, but ${because} at ${evidence.time(sessionOf(evidence)?.endedMs ?? 0)}, before it had acknowledged the message.`,
    advice,
  };
}

function offlineAfter(code: string, reasons: readonly string[], because: string): Verdict {
  return {
    code,
    holds: (evidence) => reasons.includes(lastEnded(evidence)?.endReason ?? ""),
    says: (evidence) =>
      `He had no session when the message came: the last one ${because} (${evidence.time(lastEnded(evidence)?.endedMs ?? 0)}).`,
    advice: SYNC_FINDS_IT,
  };
}
