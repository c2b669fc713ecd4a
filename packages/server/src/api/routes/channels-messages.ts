/** Messages of several channels at once, by their stored ids: what nodes of the original ask each other. */
import type { HttpAnswer } from "../../world/world.ts";
import { storedLog } from "../addressing.ts";
import { bare } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, badFormat, post } from "../api-route.ts";
import { array, CHANNEL_ID, type Decoded, INT, object, UID, UINT8, UINT64 } from "../json-schema.ts";
import { writeList, writeText } from "../json-writer.ts";
import { messageJson } from "../message-json.ts";

const CHANNELS_MAX = 10_000;
const COUNT_DEFAULT = 15;
const COUNT_MAX = 10_000;

const BODY = object("syncMessagesReq", {
  uid: UID,
  channels: array(
    object("channelRecentMessageReq", { channel_id: CHANNEL_ID, channel_type: UINT8, last_msg_seq: UINT64 }),
    CHANNELS_MAX,
  ),
  msg_count: INT,
  order_by_last: INT,
});

type MessagesDeps = Pick<ApiDeps, "history" | "conversations" | "world">;

export function channelsMessagesRoute(deps: MessagesDeps): ApiRoute {
  return post("/conversation/syncMessages", BODY, (body) => channelsMessages(deps, body), badFormat);
}

/** Newest first with `order_by_last`, else the first ones from `last_msg_seq` on. */
async function channelsMessages(
  { history, conversations, world }: MessagesDeps,
  body: Decoded<typeof BODY>,
): Promise<HttpAnswer> {
  const count = body.msg_count <= 0 ? COUNT_DEFAULT : Math.min(body.msg_count, COUNT_MAX);
  const entries: string[] = [];
  for (const asked of body.channels ?? []) {
    const { channel, log } = storedLog(asked.channel_id, asked.channel_type);
    const fromSeq = Number(asked.last_msg_seq);
    const messages =
      body.order_by_last === 1
        ? (await history.newest(channel, log, fromSeq, count)).toReversed()
        : (
            await history.page({
              channel,
              log,
              startSeq: Math.max(1, fromSeq),
              endSeq: 0,
              limit: count,
              direction: "up",
            })
          ).messages;
    const list = await writeList(messages, messageJson, world.timers);
    entries.push(
      `{"channel_id":${writeText(asked.channel_id)},"channel_type":${asked.channel_type},"messages":${list},` +
        `"user_last_msg_seq":${conversations.ownLastIn(body.uid, channel).seq}}`,
    );
  }
  return bare(`[${entries.join(",")}]`);
}
