/** GET /explain as an operator asks it. */
import { expect } from "vitest";
import type { ServerProcess } from "../harness/server-process.ts";
import { eventually } from "../harness/waiting.ts";

export interface Explained {
  readonly uid: string;
  readonly verdict: string;
  readonly advice: string;
  readonly text: string;
  readonly message: { readonly message_idstr: string; readonly message_seq: number; readonly log: string } | null;
  readonly facts: readonly { readonly code: string; readonly text: string }[];
  readonly sessions: readonly {
    readonly device_flag: number;
    readonly state: string;
    readonly resends: number;
    readonly end_reason: string;
  }[];
}

export interface Asked {
  readonly id?: bigint | number;
  readonly number?: string;
  readonly channel?: string;
  readonly type?: number;
  readonly from?: string;
  readonly as?: string;
}

export async function explain(server: ServerProcess, uid: string, asked: Asked): Promise<Explained> {
  const parameters = new URLSearchParams({ uid });
  if (asked.id !== undefined) parameters.set("message_id", String(asked.id));
  if (asked.number !== undefined) parameters.set("client_msg_no", asked.number);
  if (asked.channel !== undefined) parameters.set("channel_id", asked.channel);
  if (asked.type !== undefined) parameters.set("channel_type", String(asked.type));
  if (asked.from !== undefined) parameters.set("from_uid", asked.from);
  if (asked.as !== undefined) parameters.set("login_uid", asked.as);
  const query = `/explain?${parameters.toString()}`;
  const answer = await server.http.get(query);
  if (answer.status !== 200) throw new Error(`GET ${query} answered ${answer.status}: ${answer.text}`);
  return answer.body as unknown as Explained;
}

/** The verdict, and facts that must be among those told. */
export async function expectVerdict(
  server: ServerProcess,
  uid: string,
  asked: Asked,
  verdict: string,
  ...facts: readonly string[]
): Promise<Explained> {
  const explained = await explain(server, uid, asked);
  expect(explained.verdict, explained.text).toBe(verdict);
  const codes = explained.facts.map(({ code }) => code);
  for (const fact of facts) expect(codes, explained.text).toContain(fact);
  return explained;
}

/** As soon as it is the verdict: what a server finds out by waiting. */
export async function untilVerdict(
  server: ServerProcess,
  uid: string,
  asked: Asked,
  verdict: string,
  withinMs = 20_000,
): Promise<Explained> {
  return eventually(
    async () => {
      const explained = await explain(server, uid, asked);
      if (explained.verdict === verdict) return explained;
      throw new Error(explained.text);
    },
    `the verdict is ${verdict}`,
    withinMs,
  );
}

export function statesOf(explained: Explained): readonly string[] {
  return explained.sessions.map(({ state }) => state);
}
