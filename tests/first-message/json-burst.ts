/** The messages of a cell, sent at once by a JSON-RPC client. */
import type { JsonClient } from "../harness/json-client.ts";
import { NO_PERSIST, RED_DOT } from "../harness/wire-client.ts";

interface Message {
  readonly to: string;
  readonly type: number;
  readonly text: string;
  readonly flags: number;
}

/** The reasons of the answers. */
export async function jsonBurst(client: JsonClient, messages: readonly Message[]): Promise<number[]> {
  const answers = await Promise.all(
    messages.map(({ to, type, text, flags }) =>
      client.send(to, type, text, { header: { redDot: flags === RED_DOT, noPersist: flags === NO_PERSIST } }),
    ),
  );
  return answers.map((answer) => Number(answer?.result?.["reasonCode"] ?? answer?.error?.code ?? -1));
}
