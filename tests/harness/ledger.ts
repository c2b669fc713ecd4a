/**
 * The senders' own records: what they sent and what the server acknowledged. From these alone `findMistakes` judges what
 * a server shows: everything acknowledged is there, once, at its place; seqs are dense; whoever belongs to a channel with
 * messages finds it in his list, with the unread that its history gives. What was not acknowledged may be there, once.
 */
import { type BackEnd, type Chat, findChat, GROUP, type Message, PERSON } from "./back-end.ts";
import type { Answer, Outgoing, WireClient } from "./wire-client.ts";

export interface Sent {
  readonly from: string;
  readonly to: string;
  readonly type: number;
  readonly clientMsgNo: string;
  readonly text: string;
  acknowledged: { readonly id: bigint; readonly seq: number } | undefined;
}
export type SentTo = Pick<Sent, "to" | "type" | "clientMsgNo" | "text">;

interface LedgerChannel {
  readonly type: number;
  /** As the first member addresses it. */
  readonly id: string;
  readonly members: readonly string[];
  readonly sent: Sent[];
}

const PARALLEL = 16;
const PAGE = 500;

export class Ledger {
  readonly sent: Sent[] = [];
  readonly #channels = new Map<string, LedgerChannel>();
  readonly #groups = new Map<string, readonly string[]>();
  /** Answers by their reason, and "closed" or "silent". */
  readonly answers = new Map<number | string, number>();

  addGroup(id: string, members: readonly string[]): void {
    this.#groups.set(id, members);
  }

  get acknowledgedCount(): number {
    return this.sent.filter((each) => each.acknowledged !== undefined).length;
  }
  get unacknowledged(): Sent[] {
    return this.sent.filter((each) => each.acknowledged === undefined);
  }
  get channelCount(): number {
    return this.#channels.size;
  }
  count(outcome: number | string): number {
    return this.answers.get(outcome) ?? 0;
  }

  /** Sends in one write, and keeps the answers. */
  async burst(client: WireClient, messages: readonly SentTo[], withinMs = 60_000): Promise<readonly Answer[]> {
    const recorded = messages.map((message) => this.#record({ ...message, from: client.uid, acknowledged: undefined }));
    return this.#send(client, recorded, withinMs);
  }

  /** Sends recorded messages once more, unchanged. */
  async retry(client: WireClient, messages: readonly Sent[], withinMs = 60_000): Promise<readonly Answer[]> {
    return this.#send(client, messages, withinMs);
  }

  async #send(client: WireClient, messages: readonly Sent[], withinMs: number): Promise<readonly Answer[]> {
    const outgoing = messages.map(
      ({ to, type, clientMsgNo, text }): Outgoing => ({ to, type, clientMsgNo, payload: text }),
    );
    const answers = await client.burst(outgoing, withinMs);
    for (const [index, answer] of answers.entries()) {
      const outcome = answer.outcome === "answered" ? answer.reason : answer.outcome;
      this.answers.set(outcome, this.count(outcome) + 1);
      if (answer.outcome === "answered" && answer.reason === 1)
        messages[index]!.acknowledged ??= { id: answer.messageId, seq: answer.messageSeq };
    }
    return answers;
  }

  #record(message: Sent): Sent {
    this.sent.push(message);
    const { from, to, type } = message;
    const members = type === PERSON ? [from, to].sort() : (this.#groups.get(to) ?? []);
    const key = `${type}/${type === PERSON ? members.join("/") : to}`;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = { type, id: type === PERSON ? members[1]! : to, members, sent: [] };
      this.#channels.set(key, channel);
    }
    channel.sent.push(message);
    return message;
  }

  /** Empty when the server keeps its promises. Asks for every channel and every member's chat list. */
  async findMistakes(backEnd: BackEnd): Promise<string[]> {
    const mistakes: string[] = [];
    const lists = new Map<string, Promise<readonly Chat[]>>();
    const listOf = (uid: string): Promise<readonly Chat[]> => {
      const known = lists.get(uid) ?? wholeList(backEnd, uid);
      lists.set(uid, known);
      return known;
    };
    const left = Array.from(this.#channels.values());
    const worker = async (): Promise<void> => {
      for (let channel = left.pop(); channel !== undefined; channel = left.pop()) {
        const history = await backEnd.history(channel.members[0]!, channel.id, channel.type);
        mistakes.push(...mistakesInHistory(channel, history));
        for (const uid of channel.members) mistakes.push(...mistakesInList(channel, history, uid, await listOf(uid)));
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    return mistakes;
  }
}

async function wholeList(backEnd: BackEnd, uid: string): Promise<readonly Chat[]> {
  const chats: Chat[] = [];
  for (let page = 1; ; page++) {
    const rows = await backEnd.sync(uid, { msg_count: 1, page, page_size: PAGE });
    chats.push(...rows);
    if (rows.length < PAGE) return chats;
  }
}

function mistakesInHistory(channel: LedgerChannel, history: readonly Message[]): string[] {
  const mistakes: string[] = [];
  const where = `channel ${channel.id} (type ${channel.type}) of ${channel.members.join(" ")}`;
  const known = new Map(channel.sent.map((sent) => [`${sent.from}/${sent.clientMsgNo}`, sent]));
  const seen = new Set<string>();
  for (const [index, message] of history.entries()) {
    const at = `${where}: message ${message.message_seq}`;
    if (message.message_seq !== index + 1) mistakes.push(`${at} stands at place ${index + 1}`);
    const key = `${message.from_uid}/${message.client_msg_no}`;
    const sent = known.get(key);
    if (sent === undefined) {
      mistakes.push(`${at} was sent by nobody (${key})`);
      continue;
    }
    if (seen.has(key)) mistakes.push(`${at} is stored twice (${key})`);
    seen.add(key);
    if (Buffer.from(message.payload, "base64").toString() !== sent.text) mistakes.push(`${at} has another text`);
    if (sent.acknowledged === undefined) continue;
    const { id, seq } = sent.acknowledged;
    if (seq !== message.message_seq) mistakes.push(`${at} was acknowledged as ${seq}`);
    if (String(id) !== message.message_idstr) mistakes.push(`${at}: id ${message.message_idstr}, acknowledged ${id}`);
  }
  for (const [key, sent] of known)
    if (sent.acknowledged !== undefined && !seen.has(key))
      mistakes.push(`${where}: lost ${key}, acknowledged as ${sent.acknowledged.seq}`);
  return mistakes;
}

function mistakesInList(
  channel: LedgerChannel,
  history: readonly Message[],
  uid: string,
  list: readonly Chat[],
): string[] {
  const id = channel.type === GROUP ? channel.id : channel.members.find((member) => member !== uid)!;
  const chat = findChat(list, id, channel.type);
  const head = history.length;
  if (head === 0) return chat === undefined ? [] : [`${uid} finds the empty chat ${id}`];
  if (chat === undefined) return [`${uid} does not find the chat ${id} with ${head} messages`];
  const mistakes: string[] = [];
  if (chat.last_msg_seq !== head) mistakes.push(`${uid}, chat ${id}: last seq ${chat.last_msg_seq}, not ${head}`);
  const unread = head - (history.findLastIndex((message) => message.from_uid === uid) + 1);
  if (chat.unread !== unread) mistakes.push(`${uid}, chat ${id}: unread ${chat.unread}, not ${unread}`);
  return mistakes;
}
