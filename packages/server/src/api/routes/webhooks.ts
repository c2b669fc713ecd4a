/** Webhooks for operators: how far they lag, sending events again, and the dead letters. Not the original's. */
import { int64FromBigInt, int64ToText } from "@wukong-ts/protocol";
import { type MessageId, NO_ID } from "../../messaging/message.ts";
import type { DeadLetterRow } from "../../store/tables.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, get, integerOf, post } from "../api-route.ts";
import { array, type Decoded, INT64, object, text, UINT64 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";

type WebhookDeps = Pick<ApiDeps, "webhooks">;

const REPLAY = object("replayReq", { follower: text(), from_time: INT64, from_message_id: UINT64 });
const LETTERS = object("deadLettersReq", { ids: array(text(), 1000) });

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

export function webhookRoutes({ webhooks }: WebhookDeps): readonly ApiRoute[] {
  return [
    get("/webhooks", () => bare(stateJson(webhooks.state()))),
    post("/webhooks/replay", REPLAY, (body) => replay(webhooks, body)),
    get("/webhooks/dead-letters", async ({ query }) => {
      const after = query["after"] === undefined ? NO_ID : idOf(query["after"]);
      if (after === undefined) return failure("after is no id of a dead letter");
      const asked = integerOf(query["limit"]);
      const letters = await webhooks.deadLetters.list(after, Math.min(asked <= 0 ? LIMIT_DEFAULT : asked, LIMIT_MAX));
      return bare(`{"dead_letters":[${letters.map((letter) => writeJson(letterJson(letter))).join(",")}]}`);
    }),
    get("/webhooks/dead-letters/:id", ({ params }) => {
      const id = idOf(params["id"] ?? "");
      const letter = id === undefined ? undefined : webhooks.deadLetters.find(id);
      if (letter === undefined) return failure("there is no such dead letter", 404);
      const body = Buffer.from(letter.body).toString("utf8");
      return bare(writeJson({ ...letterJson(letter.row), body }));
    }),
    post("/webhooks/dead-letters/retry", LETTERS, (body) =>
      withIds(body, async (ids) => bare(writeJson({ ...(await webhooks.retry(ids)) }))),
    ),
    post("/webhooks/dead-letters/discard", LETTERS, (body) =>
      withIds(body, async (ids) => {
        await webhooks.deadLetters.discard(ids);
        return ok();
      }),
    ),
  ];
}

async function replay(webhooks: ApiDeps["webhooks"], body: Decoded<typeof REPLAY>): Promise<HttpAnswer> {
  const { follower, from_time: fromTime, from_message_id: fromId } = body;
  if (fromTime > 0n === fromId > 0n) return failure("one of from_time (seconds) and from_message_id must be set");
  const from = fromId > 0n ? { id: int64FromBigInt(fromId) } : { timeMs: Number(fromTime) * 1000 };
  return (await webhooks.replay(follower, from)) ? ok() : failure("there is no such follower", 404);
}

async function withIds(
  { ids }: Decoded<typeof LETTERS>,
  act: (ids: readonly MessageId[]) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const known = (ids ?? []).map(idOf);
  if (known.length === 0) return failure("ids is empty");
  const found = known.filter((id) => id !== undefined);
  return found.length < known.length ? failure("not all ids are ids of dead letters") : act(found);
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
