/** The commands of one user: what reached him, what he acknowledged, and what therefore must and must not come again. */
import { expect } from "vitest";
import type { Backend } from "./backend.ts";
import type { Membership } from "./membership.ts";
import type { Sent, SentMessages } from "./sent-messages.ts";

interface Shown {
  readonly message_idstr: string;
  readonly message_seq: number;
  readonly payload: string;
}

export interface InboxDeps {
  readonly backend: Backend;
  readonly sent: SentMessages;
  readonly membership: Membership;
  readonly now: () => number;
}

/** Far more hand-outs than a run has commands: a sync that never comes to its end is a failure. */
const ROUNDS_MAX = 200;

export class CommandInbox {
  readonly uid: string;
  readonly #deps: InboxDeps;
  readonly #received = new Set<string>();
  /** By RECVACK, which the server may or may not have taken in. */
  readonly #acknowledged = new Set<string>();
  readonly #handedOut = new Set<string>();
  /** Acknowledged by a syncack that was answered, and when that was. */
  readonly #done = new Map<string, number>();
  /** Hand-outs that the server may remember: while there is more than one, a syncack can be taken for another's. */
  #open = 0;

  constructor(uid: string, deps: InboxDeps) {
    this.uid = uid;
    this.#deps = deps;
  }

  pushed(sent: Sent): void {
    this.#received.add(sent.no);
  }

  acknowledging(sent: Sent): void {
    this.#acknowledged.add(sent.no);
  }

  crashed(): void {
    this.#open = 0;
  }

  /** One device syncs, and acknowledges or not. */
  async syncOnce(limit: number, isAcknowledged: boolean): Promise<void> {
    this.#open++;
    const answer = await this.#sync(limit, (body) => this.#deps.backend.call("/message/sync", body));
    const last = answer?.at(-1);
    if (answer === undefined || last === undefined || !isAcknowledged) return;
    const body = { uid: this.uid, last_message_seq: last.message_seq };
    const acknowledged = await this.#deps.backend.call("/message/syncack", body);
    if (acknowledged?.status !== 200 || this.#open !== 1) return;
    this.#open = 0;
    this.#noteDone(answer.map(textOf));
  }

  /** In a quiet moment: syncs and acknowledges until nothing comes, and by then everything must have come. */
  async drain(limit: number): Promise<void> {
    const { backend, sent, membership } = this.#deps;
    const before = new Set(this.#handedOut);
    const drained: string[] = [];
    for (let round = 0; ; round++) {
      expect(round, `${this.uid} comes to the end of his commands`).toBeLessThan(ROUNDS_MAX);
      const answer = (await this.#sync(limit, (body) => backend.must("/message/sync", body))) ?? [];
      const last = answer.at(-1);
      if (last === undefined) break;
      drained.push(...answer.map(textOf));
      await backend.must("/message/syncack", { uid: this.uid, last_message_seq: last.message_seq });
    }
    this.#open = 0;
    this.#noteDone(drained);
    const came = new Set(drained);
    for (const command of sent.all()) {
      if (!command.isCommand || !command.isPersisted || command.state !== "acknowledged") continue;
      const { chat, sentAtMs, acknowledgedAtMs, no } = command;
      if (membership.during(chat, this.uid, sentAtMs, acknowledgedAtMs) !== "member") continue;
      if (membership.hasJoinedSince(chat, this.uid, sentAtMs)) continue;
      expect(this.#received.has(no), `${this.uid} gets the command ${no} in ${chat.name}`).toBe(true);
      if (!this.#acknowledged.has(no) && !before.has(no))
        expect(came.has(no), `${this.uid} has not acknowledged ${no} in ${chat.name} and can sync it`).toBe(true);
    }
  }

  async #sync(
    limit: number,
    call: (body: unknown) => Promise<{ readonly status: number; readonly body: unknown } | undefined>,
  ): Promise<readonly Shown[] | undefined> {
    const { sent, membership, now } = this.#deps;
    const askedAtMs = now();
    const answer = await call({ uid: this.uid, limit });
    if (answer?.status !== 200) return undefined;
    const shown = answer.body as readonly Shown[];
    expect(shown.length, "a sync keeps its limit").toBeLessThanOrEqual(limit);
    let lastId = 0n;
    for (const message of shown) {
      const id = BigInt(message.message_idstr);
      expect(id > lastId, `${this.uid} gets commands in the order of their ids, each once`).toBe(true);
      lastId = id;
      const command = sent.find(textOf(message));
      const { no, chat, sentAtMs, acknowledgedAtMs } = command;
      expect(command.isCommand, `${no} is a command`).toBe(true);
      const standing = membership.during(chat, this.uid, sentAtMs, Math.min(acknowledgedAtMs, now()));
      expect(standing, `${this.uid} in ${chat.name} when ${no} was sent`).not.toBe("none");
      const doneAtMs = this.#done.get(no) ?? Number.POSITIVE_INFINITY;
      expect(doneAtMs < askedAtMs, `${no} comes again to ${this.uid}, who has acknowledged it`).toBe(false);
      this.#received.add(no);
      this.#handedOut.add(no);
    }
    return shown;
  }

  #noteDone(nos: readonly string[]): void {
    for (const no of nos) if (!this.#done.has(no)) this.#done.set(no, this.#deps.now());
  }
}

function textOf(message: Shown): string {
  return atob(message.payload);
}
