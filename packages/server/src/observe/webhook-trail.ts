/** What a webhook has made of a message: asked by whoever explains it, answered by whoever delivers. */
import type { StoredMessage } from "../messaging/message.ts";

/** "off": no webhook is told of such messages. "dead": given up. */
export type WebhookState = "delivered" | "waiting" | "dead" | "off";

export interface WebhookTrail {
  stateOf(message: Pick<StoredMessage, "id" | "channel">): WebhookState;
}
