/**
 * `msg.offline` of messages that are not kept (typing, for instance): from memory, so at best. They wait in a bounded
 * line while the receiver is slow or down. One that finds no room, has waited too long, or is there when the process
 * ends is not told of.
 */
import { Fifo } from "../delivery/fifo.ts";
import type { StoredMessage } from "../messaging/message.ts";
import type { Clock } from "../world/world.ts";

export interface PassingMessagesDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Rejects when the server stops. */
  tell(message: StoredMessage): Promise<void>;
  /** For the log: something other than the end of the server. */
  readonly failed: (error: unknown) => void;
  /** For the log: the first one since the line was empty finds no room. */
  readonly full: () => void;
  readonly options: { readonly messagesMax: number; readonly bytesMax: number };
}

/** Nobody wants to know that somebody was typing a minute ago. */
const AGE_MAX_MS = 60_000;
/** Told of side by side. */
const SIDE_BY_SIDE = 16;
const MESSAGE_COST_BYTES = 256;
const RECEIVER_COST_BYTES = 64;

interface Waiting {
  readonly message: StoredMessage;
  readonly sinceMs: number;
  readonly bytes: number;
}

export class PassingMessages {
  readonly #deps: PassingMessagesDeps;
  readonly #waiting = new Fifo<Waiting>();
  #bytes = 0;
  #underWay = 0;
  #isFull = false;
  /** No room, or too old. */
  dropped = 0;

  constructor(deps: PassingMessagesDeps) {
    this.#deps = deps;
  }

  push(messages: readonly StoredMessage[]): void {
    const { clock, options } = this.#deps;
    for (const message of messages) {
      const bytes =
        message.payload.length + MESSAGE_COST_BYTES + (message.receivers?.length ?? 0) * RECEIVER_COST_BYTES;
      if (this.#waiting.length >= options.messagesMax || this.#bytes + bytes > options.bytesMax) {
        this.dropped++;
        if (!this.#isFull) this.#deps.full();
        this.#isFull = true;
        continue;
      }
      this.#waiting.push({ message, sinceMs: clock.monotonicMs(), bytes });
      this.#bytes += bytes;
      if (this.#underWay < SIDE_BY_SIDE) void this.#tellOn();
    }
  }

  async #tellOn(): Promise<void> {
    this.#underWay++;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#bytes -= next.bytes;
      if (this.#deps.clock.monotonicMs() - next.sinceMs > AGE_MAX_MS) {
        this.dropped++;
        continue;
      }
      try {
        await this.#deps.tell(next.message);
      } catch (error) {
        this.dropped++;
        this.#deps.failed(error);
      }
    }
    this.#isFull = false;
    this.#underWay--;
  }
}
