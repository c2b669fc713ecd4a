/** Webhooks for operators: how far they lag, sending events again, and the dead letters. Not the original's. */
import { int64FromBigInt, int64ToText } from "@wukong-ts/protocol";
import { type MessageId, NO_ID } from "../../messaging/message.ts";
import type { DeadLetterRow } from "../../store/tables.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { FAILURE, listOf, SUCCESS, shape, titled } from "../answer-schema.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { about, array, type Decoded, type DecodedFields, INT, INT64, object, text, UINT64 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";

type WebhookDeps = Pick<ApiDeps, "webhooks">;

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

const REPLAY = object("replayReq", {
  follower: about(text(), "As GET /webhooks names it; left out: all."),
  from_time: about(INT64, "Events of messages from then on, seconds since 1970."),
  from_message_id: about(UINT64, "Or from this message on."),
});
const LETTERS = object("deadLettersReq", { ids: about(array(text(), 1000), "As they are listed.") }, ["ids"]);
const LETTERS_QUERY = {
  after: about(text(), "The id of the last one of the page before; left out: the first page."),
  limit: about(INT, `0 or less is ${LIMIT_DEFAULT}; at most 1,000.`),
};

const TEXT = { type: "string" };
const STATE = shape({
  followers: listOf(
    shape({
      name: TEXT,
      lag_messages: about(INT, "Messages whose events are not delivered yet."),
      is_counting: about({ type: "boolean" }, "true: there may be more, they are being counted."),
      oldest_age_ms: about(INT, "Of the oldest of them; 0: there is none."),
    }),
  ),
  receivers: listOf(
    shape({
      name: TEXT,
      is_down: { type: "boolean" },
      reason: about(TEXT, "Why the last try failed; empty: it did not."),
      taken: about(INT, "Calls that it took, since the start."),
      failed_tries: INT,
      laid_aside: about(INT, "Calls that became dead letters, since the start."),
      requests: about(INT, "Calls under way."),
      waiting: about(INT, "Calls that wait for their turn or their next try."),
    }),
  ),
  dead_letters: shape({ count: INT, bytes: INT }),
});
const LETTER_FIELDS = {
  id: about(TEXT, "Digits."),
  receiver: TEXT,
  event: about(TEXT, "As msg.notify."),
  event_id: TEXT,
  reason: about(TEXT, "Why the last try failed."),
  tries: INT,
  since: about(INT, "Seconds since 1970."),
  bytes: about(INT, "Of the body."),
  message_ids: about(listOf(TEXT), "Of the messages that the body tells of."),
};
const DEAD_LETTER = titled("DeadLetter", shape(LETTER_FIELDS));

const NO_PLACE = "one of from_time (seconds) and from_message_id must be set";
const BAD_AFTER = "after is no id of a dead letter";
const NO_IDS = "ids is empty";
const UNKNOWN_IDS = "not all ids are ids of dead letters";

export function webhookRoutes({ webhooks }: WebhookDeps): readonly ApiRoute[] {
  const common = { tag: "Webhooks" } as const;
  return [
    route({
      ...common,
      method: "GET",
      path: "/webhooks",
      summary: "How far the webhooks lag, and what their receivers did",
      answers: { 200: STATE },
      example: {
        answer: {
          followers: [
            { name: "webhook.notify", lag_messages: 3, is_counting: false, oldest_age_ms: 120 },
            { name: "webhook.offline", lag_messages: 0, is_counting: false, oldest_age_ms: 0 },
          ],
          receivers: [
            {
              name: "webhook",
              is_down: false,
              reason: "",
              taken: 1205,
              failed_tries: 0,
              laid_aside: 0,
              requests: 1,
              waiting: 0,
            },
          ],
          dead_letters: { count: 0, bytes: 0 },
        },
      },
      handle: () => bare(stateJson(webhooks.state())),
    }),
    route({
      ...common,
      method: "POST",
      path: "/webhooks/replay",
      summary: "Send the events of stored messages again",
      details: "One of from_time and from_message_id is needed. What was delivered comes again with the same ids.",
      body: REPLAY,
      answers: { 200: SUCCESS, 404: FAILURE },
      refusals: [NO_PLACE],
      handle: ({ body }) => replay(webhooks, body),
    }),
    route({
      ...common,
      method: "GET",
      path: "/webhooks/dead-letters",
      summary: "The calls that no receiver took, without their bodies",
      query: LETTERS_QUERY,
      answers: { 200: shape({ dead_letters: listOf(DEAD_LETTER) }) },
      refusals: [BAD_AFTER],
      example: { answer: { dead_letters: [] } },
      handle: ({ query }) => listLetters(webhooks, query),
    }),
    route({
      ...common,
      method: "GET",
      path: "/webhooks/dead-letters/:id",
      summary: "One of them, with its body",
      params: { id: text() },
      answers: { 200: shape({ ...LETTER_FIELDS, body: TEXT }), 404: FAILURE },
      handle: ({ params }) => showLetter(webhooks, params.id),
    }),
    route({
      ...common,
      method: "POST",
      path: "/webhooks/dead-letters/retry",
      summary: "Try some of them once more",
      details: "Those that are taken are gone; the others stay.",
      body: LETTERS,
      answers: {
        200: shape({ delivered: INT, failed: INT, reason: about(TEXT, "Of the last one that failed.") }),
      },
      refusals: [NO_IDS, UNKNOWN_IDS],
      handle: ({ body }) => withIds(body, async (ids) => bare(writeJson({ ...(await webhooks.retry(ids)) }))),
    }),
    route({
      ...common,
      method: "POST",
      path: "/webhooks/dead-letters/discard",
      summary: "Throw some of them away",
      body: LETTERS,
      answers: { 200: SUCCESS },
      refusals: [NO_IDS, UNKNOWN_IDS],
      handle: ({ body }) =>
        withIds(body, async (ids) => {
          await webhooks.deadLetters.discard(ids);
          return ok();
        }),
    }),
  ];
}

async function listLetters(
  { deadLetters }: ApiDeps["webhooks"],
  query: DecodedFields<typeof LETTERS_QUERY>,
): Promise<HttpAnswer> {
  const after = query.after === "" ? NO_ID : idOf(query.after);
  if (after === undefined) return failure(BAD_AFTER);
  const letters = await deadLetters.list(after, query.limit <= 0 ? LIMIT_DEFAULT : Math.min(query.limit, LIMIT_MAX));
  return bare(writeJson({ dead_letters: letters.map(letterJson) }));
}

function showLetter({ deadLetters }: ApiDeps["webhooks"], name: string): HttpAnswer {
  const id = idOf(name);
  const letter = id === undefined ? undefined : deadLetters.find(id);
  if (letter === undefined) return failure("there is no such dead letter", 404);
  return bare(writeJson({ ...letterJson(letter.row), body: Buffer.from(letter.body).toString("utf8") }));
}

async function replay(webhooks: ApiDeps["webhooks"], body: Decoded<typeof REPLAY>): Promise<HttpAnswer> {
  const { follower, from_time: fromTime, from_message_id: fromId } = body;
  if (fromTime > 0n === fromId > 0n) return failure(NO_PLACE);
  const from = fromId > 0n ? { id: int64FromBigInt(fromId) } : { timeMs: Number(fromTime) * 1000 };
  return (await webhooks.replay(follower, from)) ? ok() : failure("there is no such follower", 404);
}

async function withIds(
  { ids }: Decoded<typeof LETTERS>,
  act: (ids: readonly MessageId[]) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const known = (ids ?? []).map(idOf);
  if (known.length === 0) return failure(NO_IDS);
  const found = known.filter((id) => id !== undefined);
  return found.length < known.length ? failure(UNKNOWN_IDS) : act(found);
}

function stateJson({ followers, receivers, deadLetters }: ReturnType<ApiDeps["webhooks"]["state"]>): string {
  return writeJson({
    followers: followers.map(({ name, lagMessages, isCounting, oldestAgeMs }) => ({
      name,
      lag_messages: lagMessages,
      is_counting: isCounting,
      oldest_age_ms: Math.round(oldestAgeMs),
    })),
    receivers: receivers.map(({ name, isDown, reason, taken, failedTries, laidAside, requests, waiting }) => ({
      name,
      is_down: isDown,
      reason,
      taken,
      failed_tries: failedTries,
      laid_aside: laidAside,
      requests,
      waiting,
    })),
    dead_letters: { count: deadLetters.count, bytes: deadLetters.bytes },
  });
}

function letterJson(letter: DeadLetterRow): Readonly<Record<string, string | number | readonly string[]>> {
  return {
    id: int64ToText(letter.id),
    receiver: letter.receiver,
    event: letter.eventName,
    event_id: letter.eventId,
    reason: letter.reason,
    tries: letter.tries,
    since: Math.floor(letter.sinceMs / 1000),
    bytes: letter.bodyBytes,
    message_ids: letter.messageIds.map(int64ToText),
  };
}

function idOf(digits: string): MessageId | undefined {
  return /^[0-9]{1,19}$/.test(digits) ? int64FromBigInt(BigInt(digits)) : undefined;
}
