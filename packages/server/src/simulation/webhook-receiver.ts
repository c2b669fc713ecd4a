/** The back end's webhook: it fails now and then, takes events whose answer is lost, and remembers what it was told. */
import { expect } from "vitest";
import type { SeededRandom } from "../world/simulated/seeded-random.ts";
import type { HttpPost, HttpPosted } from "../world/world.ts";
import type { Sent, SentMessages } from "./sent-messages.ts";

interface Told {
  readonly message_idstr: string;
  readonly message_seq: number;
  readonly from_uid: string;
  readonly payload: string;
}

interface ToldOffline {
  readonly from_uid: string;
  readonly payload: string;
  readonly to_uids: readonly string[];
}

export class WebhookReceiver {
  readonly #random: SeededRandom;
  readonly #sent: SentMessages;
  readonly #told = new Map<string, { readonly id: string; readonly seq: number }>();
  /** By log: the seq that was told last. */
  readonly #lastSeqs = new Map<string, number>();
  /** By `uid flag`: how many sessions the last event says there are. */
  readonly #sessions = new Map<string, number>();
  readonly #faults: string[] = [];

  constructor(random: SeededRandom, sent: SentMessages) {
    this.#random = random;
    this.#sent = sent;
  }

  receive({ url, body }: HttpPost): HttpPosted | undefined {
    const dice = this.#random.below(20);
    if (dice === 0) return undefined;
    if (dice === 1) return { status: 500, body: new Uint8Array(0) };
    const event = url.slice(url.lastIndexOf("=") + 1);
    const told: unknown = JSON.parse(Buffer.from(body).toString());
    if (event === "msg.notify") for (const message of told as readonly Told[]) this.#note(message);
    else if (event === "msg.offline") this.#noteOffline(told as ToldOffline);
    else if (event === "user.onlinestatus") for (const text of told as readonly string[]) this.#noteStatus(text);
    else this.#faults.push(`an event at ${url}`);
    return dice === 2 ? undefined : { status: 200, body: new Uint8Array(0) };
  }

  /** Acknowledged, kept, and not told of yet. */
  get missing(): readonly Sent[] {
    return this.#sent
      .all()
      .filter((sent) => sent.state === "acknowledged" && sent.isPersisted && !this.#told.has(sent.no));
  }

  /** Who is believed to be online: `uid flag`, and how many sessions. */
  get online(): ReadonlyMap<string, number> {
    return new Map([...this.#sessions].filter(([, count]) => count > 0));
  }

  check(): void {
    expect(this.#faults).toEqual([]);
    expect(
      this.missing.map(({ no }) => no),
      "the webhook is told of every message",
    ).toEqual([]);
    for (const [no, told] of this.#told) {
      const { state, isPersisted, isToSubscribers, id, seq } = this.#sent.find(no);
      expect(isPersisted, `${no} is kept`).toBe(true);
      if (state === "acknowledged" && !isToSubscribers)
        expect(told, `${no} is told of as it was acknowledged`).toEqual({ id, seq });
    }
  }

  #note({ message_idstr: id, message_seq: seq, from_uid: from, payload }: Told): void {
    const no = atob(payload);
    const { chat, isCommand, from: sender } = this.#sent.find(no);
    if (from !== sender) this.#faults.push(`${no} from ${from}`);
    const log = `${chat.name} ${isCommand}`;
    const last = this.#lastSeqs.get(log) ?? 0;
    // Again from an earlier place, or the next one: never over one.
    if (seq > last + 1) this.#faults.push(`${no} with seq ${seq} follows ${last} in ${log}`);
    this.#lastSeqs.set(log, seq);
    const before = this.#told.get(no);
    if (before !== undefined && (before.id !== id || before.seq !== seq)) this.#faults.push(`${no} is two messages`);
    this.#told.set(no, { id, seq });
  }

  #noteOffline({ from_uid: from, payload, to_uids: uids }: ToldOffline): void {
    const no = atob(payload);
    const sent = this.#sent.find(no);
    if (from !== sent.from) this.#faults.push(`${no} is told to be from ${from}`);
    if (uids.length === 0) this.#faults.push(`${no} is told to nobody`);
    if (new Set(uids).size < uids.length) this.#faults.push(`${no} is told twice: ${uids.join(" ")}`);
    if (uids.includes(sent.from)) this.#faults.push(`${no} is told to its sender`);
  }

  #noteStatus(text: string): void {
    const [uid, flag, , , device] = text.split("-");
    this.#sessions.set(`${uid} ${flag}`, Number(device));
  }
}
