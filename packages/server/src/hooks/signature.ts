/**
 * The headers that tell a receiver which event it is and that it is ours, as in the Standard Webhooks convention: what is
 * signed is `id.timestamp.body`, with the timestamp in seconds since 1970.
 */
import { createHmac } from "node:crypto";

const BASE64_SECRET = "whsec_";

/** The keys in `webhook.secret`: several, separated by blanks, while one is replaced by another. */
export function signingKeys(secret: string): readonly Uint8Array[] {
  return secret
    .split(/\s+/)
    .filter((key) => key !== "")
    .map((key) =>
      key.startsWith(BASE64_SECRET) ? Buffer.from(key.slice(BASE64_SECRET.length), "base64") : Buffer.from(key, "utf8"),
    );
}

/** Without keys there is no signature, but the id all the same. */
export function eventHeaders(
  event: { readonly id: string; readonly body: Uint8Array },
  nowMs: number,
  keys: readonly Uint8Array[],
): Readonly<Record<string, string>> {
  const seconds = Math.floor(nowMs / 1000);
  const headers = { "webhook-id": event.id, "webhook-timestamp": String(seconds) };
  if (keys.length === 0) return headers;
  const signed = keys.map((key) => {
    const mac = createHmac("sha256", key).update(`${event.id}.${seconds}.`).update(event.body);
    return `v1,${mac.digest("base64")}`;
  });
  return { ...headers, "webhook-signature": signed.join(" ") };
}
