/**
 * Receives the chat server's events. An event comes at least once and carries an id, so one that was handled is only
 * confirmed. Every answer but 200 brings it again. The signature says that it is from the chat server and is new.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

const OLD_SECONDS = 5 * 60;
/** A real back end notes the id in its database, in the transaction that handles the event. */
const IDS_MAX = 10_000;

const DONE = { status: 200, text: "" };
const NOT_SIGNED = { status: 401, text: "" };

/** `handlers` have the names of events; an event that has none is confirmed and passed over. */
export function createWebhook(secret, handlers) {
  const handling = new Map();

  return async (event, headers, body) => {
    if (secret !== "" && !isSigned(secret, headers, body, Date.now() / 1_000)) return NOT_SIGNED;
    await once(headers["webhook-id"], async () => handlers[event]?.(JSON.parse(body)));
    return DONE;
  };

  /** Two copies at the same time are handled once too. What failed is forgotten, so that it is done again. */
  function once(id, handle) {
    if (id === undefined) return handle();
    const known = handling.get(id);
    if (known !== undefined) return known;
    const outcome = handle();
    handling.set(id, outcome);
    outcome.catch(() => handling.delete(id));
    if (handling.size > IDS_MAX) handling.delete(handling.keys().next().value);
    return outcome;
  }
}

/** As standardwebhooks.com has it: HMAC-SHA256 over id, time and body; during a change of the secret there are two. */
function isSigned(secret, headers, body, nowSeconds) {
  const { "webhook-id": id, "webhook-timestamp": sentSeconds, "webhook-signature": signatures = "" } = headers;
  if (!(Math.abs(nowSeconds - Number(sentSeconds)) <= OLD_SECONDS)) return false;
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : secret;
  const expected = createHmac("sha256", key).update(`${id}.${sentSeconds}.`).update(body).digest();
  return signatures.split(" ").some((signature) => {
    const [version, value = ""] = signature.split(",");
    const given = Buffer.from(value, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}
