/** Messages as an operator looks through them: of one log or of all, newest first, filtered, a bounded piece at a time. */
import { IdWalk, type WalkDirection } from "../store/id-walk.ts";
import { shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { type LogKey, type MessageKey, messageTable } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { History } from "./history.ts";
import { isExpired, type MessageId, type StoredMessage } from "./message.ts";

export interface MessageBrowse {
  readonly direction: WalkDirection;
  /** Where to go on, itself left out; undefined: at the newest. Only then `direction` must be "older". */
  readonly from: MessageId | undefined;
  readonly limit: number;
  readonly matches: (message: StoredMessage) => boolean;
}

export interface BrowsedMessages {
  /** Newest first, whatever the direction. */
  readonly messages: readonly StoredMessage[];
  /** The message to go on from in the direction; undefined: there is no more. */
  readonly goesOnFrom: Pick<StoredMessage, "id" | "seq"> | undefined;
}

/** Messages that one browse looks at when few match; then it ends early. */
const LOOKED_MAX = 10_000;
/** An answer of large payloads ends early too. */
const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;
/** Read at a time; they may be of the largest size. */
const READ_AT_ONCE = 32;

export interface MessageBrowserDeps {
  readonly store: Store;
  readonly history: History;
  readonly clock: Pick<Clock, "wallMs">;
}

export class MessageBrowser {
  readonly #deps: MessageBrowserDeps;

  constructor(deps: MessageBrowserDeps) {
    this.#deps = deps;
  }

  /** Of all channels. */
  all(browse: MessageBrowse): Promise<BrowsedMessages> {
    const walk = new IdWalk(this.#deps.store, browse.from, browse.direction);
    return this.#collect(browse, (count) => walk.next(count));
  }

  /** Of one log, from the message with `fromSeq` on, which is left out; 0: at the newest. */
  log(at: LogKey, fromSeq: number, browse: MessageBrowse): Promise<BrowsedMessages> {
    const last = this.#deps.history.head(at.channel, at.log).seq;
    const isNewer = browse.direction === "newer";
    let next = isNewer ? fromSeq + 1 : fromSeq === 0 ? last : Math.min(last, fromSeq - 1);
    return this.#collect(browse, async (count) => {
      const places: MessageKey[] = [];
      for (; places.length < count && next >= 1 && next <= last; next += isNewer ? 1 : -1)
        places.push({ ...at, seq: next });
      return places;
    });
  }

  async #collect(
    { limit, direction, matches }: MessageBrowse,
    placesOf: (count: number) => Promise<readonly MessageKey[]>,
  ): Promise<BrowsedMessages> {
    const found: StoredMessage[] = [];
    let looked = 0;
    let bytes = 0;
    const nowMs = this.#deps.clock.wallMs();
    const page = (goesOnFrom: StoredMessage | undefined): BrowsedMessages => ({
      messages: direction === "newer" ? found.reverse() : found,
      goesOnFrom,
    });
    for (;;) {
      const places = await placesOf(READ_AT_ONCE);
      if (places.length === 0) return page(undefined);
      let last: StoredMessage | undefined;
      for (const message of await this.#read(places)) {
        if (message === undefined) continue;
        last = message;
        if (isExpired(message, nowMs) || !matches(message)) continue;
        // There is at least one more.
        if (found.length === limit || (found.length > 0 && bytes + message.payload.length > PAYLOAD_BYTES_MAX))
          return page(found.at(-1));
        found.push(message);
        bytes += message.payload.length;
      }
      looked += places.length;
      if (looked >= LOOKED_MAX && last !== undefined) return page(last);
    }
  }

  #read(places: readonly MessageKey[]): Promise<readonly (StoredMessage | undefined)[]> {
    const at = places.map((key) => ({ shard: shardOfChannel(key.channel), key }));
    return this.#deps.store.getMany(messageTable, at);
  }
}
