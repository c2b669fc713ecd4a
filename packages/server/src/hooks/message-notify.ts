/**
 * The event `msg.notify`: every stored message, commands too, as a JSON array. Portions of several shards that come in one
 * turn go into one request; a shard has one portion under way at a time, so a channel keeps its order.
 */
import { createHash } from "node:crypto";
import { messageJson } from "../api/message-json.ts";
import type { MessageId, StoredMessage } from "../messaging/message.ts";
import type { Follower } from "../store/follower-run.ts";
import type { Timers } from "../world/world.ts";
import type { WebhookSender } from "./webhook.ts";

export interface MessageNotifyOptions {
  readonly name: string;
  /** In one request. */
  readonly messagesMax: number;
  readonly lingerMs: number;
  readonly bytesMax: number;
  /** Which messages are told of at all. */
  readonly wants: (message: StoredMessage) => boolean;
}

interface OpenRequest {
  readonly messages: StoredMessage[];
  bytes: number;
  readonly delivered: PromiseWithResolvers<void>;
}

/** Of payload in one request; a larger message goes alone. */
const REQUEST_BYTES_MAX = 1024 * 1024;
const ID_HEX_DIGITS = 32;

export class MessageNotify implements Follower {
  readonly name: string;
  readonly messagesMax: number;
  readonly lingerMs: number;
  readonly bytesMax: number;
  readonly #sender: WebhookSender;
  readonly #timers: Timers;
  readonly #wants: (message: StoredMessage) => boolean;
  #open: OpenRequest | undefined;

  constructor(sender: WebhookSender, timers: Timers, options: MessageNotifyOptions) {
    this.#sender = sender;
    this.#timers = timers;
    this.#wants = options.wants;
    this.name = options.name;
    this.messagesMax = options.messagesMax;
    this.lingerMs = options.lingerMs;
    this.bytesMax = options.bytesMax;
  }

  handle(_shard: number, messages: readonly StoredMessage[]): Promise<void> {
    const wanted = messages.filter(this.#wants);
    if (wanted.length === 0) return Promise.resolve();
    const bytes = wanted.reduce((sum, { payload }) => sum + payload.length, 0);
    const open = this.#requestFor(wanted.length, bytes);
    open.messages.push(...wanted);
    open.bytes += bytes;
    return open.delivered.promise;
  }

  #requestFor(count: number, bytes: number): OpenRequest {
    const open = this.#open;
    if (open !== undefined) {
      if (open.messages.length + count <= this.messagesMax && open.bytes + bytes <= REQUEST_BYTES_MAX) return open;
      this.#send(open);
    }
    const opened: OpenRequest = { messages: [], bytes: 0, delivered: Promise.withResolvers() };
    this.#open = opened;
    this.#timers.soon(() => {
      if (this.#open === opened) this.#send(opened);
    });
    return opened;
  }

  #send({ messages, delivered }: OpenRequest): void {
    this.#open = undefined;
    this.#deliver(messages).then(delivered.resolve, delivered.reject);
  }

  async #deliver(messages: readonly StoredMessage[]): Promise<void> {
    const messageIds = messages.map(({ id }) => id);
    const body = Buffer.from(`[${messages.map(messageJson).join(",")}]`, "utf8");
    await this.#sender.deliver({ name: "msg.notify", id: eventIdOf(messageIds), body, messageIds });
  }
}

/** The same messages are the same event, also after a restart. */
function eventIdOf(messageIds: readonly MessageId[]): string {
  const hash = createHash("sha256");
  for (const { high, low } of messageIds) hash.update(`${high}.${low},`);
  return `notify_${hash.digest("hex").slice(0, ID_HEX_DIGITS)}`;
}
