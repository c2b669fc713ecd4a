/** A route of the API: what the world mounts, and the description of its body for whoever writes documentation from it. */
import type { HttpAnswer, HttpRequest, Route } from "../world/world.ts";
import { failure } from "./answers.ts";
import { decodeGoJson } from "./go-json.ts";
import { GoJsonError } from "./go-syntax.ts";
import type { Decoded, JsonType } from "./json-schema.ts";

export interface ApiRoute extends Route {
  /** undefined: the route reads no body. */
  readonly body?: JsonType;
}

type Answering = Promise<HttpAnswer> | HttpAnswer;

export function get(path: string, handle: (request: HttpRequest) => Answering): ApiRoute {
  return { method: "GET", path, handle };
}

/** `badBody` turns what is wrong with the body into the text of the 400; by default it is that text. */
export function post<Body extends JsonType>(
  path: string,
  body: Body,
  handle: (body: Decoded<Body>, request: HttpRequest) => Answering,
  badBody: (problem: string) => string = (problem) => problem,
): ApiRoute {
  return {
    method: "POST",
    path,
    body,
    handle(request) {
      let decoded: Decoded<Body>;
      try {
        decoded = decodeGoJson(request.body, body);
      } catch (error) {
        if (!(error instanceof GoJsonError)) throw error;
        return failure(badBody(error.message));
      }
      return handle(decoded, request);
    },
  };
}

/** The text that hides what is wrong. */
export function badFormat(): string {
  return "数据格式有误！";
}

export function badFormatWithProblem(problem: string): string {
  return `数据格式有误！: ${problem}`;
}

/** A number in a query or path; 0 when it is none. */
export function integerOf(text: string | undefined): number {
  // Nearly all are short and plain.
  if (text !== undefined && text.length > 0 && text.length <= PLAIN_DIGITS_MAX) {
    let plain = 0;
    for (let index = 0; index < text.length; index++) {
      const digit = text.charCodeAt(index) - 48;
      if (digit < 0 || digit > 9) return signedIntegerOf(text);
      plain = plain * 10 + digit;
    }
    return plain;
  }
  return signedIntegerOf(text);
}

const PLAIN_DIGITS_MAX = 9;

function signedIntegerOf(text: string | undefined): number {
  const value = text !== undefined && /^[+-]?[0-9]{1,15}$/.test(text) ? Number(text) : 0;
  return value + 0;
}

export function channelTypeOf(text: string | undefined): number {
  return integerOf(text) & 0xff;
}
