/** Tokens and groups, over HTTP, before anyone connects. */
import { inParallel } from "../in-parallel.ts";
import type { Flow } from "../scenario/scenario.ts";
import { HttpCaller } from "../server/http-caller.ts";
import { addressOf } from "../server/target.ts";
import { createLayout, GROUP, groupsOf } from "../traffic/layout.ts";
import type { RunContext } from "./run-context.ts";
import { TOKEN } from "./run-context.ts";

const CALLS_AT_A_TIME = 16;
const MEMBERS_PER_CALL = 1_000;

export async function prepareTraffic(context: RunContext, users: string, flows: readonly Flow[]): Promise<void> {
  const { seats } = createLayout(users, flows, { index: 0, count: 1 });
  if (context.scenario.tokens)
    await setTokens(
      context,
      seats.map((seat) => seat.uid),
    );
  const groups = groupsOf(users, flows);
  if (groups.length === 0) return;
  const caller = new HttpCaller(addressOf(context.server.target, "http"), CALLS_AT_A_TIME);
  try {
    await inParallel(groups, CALLS_AT_A_TIME, async ({ channelId, members }) => {
      for (let at = 0; at < members.length; at += MEMBERS_PER_CALL) {
        const path = at === 0 ? "/channel" : "/channel/subscriber_add";
        const subscribers = members.slice(at, at + MEMBERS_PER_CALL);
        await caller.postJson(path, { channel_id: channelId, channel_type: GROUP, subscribers });
      }
    });
  } finally {
    caller.close();
  }
}

export async function setTokens(context: RunContext, uids: readonly string[]): Promise<void> {
  const caller = new HttpCaller(addressOf(context.server.target, "http"), CALLS_AT_A_TIME);
  try {
    await inParallel(uids, CALLS_AT_A_TIME, async (uid) => {
      await caller.postJson("/user/token", { uid, token: TOKEN, device_flag: 0, device_level: 0 });
    });
  } finally {
    caller.close();
  }
}
