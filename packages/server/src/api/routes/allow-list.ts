/** Who alone may write: into a channel as soon as one is listed, to a person if the configuration says so. */
import { fnv1a64, withoutCommandSuffix } from "@wukong-ts/protocol";
import type { HttpAnswer } from "../../world/world.ts";
import { listOf, shape } from "../answer-schema.ts";
import { bare } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { CHANNEL_ID, type DecodedFields, UID, UINT8, UINT64 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { timeText } from "../time-text.ts";
import { listEditRoutes } from "./list-edits.ts";

const KEY = { channel_id: CHANNEL_ID, channel_type: UINT8 };
const TIME = { type: "string", format: "date-time" };
const LISTED = listOf(shape({ id: UINT64, uid: UID, created_at: TIME, updated_at: TIME }));

export function allowListRoutes(deps: Pick<ApiDeps, "channels">): readonly ApiRoute[] {
  return [
    ...listEditRoutes(deps, {
      name: "allow",
      path: "/channel/whitelist",
      checksChannelId: true,
      details:
        "As soon as one is listed, only listed members may send. For a person (type 1) it counts only with whitelistOffOfPerson: false.",
    }),
    route({
      method: "GET",
      path: "/channel/whitelist",
      tag: "Members and lists",
      summary: "A channel's allow list",
      query: KEY,
      answers: { 200: LISTED },
      example: {
        query: "?channel_id=group1&channel_type=2",
        answer: [
          {
            id: 15_292_903_862_164_405_218n,
            uid: "carol",
            created_at: "2026-04-22T10:00:00.123Z",
            updated_at: "2026-04-22T10:00:00.123Z",
          },
        ],
      },
      handle: ({ query }) => show(deps, query),
    }),
  ];
}

async function show({ channels }: Pick<ApiDeps, "channels">, query: DecodedFields<typeof KEY>): Promise<HttpAnswer> {
  const key = { type: query.channel_type, id: withoutCommandSuffix(query.channel_id) };
  const listed = await channels.list(key, "allow");
  const entries = listed.map(({ uid, createdMs }) => {
    const time = timeText(createdMs);
    return { id: fnv1a64(uid), uid, created_at: time, updated_at: time };
  });
  return bare(writeJson(entries));
}
