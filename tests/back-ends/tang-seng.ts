/**
 * TangSengDaoDaoServer as the server sees it: every call of its library, with exactly the fields it sends (nil slices as
 * null, empty strings, no token), and its structs for the answers.
 */
import type { HttpClient } from "../harness/http-client.ts";
import { GoClient } from "./go-client.ts";
import type { Decoded } from "./go-json.ts";

const HEADER = { no_persist: "int", red_dot: "int", sync_once: "int" } as const;
export const MESSAGE = {
  header: HEADER,
  setting: "uint8",
  message_id: "int64",
  message_idstr: "string",
  message_seq: "uint32",
  client_msg_no: "string",
  expire: "uint32",
  from_uid: "string",
  channel_id: "string",
  channel_type: "uint8",
  timestamp: "int32",
  payload: "bytes",
  stream_no: "string",
  streams: [{ stream_seq: "uint32", client_msg_no: "string", blob: "bytes" }],
} as const;
const CONVERSATION = {
  channel_id: "string",
  channel_type: "uint8",
  unread: "int",
  timestamp: "int64",
  last_msg_seq: "int64",
  last_client_msg_no: "string",
  offset_msg_seq: "int64",
  version: "int64",
  recents: [MESSAGE],
} as const;
const PAGE = { start_message_seq: "uint32", end_message_seq: "uint32", messages: [MESSAGE] } as const;
const ONLINE = { uid: "string", device_flag: "uint8", last_offline: "int", online: "int" } as const;
const STATUS = { status: "int" } as const;

export type TangSengMessage = Decoded<typeof MESSAGE>;
export type TangSengConversation = Decoded<typeof CONVERSATION>;

/** "Does not change the list of chats": a bit of `setting` that the server passes over. */
const NO_UPDATE_CONVERSATION = 64;
const COMMAND_TYPE = 99;
const SENT = { data: { message_id: "int64", message_seq: "uint32", client_msg_no: "string" } } as const;

interface Channel {
  readonly id: string;
  readonly type: number;
}
interface Send {
  readonly header: { readonly no_persist: number; readonly red_dot: number; readonly sync_once: number };
  readonly setting?: number;
  readonly from?: string;
  readonly to?: Channel;
  readonly subscribers?: readonly string[] | null;
  readonly payload: unknown;
}
interface Command {
  readonly cmd: string;
  readonly param: unknown;
  readonly from?: string;
  readonly to?: Channel;
  readonly subscribers?: readonly string[];
  readonly isTransient?: boolean;
}

export class TangSeng {
  readonly #client: GoClient;

  constructor(http: HttpClient) {
    this.#client = new GoClient(http);
  }

  // ---- users

  /** 200, or 19 for a banned user. */
  async updateToken(uid: string, token: string, level: number, flag: number): Promise<number> {
    const body = { uid, token, device_level: level, device_flag: flag };
    return (await this.#client.post("/user/token", body, STATUS)).status;
  }
  quitDevice(uid: string, flag: number): Promise<unknown> {
    return this.#client.done("/user/device_quit", { uid, device_flag: flag });
  }
  onlineStatus(uids: readonly string[]): Promise<Decoded<[typeof ONLINE]>> {
    return this.#client.post("/user/onlinestatus", uids, [ONLINE]);
  }
  async addSystemUids(uids: readonly string[]): Promise<number> {
    return (await this.#client.post("/user/systemuids_add", { uids }, STATUS)).status;
  }
  route(uid: string): Promise<{ readonly tcp_addr: string; readonly ws_addr: string; readonly wss_addr: string }> {
    const path = `/route?uid=${encodeURIComponent(uid)}`;
    return this.#client.get(path, { tcp_addr: "string", ws_addr: "string", wss_addr: "string" });
  }

  // ---- channels

  createChannel(channel: Channel, subscribers: readonly string[] | null): Promise<unknown> {
    return this.#client.done("/channel", { ...named(channel), ban: 0, large: 0, subscribers });
  }
  /** With type 1 the id is a user's: `ban` keeps him out. */
  setChannelInfo(channel: Channel, ban: number): Promise<unknown> {
    return this.#client.done("/channel/info", { ...named(channel), ban, large: 0 });
  }
  deleteChannel(channel: Channel): Promise<unknown> {
    return this.#client.done("/channel/delete", named(channel));
  }
  addSubscribers(channel: Channel, subscribers: readonly string[]): Promise<unknown> {
    return this.#client.done("/channel/subscriber_add", { ...named(channel), reset: 0, subscribers });
  }
  removeSubscribers(channel: Channel, subscribers: readonly string[]): Promise<unknown> {
    return this.#client.done("/channel/subscriber_remove", { ...named(channel), subscribers });
  }
  editList(
    list: "blacklist" | "whitelist",
    how: "add" | "remove" | "set",
    channel: Channel,
    uids: readonly string[],
  ): Promise<unknown> {
    return this.#client.done(`/channel/${list}_${how}`, { ...named(channel), uids });
  }

  // ---- messages

  async send(message: Send): Promise<Decoded<typeof SENT.data>> {
    const { data } = await this.#client.post(
      "/message/send",
      {
        header: message.header,
        setting: message.setting ?? 0,
        from_uid: message.from ?? "",
        channel_id: message.to?.id ?? "",
        channel_type: message.to?.type ?? 0,
        stream_no: "",
        subscribers: message.subscribers ?? null,
        payload: base64(message.payload),
      },
      SENT,
    );
    return data;
  }
  sendCommand(command: Command): Promise<Decoded<typeof SENT.data>> {
    return this.send({
      header: { no_persist: command.isTransient === true ? 1 : 0, red_dot: 0, sync_once: 1 },
      setting: NO_UPDATE_CONVERSATION,
      payload: { cmd: command.cmd, type: COMMAND_TYPE, param: command.param },
      ...(command.from === undefined ? {} : { from: command.from }),
      ...(command.to === undefined ? {} : { to: command.to }),
      ...(command.subscribers === undefined ? {} : { subscribers: command.subscribers }),
    });
  }
  /** To those who were just removed: channel and subscribers in one send, and no command. */
  sendRemovedNotice(channel: Channel, removed: readonly string[]): Promise<unknown> {
    return this.send({
      header: { no_persist: 0, red_dot: 1, sync_once: 0 },
      setting: NO_UPDATE_CONVERSATION,
      to: channel,
      subscribers: removed,
      payload: { content: "你被{0}移除群聊", visibles: removed, type: 1010 },
    });
  }
  sendBatch(from: string, subscribers: readonly string[], payload: unknown): Promise<unknown> {
    const header = { no_persist: 0, red_dot: 1, sync_once: 0 };
    return this.#client.done("/message/sendbatch", { header, from_uid: from, subscribers, payload: base64(payload) });
  }
  syncCommands(uid: string, limit: number): Promise<TangSengMessage[]> {
    return this.#client.post("/message/sync", { uid, message_seq: 0, limit }, [MESSAGE]);
  }
  acknowledgeCommands(uid: string, lastSeq: number): Promise<unknown> {
    return this.#client.done("/message/syncack", { uid, last_message_seq: lastSeq });
  }

  // ---- history

  history(
    loginUid: string,
    channel: Channel,
    range: { readonly start: number; readonly end: number; readonly limit: number; readonly mode: 0 | 1 },
  ): Promise<Decoded<typeof PAGE>> {
    return this.#client.post(
      "/channel/messagesync",
      {
        login_uid: loginUid,
        device_uuid: "",
        ...named(channel),
        start_message_seq: range.start,
        end_message_seq: range.end,
        limit: range.limit,
        pull_mode: range.mode,
      },
      PAGE,
    );
  }
  async messagesBySeqs(loginUid: string, channel: Channel, seqs: readonly number[]): Promise<TangSengMessage[]> {
    const body = { ...named(channel), message_seqs: seqs, login_uid: loginUid };
    return (await this.#client.post("/messages", body, { messages: [MESSAGE] })).messages;
  }
  async findMessages(
    loginUid: string,
    channel: Channel,
    by: {
      readonly seqs?: readonly number[];
      readonly ids?: readonly bigint[];
      readonly clientMsgNos?: readonly string[];
    },
  ): Promise<TangSengMessage[]> {
    const body = {
      login_uid: loginUid,
      ...named(channel),
      message_seqs: by.seqs ?? null,
      message_ids: by.ids ?? null,
      client_msg_nos: by.clientMsgNos ?? null,
    };
    return (await this.#client.post("/messages", body, { messages: [MESSAGE] })).messages;
  }
  /** Never names the user. */
  async maxMessageSeq(channel: Channel): Promise<number> {
    const path = `/channel/max_message_seq?channel_id=${encodeURIComponent(channel.id)}&channel_type=${channel.type}`;
    return (await this.#client.get(path, { message_seq: "uint32" })).message_seq;
  }

  // ---- conversations

  conversations(
    uid: string,
    options: {
      readonly version?: bigint;
      readonly lastMsgSeqs?: string;
      readonly count?: number;
      readonly larges?: unknown;
    },
  ): Promise<TangSengConversation[]> {
    const body = {
      uid,
      version: options.version ?? 0,
      last_msg_seqs: options.lastMsgSeqs ?? "",
      msg_count: options.count ?? 1,
      larges: options.larges ?? null,
    };
    return this.#client.post("/conversation/sync", body, [CONVERSATION]);
  }
  setUnread(uid: string, channel: Channel, unread: number, seq: number): Promise<unknown> {
    return this.#client.done("/conversations/setUnread", { uid, ...named(channel), unread, message_seq: seq });
  }
  deleteConversation(uid: string, channel: Channel): Promise<unknown> {
    return this.#client.done("/conversations/delete", { uid, ...named(channel) });
  }

  // ---- calls that WuKongIM v2.2.5 does not answer

  search(uid: string, text: string): Promise<{ readonly total: bigint }> {
    const body = {
      uid,
      payload: { content: text },
      payload_types: [1],
      from_uid: "",
      channel_id: "",
      channel_type: 0,
      topic: "",
      limit: 20,
      page: 1,
      start_time: 0,
      end_time: 0,
      highlights: ["payload.content"],
    };
    return this.#client.post("/plugins/wk.plugin.search/usersearch", body, { total: "int64" });
  }
  oldConversations(uid: string): Promise<unknown> {
    return this.#client.get(`/conversations?uid=${encodeURIComponent(uid)}`, [CONVERSATION]);
  }
  oldRevoke(channel: Channel, ids: readonly bigint[]): Promise<unknown> {
    return this.#client.done("/message/revoke", { ...named(channel), message_ids: ids });
  }
  oldStream(step: "start" | "end", channel: Channel): Promise<unknown> {
    return this.#client.done(`/streammessage/${step}`, { ...named(channel), stream_no: "" });
  }
}

/** The payload as its author wrote it. */
export function contentOf(message: { readonly payload: Buffer }): Readonly<Record<string, unknown>> {
  return JSON.parse(message.payload.toString()) as Readonly<Record<string, unknown>>; // the tests only send objects
}

function named(channel: Channel): { readonly channel_id: string; readonly channel_type: number } {
  return { channel_id: channel.id, channel_type: channel.type };
}

function base64(payload: unknown): string {
  return Buffer.from(JSON.stringify(payload)).toString("base64");
}
