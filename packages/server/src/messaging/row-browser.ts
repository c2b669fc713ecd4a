/** Channels, devices and chats as an operator pages through them: durable rows, by shard and then by key. */
import { shardOfChannel, shardOfUser } from "../store/shards.ts";
import type { Store, TableEntry } from "../store/store.ts";
import type { Table } from "../store/table.ts";
import { keyOfTable, type WalkedPage, walkTable } from "../store/table-walk.ts";
import {
  type ChannelRow,
  channelOfKey,
  channelTable,
  conversationTable,
  deviceTable,
  uidOfKey,
  userRange,
} from "../store/tables.ts";
import type { Conversation } from "./conversation.ts";
import type { ChannelKey } from "./message.ts";
import type { KnownDevice } from "./users.ts";

export interface PageRequest {
  /** As a page before gave it; "" for the first page, or the last one when backwards. */
  readonly cursor: string;
  /** The rows before the cursor. */
  readonly isBackwards: boolean;
  readonly limit: number;
}

export interface RowPage<Row> {
  readonly rows: readonly Row[];
  /** For the page after this one; "" when there was no row. */
  readonly cursor: string;
  /** For the page before it. */
  readonly cursorBefore: string;
  /** In the direction that was asked for. */
  readonly hasMore: boolean;
}

export interface ListedChannel {
  readonly key: ChannelKey;
  readonly row: ChannelRow;
}

export interface ListedDevice {
  readonly uid: string;
  readonly device: KnownDevice;
}

export interface ListedConversation {
  readonly uid: string;
  readonly row: Conversation;
}

/** The cursor is not one that a page gave. */
export class BadCursor extends Error {
  override readonly name = "BadCursor";
}

const TYPES = 256;

/** Every page rejects with `BadCursor` for a cursor that is none. */
export class RowBrowser {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  channels(request: PageRequest, keeps: (channel: ListedChannel) => boolean): Promise<RowPage<ListedChannel>> {
    return this.#page(channelTable, request, ({ key, row }) => {
      const listed = { key: channelOfKey(key), row };
      return keeps(listed) ? listed : undefined;
    });
  }

  /** Of every type there is one with this id. */
  channelsNamed(id: string): readonly ListedChannel[] {
    return Array.from({ length: TYPES }, (_, type) => ({ type, id })).flatMap((key) => {
      const row = this.#store.get(channelTable, shardOfChannel(key), key);
      return row === undefined ? [] : [{ key, row }];
    });
  }

  devices(request: PageRequest, keeps: (device: KnownDevice) => boolean): Promise<RowPage<ListedDevice>> {
    return this.#page(deviceTable, request, ({ key, row }) =>
      keeps(row) ? { uid: uidOfKey(key), device: row } : undefined,
    );
  }

  /** Who has left a channel has no chat. `uid`: only his. */
  conversations(request: PageRequest, uid: string): Promise<RowPage<ListedConversation>> {
    const shard = shardOfUser(uid);
    const within = uid === "" ? undefined : { shard, ...userRange(conversationTable, shard, uid) };
    return this.#page(
      conversationTable,
      request,
      ({ key, row }) => (row.membership === "member" ? { uid: uidOfKey(key), row } : undefined),
      within,
    );
  }

  async #page<Row, Listed>(
    table: Table<never, Row>,
    { cursor, isBackwards, limit }: PageRequest,
    listedOf: (entry: TableEntry<Row>) => Listed | undefined,
    within?: { readonly shard: number; readonly from: Uint8Array; readonly to: Uint8Array },
  ): Promise<RowPage<Listed>> {
    const from = cursor === "" ? undefined : keyOfTable(table, Buffer.from(cursor, "base64url"));
    if (cursor !== "" && from === undefined) throw new BadCursor();
    const walked: WalkedPage<Row> = await walkTable(this.#store, {
      table,
      from,
      isBackwards,
      limit,
      keeps: (entry) => listedOf(entry) !== undefined,
      ...(within === undefined ? {} : { within }),
    });
    const first = walked.entries.at(0)?.key;
    const last = walked.entries.at(-1)?.key;
    const { goesOnFrom } = walked;
    return {
      rows: walked.entries.flatMap((entry) => listedOf(entry) ?? []),
      cursor: textOf(isBackwards ? last : (goesOnFrom ?? last)),
      cursorBefore: textOf(isBackwards ? (goesOnFrom ?? first) : first),
      hasMore: goesOnFrom !== undefined,
    };
  }
}

function textOf(key: Uint8Array | undefined): string {
  return key === undefined ? "" : Buffer.from(key).toString("base64url");
}
