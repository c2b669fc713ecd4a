/** One chat of a user's list as the API shows it. The misspelt `readed_to_msg_seq` is the original's. */
import type { ChatView } from "../messaging/chat-list.ts";
import { writeText } from "./json-writer.ts";
import { messageJson } from "./message-json.ts";

export function chatJson(chat: ChatView): string {
  return (
    `{"channel_id":${writeText(chat.shown.id)},"channel_type":${chat.shown.type},"unread":${chat.unread},` +
    `"timestamp":${chat.timeSeconds},"last_msg_seq":${chat.lastSeq},` +
    `"last_client_msg_no":${writeText(chat.lastClientMsgNo)},"offset_msg_seq":0,` +
    `"readed_to_msg_seq":${chat.readedToSeq},"version":${chat.version},` +
    `"recents":[${chat.recents.map(messageJson).join(",")}]}`
  );
}
