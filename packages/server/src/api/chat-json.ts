/** The chats of a user's list as the API shows them. The misspelt `readed_to_msg_seq` is the original's. */
import type { ChatView } from "../messaging/chat-list.ts";
import type { StoredMessage } from "../messaging/message.ts";
import type { Timers } from "../world/world.ts";
import { listOf, shape, titled } from "./answer-schema.ts";
import { about, INT, INT64, type JsonSchema, UINT8, UINT64 } from "./json-schema.ts";
import { writeText } from "./json-writer.ts";
import { MESSAGE, messageJson } from "./message-json.ts";

/** Messages that are written before other work gets its turn: about a millisecond. */
const SLICE_MESSAGES = 500;
/** What a chat costs beside its messages. */
const CHAT_WEIGHT = 1;
/** Of a UTF-16 unit. */
const UTF8_BYTES_MAX = 3;

export const CHAT: JsonSchema = titled(
  "Chat",
  shape({
    channel_id: { type: "string", description: "For a person (type 1) the other one's uid." },
    channel_type: UINT8,
    unread: INT,
    timestamp: about(INT, "Of the last message, seconds since 1970."),
    last_msg_seq: UINT64,
    last_client_msg_no: { type: "string" },
    offset_msg_seq: about(UINT64, "Always 0."),
    readed_to_msg_seq: about(UINT64, "What comes after it is unread."),
    version: about(INT64, "Nanoseconds since 1970; grows with each change of the chat. Beyond 2^53."),
    recents: { ...listOf(MESSAGE), description: "Newest first." },
  }),
);

/**
 * Writes lists of chats. The messages of a chat look the same to every reader, and the chat list hands out the same array
 * for them while nothing new comes: what was written of it is kept as long as the array is.
 */
export class ChatsJson {
  readonly #timers: Pick<Timers, "soon">;
  readonly #written = new WeakMap<readonly StoredMessage[], Buffer>();

  constructor(timers: Pick<Timers, "soon">) {
    this.#timers = timers;
  }

  /** Bytes, so that what is kept is only copied. Long lists are written in slices. */
  async list(chats: readonly ChatView[]): Promise<Uint8Array> {
    const parts: (string | Buffer)[] = [];
    let text = "[";
    let weight = 0;
    for (const [index, chat] of chats.entries()) {
      if (weight >= SLICE_MESSAGES) {
        await new Promise<void>((resolve) => this.#timers.soon(resolve));
        weight = 0;
      }
      let recents = this.#written.get(chat.recents);
      if (recents === undefined) {
        recents = Buffer.from(chat.recents.map(messageJson).join(","));
        this.#written.set(chat.recents, recents);
        weight += chat.recents.length;
      }
      parts.push(`${text}${index === 0 ? "" : ","}${chatHead(chat)}`, recents);
      text = "]}";
      weight += CHAT_WEIGHT;
    }
    parts.push(`${text}]`);
    return joined(parts);
  }
}

/** Into one buffer, without one for each text in between. */
function joined(parts: readonly (string | Buffer)[]): Buffer {
  let bytesMax = 0;
  for (const part of parts) bytesMax += typeof part === "string" ? part.length * UTF8_BYTES_MAX : part.length;
  const bytes = Buffer.allocUnsafeSlow(bytesMax);
  let end = 0;
  for (const part of parts) end += typeof part === "string" ? bytes.write(part, end) : part.copy(bytes, end);
  return bytes.subarray(0, end);
}

/** Up to the messages. */
function chatHead(chat: ChatView): string {
  return (
    `{"channel_id":${writeText(chat.shown.id)},"channel_type":${chat.shown.type},"unread":${chat.unread},` +
    `"timestamp":${chat.timeSeconds},"last_msg_seq":${chat.lastSeq},` +
    `"last_client_msg_no":${writeText(chat.lastClientMsgNo)},"offset_msg_seq":0,` +
    `"readed_to_msg_seq":${chat.readedToSeq},"version":${chat.version},"recents":[`
  );
}
