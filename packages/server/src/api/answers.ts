/** The shapes of HTTP answers: WuKongIM's envelope, bare JSON, and errors. */
import type { HttpAnswer } from "../world/world.ts";

const OK: HttpAnswer = { status: 200, body: '{"status":200}' };

/** Success without data. */
export function ok(): HttpAnswer {
  return OK;
}

/** Success with `json` as data. */
export function data(json: string): HttpAnswer {
  return { status: 200, body: `{"data":${json},"status":200}` };
}

/** HTTP 200 with another status inside, as 404 for a message that is not there. */
export function statusOnly(status: number): HttpAnswer {
  return { status: 200, body: `{"status":${status}}` };
}

/** A bare object or list, without envelope. */
export function bare(json: string | Uint8Array): HttpAnswer {
  return { status: 200, body: json };
}

export function failure(text: string, status = 400): HttpAnswer {
  return { status, body: JSON.stringify({ msg: text, status }) };
}

export const NO_PERMISSION = "没有权限";

/** Logged in, but not permitted: HTTP 400 with 403 inside. */
export function forbidden(): HttpAnswer {
  return { status: 400, body: JSON.stringify({ msg: NO_PERMISSION, status: 403 }) };
}

/** Too much at the moment, through no fault of the caller. */
export function tooBusy(text: string): HttpAnswer {
  return { ...failure(text, 503), headers: { "retry-after": "1" } };
}

/** More than this caller may. */
export function tooMany(text: string, retryAfterMs: number): HttpAnswer {
  return { ...failure(text, 429), headers: { "retry-after": String(Math.ceil(retryAfterMs / 1000)) } };
}

export function plainText(text: string, status: number): HttpAnswer {
  return { status, contentType: "text/plain", body: text };
}

export function empty(status: number): HttpAnswer {
  return { status, body: "" };
}
