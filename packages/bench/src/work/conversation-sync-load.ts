/** POST /conversation/sync by users who have many chats. */
import type { GeneratorUsageMeter } from "../generator/generator-usage.ts";
import { inParallel } from "../in-parallel.ts";
import { HttpCaller } from "../server/http-caller.ts";
import type { HostPort } from "../server/target.ts";
import { payloadOf } from "../traffic/payload-choice.ts";
import { type HttpLoadResult, loadHttp } from "./http-load.ts";

export interface ConversationSyncPlan {
  readonly run: string;
  readonly http: HostPort;
  readonly users: number;
  readonly chats: number;
  readonly recents: number;
  readonly nothingNew: boolean;
  readonly payloadBytes: number;
  readonly concurrency: number;
  readonly seconds: number;
}

const FILLERS = 64;

export async function loadConversations(
  plan: ConversationSyncPlan,
  meter: GeneratorUsageMeter,
): Promise<HttpLoadResult> {
  const caller = new HttpCaller(plan.http, plan.concurrency);
  try {
    const bodies: Buffer[] = [];
    for (let user = 0; user < plan.users; user++) bodies.push(Buffer.from(await requestOf(plan, user, caller)));
    return await loadHttp({
      concurrency: plan.concurrency,
      seconds: plan.seconds,
      meter,
      call: (n) => caller.post("/conversation/sync", bodies[n % bodies.length]!),
      check: ({ body }) => {
        const isEmpty = body.length < 5;
        return isEmpty === plan.nothingNew ? undefined : `an answer of ${body.length} bytes`;
      },
    });
  } finally {
    caller.close();
  }
}

/** Every chat gets as many messages as are asked for; each is from the peer. */
export async function fillConversations(plan: ConversationSyncPlan): Promise<void> {
  const caller = new HttpCaller(plan.http, FILLERS);
  const chats = Array.from({ length: plan.users * plan.chats }, (_, index) => index);
  for (let message = 0; message < Math.max(1, plan.recents); message++) {
    await inParallel(chats, FILLERS, async (index) => {
      const body = {
        header: { red_dot: 1 },
        from_uid: peerOf(plan, index % plan.chats),
        channel_id: userOf(plan, Math.floor(index / plan.chats)),
        channel_type: 1,
        payload: Buffer.from(payloadOf(plan.payloadBytes, message + index)).toString("base64"),
      };
      await caller.postJson("/message/send", body);
    });
  }
  caller.close();
}

/** With nothing new it is what a client sends who has everything: the version and every last seq of an earlier answer. */
async function requestOf(plan: ConversationSyncPlan, user: number, caller: HttpCaller): Promise<string> {
  const body = { uid: userOf(plan, user), version: 0, last_msg_seqs: "", msg_count: Math.max(1, plan.recents) };
  if (!plan.nothingNew) return JSON.stringify(body);
  const full = (await caller.post("/conversation/sync", JSON.stringify(body))).body.toString();
  let version = 0n;
  // A version may be beyond what a JSON number of JavaScript can say.
  for (const [, digits] of full.matchAll(/"version":\s*(\d+)/g))
    if (BigInt(digits!) > version) version = BigInt(digits!);
  const known = Array.from({ length: plan.chats }, (_, chat) => `${peerOf(plan, chat)}:1:${Math.max(1, plan.recents)}`);
  const text = JSON.stringify({ ...body, last_msg_seqs: known.join("|") });
  return text.replace('"version":0', `"version":${version}`);
}

function userOf(plan: ConversationSyncPlan, user: number): string {
  return `${plan.run}u${user}`;
}

function peerOf(plan: ConversationSyncPlan, chat: number): string {
  return `${plan.run}p${chat}`;
}
