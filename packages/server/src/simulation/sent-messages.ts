/** What the senders remember of their messages: the ground that every promise is checked on. */
import { Reason } from "@wukong-ts/protocol";
import { expect } from "vitest";
import type { Chat } from "./chats.ts";

export interface Sent {
  readonly from: string;
  readonly chat: Chat;
  /** The message number and the payload; the payload tells which message somebody got. */
  readonly no: string;
  readonly isCounted: boolean;
  readonly isPersisted: boolean;
  readonly isCommand: boolean;
  /** Only known by its receivers: the answer names neither id nor seq, and it cannot be sent again. */
  readonly isToSubscribers: boolean;
  /** Copies on the wire: with more than one, a refused copy may be followed by one that is accepted. */
  attempts: number;
  state: "unknown" | "acknowledged" | "refused";
  id: string;
  seq: number;
  /** Virtual time of the first copy and of the first acknowledgement. */
  sentAtMs: number;
  acknowledgedAtMs: number;
}

type NewMessage = Pick<Sent, "from" | "chat" | "isCounted" | "isPersisted" | "isCommand" | "isToSubscribers">;

export class SentMessages {
  readonly #prefix: string;
  readonly #byNo = new Map<string, Sent>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  add(message: NewMessage): Sent {
    const no = `${this.#prefix}-${this.#byNo.size + 1}`;
    const sent: Sent = {
      ...message,
      no,
      attempts: 0,
      state: "unknown",
      id: "",
      seq: 0,
      sentAtMs: Number.POSITIVE_INFINITY,
      acknowledgedAtMs: Number.POSITIVE_INFINITY,
    };
    this.#byNo.set(no, sent);
    return sent;
  }

  all(): readonly Sent[] {
    return [...this.#byNo.values()];
  }

  find(no: string): Sent {
    const sent = this.#byNo.get(no);
    if (sent === undefined) throw new Error(`nobody has sent ${no}`);
    return sent;
  }

  /** What waits for an answer that can still come. */
  open(): readonly Sent[] {
    return this.all().filter((sent) => sent.state === "unknown" && sent.isPersisted && !sent.isToSubscribers);
  }
}

export function noteAttempt(sent: Sent, nowMs: number): void {
  sent.attempts++;
  sent.sentAtMs = Math.min(sent.sentAtMs, nowMs);
}

export function noteAnswer(sent: Sent, reason: number, id: string, seq: number, nowMs: number): void {
  if (reason === Reason.success) {
    if (sent.state === "acknowledged" && sent.isPersisted)
      expect({ id, seq }, `${sent.no} is answered alike`).toEqual({ id: sent.id, seq: sent.seq });
    sent.state = "acknowledged";
    sent.id = id;
    sent.seq = seq;
    sent.acknowledgedAtMs = Math.min(sent.acknowledgedAtMs, nowMs);
    // 15 and 22 leave it open whether it is stored; all other reasons are a refusal of a message never stored before.
  } else if (reason !== Reason.systemError && reason !== Reason.rateLimit) {
    expect(reason === Reason.idempotencyConflict, `${sent.no} has one payload`).toBe(false);
    if (sent.isCommand) expect([Reason.ban, Reason.disband], `${sent.no} is a command`).not.toContain(reason);
    // A copy that overtook the first one may be refused; once the first was answered, every copy gets its answer.
    if (sent.state === "acknowledged")
      expect(sent.attempts, `${sent.no} is not refused after it was acknowledged`).toBeGreaterThan(1);
    else sent.state = "refused";
  }
}

/** Of /message/send. */
export function sendBody(message: Sent): Readonly<Record<string, unknown>> {
  const { chat, from, isCounted, isCommand, no } = message;
  return {
    from_uid: from,
    channel_id: chat.idFor(from),
    channel_type: chat.type,
    client_msg_no: no,
    header: { red_dot: isCounted ? 1 : 0, sync_once: isCommand ? 1 : 0 },
    payload: btoa(no),
  };
}

/** The id is read from the text: as a number it would not be exact. */
export function noteApiAnswer(message: Sent, text: string, nowMs: number): void {
  const { data } = JSON.parse(text) as { data: { message_seq: number; reason: number } };
  const id = /"message_id":(\d+)/.exec(text)?.[1] ?? "";
  noteAnswer(message, data.reason, id, data.message_seq, nowMs);
}
