/** What the server says about its webhooks. */
import type { ServerProcess } from "../harness/server-process.ts";

export interface WebhookState {
  readonly followers: readonly {
    readonly name: string;
    readonly lag_messages: number;
    readonly is_counting: boolean;
    readonly oldest_age_ms: number;
  }[];
  readonly receivers: readonly {
    readonly name: string;
    readonly is_down: boolean;
    readonly reason: string;
    readonly taken: number;
    readonly failed_tries: number;
    readonly laid_aside: number;
    readonly requests: number;
    readonly waiting: number;
  }[];
  readonly dead_letters: { readonly count: number; readonly bytes: number };
}

export async function webhookState({ http }: Pick<ServerProcess, "http">): Promise<WebhookState> {
  const { status, text, body } = await http.get("/webhooks");
  if (status !== 200) throw new Error(`GET /webhooks answered ${status}: ${text}`);
  return body as unknown as WebhookState;
}
