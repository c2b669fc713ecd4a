/** What a business back end asks of the server, in the words of the domain. Every call must succeed. */
import type { Json } from "./exact-json.ts";
import type { HttpClient } from "./http-client.ts";

export const PERSON = 1;
export const GROUP = 2;

/** One row of /conversation/sync. */
export interface Chat {
  readonly channel_id: string;
  readonly channel_type: number;
  readonly unread: number;
  readonly timestamp: number;
  readonly last_msg_seq: number;
  readonly last_client_msg_no: string;
  readonly readed_to_msg_seq: number;
  readonly version: number | bigint;
  readonly recents: readonly Message[];
}
export interface Message {
  readonly header: { readonly no_persist: number; readonly red_dot: number; readonly sync_once: number };
  readonly setting: number;
  readonly message_id: number | bigint;
  readonly message_idstr: string;
  readonly client_msg_no: string;
  readonly message_seq: number;
  readonly from_uid: string;
  readonly channel_id: string;
  readonly channel_type: number;
  readonly timestamp: number;
  readonly payload: string;
}
export interface SyncOptions {
  readonly version?: number | bigint;
  readonly last_msg_seqs?: string;
  readonly msg_count?: number;
  readonly only_unread?: number;
  readonly exclude_channel_types?: readonly number[];
  readonly page?: number;
  readonly page_size?: number;
}
export interface SendResult {
  readonly message_id: number | bigint;
  readonly client_msg_no: string;
  readonly message_seq: number;
  readonly reason: number;
}
export interface HttpMessage {
  readonly from?: string;
  readonly to: string;
  readonly type: number;
  readonly text: string;
  readonly clientMsgNo?: string;
  readonly header?: { readonly no_persist?: number; readonly red_dot?: number; readonly sync_once?: number };
}

export class BackEnd {
  readonly http: HttpClient;

  constructor(http: HttpClient) {
    this.http = http;
  }

  sync(uid: string, options: SyncOptions = {}): Promise<Chat[]> {
    return this.http.ask("/conversation/sync", { uid, version: 0, last_msg_seqs: "", msg_count: 20, ...options });
  }
  /** The chat as `uid` sees it in a full sync. */
  async chat(uid: string, channelId: string, type = PERSON, options: SyncOptions = {}): Promise<Chat | undefined> {
    return findChat(await this.sync(uid, options), channelId, type);
  }
  /** The same, and it must be there. */
  async chatOf(uid: string, channelId: string, type = PERSON, options: SyncOptions = {}): Promise<Chat> {
    const chat = await this.chat(uid, channelId, type, options);
    if (chat === undefined) throw new Error(`${uid} does not find the chat ${channelId} (type ${type})`);
    return chat;
  }
  /** All pages, as a client reads them: until one is empty. */
  async syncPages(uid: string, pageSize: number, options: SyncOptions = {}): Promise<Chat[][]> {
    const pages: Chat[][] = [];
    for (let page = 1; ; page++) {
      const rows = await this.sync(uid, { ...options, page, page_size: pageSize });
      if (rows.length === 0) return pages;
      pages.push(rows);
    }
  }
  channels(uid: string): Promise<{ readonly channel_id: string; readonly channel_type: number }[]> {
    return this.http.ask("/conversation/channels", { uid });
  }

  createGroup(id: string, members: readonly string[], options: Readonly<Record<string, Json>> = {}): Promise<unknown> {
    return this.http.ask("/channel", { channel_id: id, channel_type: GROUP, subscribers: members, ...options });
  }
  addMembers(id: string, members: readonly string[], reset = 0): Promise<unknown> {
    return this.http.ask("/channel/subscriber_add", {
      channel_id: id,
      channel_type: GROUP,
      subscribers: members,
      reset,
    });
  }
  removeMembers(id: string, members: readonly string[]): Promise<unknown> {
    return this.http.ask("/channel/subscriber_remove", { channel_id: id, channel_type: GROUP, subscribers: members });
  }
  removeAllMembers(id: string): Promise<unknown> {
    return this.http.ask("/channel/subscriber_remove_all", { channel_id: id, channel_type: GROUP });
  }
  /** `list` is blacklist or whitelist, `how` is add, set or remove. */
  editList(
    list: "blacklist" | "whitelist",
    how: "add" | "set" | "remove",
    channelId: string,
    type: number,
    uids: readonly string[],
  ): Promise<unknown> {
    return this.http.ask(`/channel/${list}_${how}`, { channel_id: channelId, channel_type: type, uids });
  }
  clearList(list: "blacklist" | "whitelist", channelId: string, type: number): Promise<unknown> {
    return this.http.ask(`/channel/${list}_remove_all`, { channel_id: channelId, channel_type: type });
  }

  async send(message: HttpMessage): Promise<SendResult> {
    const answer: { readonly data: SendResult } = await this.http.ask("/message/send", {
      header: { red_dot: 1, ...message.header },
      ...(message.from === undefined ? {} : { from_uid: message.from }),
      ...(message.clientMsgNo === undefined ? {} : { client_msg_no: message.clientMsgNo }),
      channel_id: message.to,
      channel_type: message.type,
      payload: Buffer.from(message.text).toString("base64"),
    });
    return answer.data;
  }

  clearUnread(uid: string, channelId: string, type = PERSON): Promise<unknown> {
    return this.http.ask("/conversations/clearUnread", { uid, channel_id: channelId, channel_type: type });
  }
  setUnread(uid: string, channelId: string, unread: number, type = PERSON): Promise<unknown> {
    return this.http.ask("/conversations/setUnread", { uid, channel_id: channelId, channel_type: type, unread });
  }
  deleteChat(uid: string, channelId: string, type = PERSON): Promise<unknown> {
    return this.http.ask("/conversations/delete", { uid, channel_id: channelId, channel_type: type });
  }

  /** Everything stored in a channel, oldest first, read page by page. */
  async history(loginUid: string, channelId: string, type: number, limit = 1_000): Promise<Message[]> {
    const all: Message[] = [];
    for (;;) {
      const page: { readonly messages: Message[] } = await this.http.ask("/channel/messagesync", {
        login_uid: loginUid,
        channel_id: channelId,
        channel_type: type,
        start_message_seq: (all.at(-1)?.message_seq ?? 0) + 1,
        end_message_seq: 0,
        limit,
        pull_mode: 1,
      });
      all.push(...page.messages);
      if (page.messages.length < limit) return all;
    }
  }
  setToken(uid: string, token: string, flag: number, level: number): Promise<unknown> {
    return this.http.ask("/user/token", { uid, token, device_flag: flag, device_level: level });
  }
  onlineStatus(
    uids: readonly string[],
  ): Promise<{ readonly uid: string; readonly device_flag: number; readonly online: number }[]> {
    return this.http.ask("/user/onlinestatus", uids);
  }
}

export function findChat(chats: readonly Chat[], channelId: string, type = PERSON): Chat | undefined {
  return chats.find((chat) => chat.channel_id === channelId && chat.channel_type === type);
}

/** The texts of messages, in their order. */
export function texts(messages: readonly { readonly payload: string | Buffer }[]): string[] {
  return messages.map(({ payload }) =>
    (typeof payload === "string" ? Buffer.from(payload, "base64") : payload).toString(),
  );
}
