/** Messages of several channels at once, by their stored ids: what nodes of the original ask each other. */
import type { HttpAnswer } from "../../world/world.ts";
import { storedLog } from "../addressing.ts";
import { listOf, shape } from "../answer-schema.ts";
import { bare } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, badFormat, route } from "../api-route.ts";
import { about, array, CHANNEL_ID, type Decoded, INT, object, UID, UINT8, UINT64 } from "../json-schema.ts";
import { writeList, writeText } from "../json-writer.ts";
import { MESSAGE, messageJson } from "../message-json.ts";

const CHANNELS_MAX = 10_000;
const COUNT_DEFAULT = 15;
const COUNT_MAX = 10_000;

const BODY = object("syncMessagesReq", {
  uid: about(UID, "Whose own last message is looked up."),
  channels: array(
    object("channelRecentMessageReq", { channel_id: CHANNEL_ID, channel_type: UINT8, last_msg_seq: UINT64 }),
    CHANNELS_MAX,
  ),
  msg_count: about(INT, "Messages for each channel; 0 is 15, at most 10,000."),
  order_by_last: about(INT, "1: the newest ones after last_msg_seq, newest first; else the first ones from it on."),
});
const ANSWER = listOf(
  shape({ channel_id: CHANNEL_ID, channel_type: UINT8, messages: listOf(MESSAGE), user_last_msg_seq: UINT64 }),
);

type MessagesDeps = Pick<ApiDeps, "history" | "conversations" | "world">;

export function channelsMessagesRoute(deps: MessagesDeps): ApiRoute {
  return route({
    method: "POST",
    path: "/conversation/syncMessages",
    tag: "Messages",
    summary: "Messages of several channels at once, by their stored ids",
    body: BODY,
    badBody: badFormat,
    answers: { 200: ANSWER },
    handle: ({ body }) => channelsMessages(deps, body),
  });
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
