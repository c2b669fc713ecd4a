/**
 * A route of the API. Its definition is the one place that says what it takes and what it answers: requests are read by
 * it, and the OpenAPI document, the page at /docs and docs/api.md are made of it. Tests hold every answer against it.
 */
import { fits } from "../messaging/valid-ids.ts";
import type { HttpAnswer, HttpRequest, Route } from "../world/world.ts";
import { failure } from "./answers.ts";
import { decodeGoJson } from "./go-json.ts";
import { GoJsonError } from "./go-syntax.ts";
import type { BodySchema, Decoded, DecodedFields, IntegerSchema, JsonSchema, TextSchema } from "./json-schema.ts";
import type { JsonValue } from "./json-writer.ts";

export interface ApiRoute extends Route, DescribedRoute {}

/** What can be said of a route without the parts of the server that it needs. */
export interface DescribedRoute extends Pick<Route, "method" | "path"> {
  readonly description: RouteDescription;
}

/** What readers and tests are told about a route. */
export interface RouteDescription {
  /** The part of the documentation it stands in. */
  readonly tag: RouteTag;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What the schemas do not say: effects, order, and what is surprising. One paragraph of plain text. */
  readonly details?: string;
  readonly params?: ParameterSchemas;
  readonly query?: ParameterSchemas;
  readonly body?: BodySchema;
  /** Served without the manager token or a login. */
  readonly isOpen?: true;
  /** Where it is served; by default on the API port alone. */
  readonly ports?: readonly Port[];
  /**
   * JSON by status. What every route may answer is not repeated: `answersOf` adds it. A schema with `contentMediaType`
   * is text of that type.
   */
  readonly answers: Answers;
  /**
   * What `msg` may be with status 400, beside what is wrong with the JSON or too long: exactly these texts, with … for
   * what differs.
   */
  readonly refusals?: readonly string[];
  /** A real request and what it was answered, played by a test. */
  readonly example?: RouteExample;
}

export type RouteTag =
  | "Messages"
  | "Conversations"
  | "Channels"
  | "Members and lists"
  | "Users"
  | "Connections"
  | "Webhooks"
  | "Server"
  | "Manager"
  | "Browsing"
  | "Cluster"
  | "Load tests";

/** "manager": behind a login, for operators. */
export type Port = "api" | "manager";
export const BOTH_PORTS: readonly Port[] = ["api", "manager"];

export interface Answers {
  readonly [status: number]: JsonSchema;
}

export interface RouteExample {
  /** What stands behind the path, as `?uid=u1`. */
  readonly query?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: JsonValue;
  /** With status 200. Numbers beyond 2^53 are bigint. */
  readonly answer: JsonValue;
}

/** A number that cannot be read is 0; one that is missing or empty is its default, or 0. A missing text is "". */
export interface ParameterSchemas {
  readonly [name: string]: TextSchema | IntegerSchema;
}

export interface RouteInput<Body, Query, Params> {
  readonly body: Decoded<Body>;
  readonly query: DecodedFields<Query>;
  readonly params: DecodedFields<Params>;
  readonly request: HttpRequest;
}

export interface RouteDefinition<Body, Query, Params> extends RouteDescription {
  readonly method: "GET" | "POST";
  /** Static segments and `:name`. */
  readonly path: string;
  readonly params?: Params & ParameterSchemas;
  readonly query?: Query & ParameterSchemas;
  readonly body?: Body & BodySchema;
  /** Turns what is wrong with the body into the text of the 400; by default it is that text. */
  readonly badBody?: (problem: string) => string;
  readonly handle: (input: RouteInput<Body, Query, Params>) => Answering;
}

type Answering = Promise<HttpAnswer> | HttpAnswer;

const NOTHING: Readonly<Record<string, never>> = {};

export function route<Body = undefined, Query = object, Params = object>(
  definition: RouteDefinition<Body, Query, Params>,
): ApiRoute {
  return { ...described(definition), handle: handlerOf(definition) };
}

export function described<Body = undefined, Query = object, Params = object>(
  definition: Omit<RouteDefinition<Body, Query, Params>, "handle">,
): DescribedRoute {
  const { method, path, badBody: _, ...description } = definition;
  return { method, path, description };
}

type Reading<Body, Query, Params> = Pick<
  RouteDefinition<Body, Query, Params>,
  "body" | "query" | "params" | "badBody" | "handle"
>;

function handlerOf<Body, Query, Params>(reading: Reading<Body, Query, Params>): Route["handle"] {
  const { body, query, params, badBody = asItIs } = reading;
  return (request) => {
    const readQuery = query === undefined ? NOTHING : readParameters(request.query, query);
    if (typeof readQuery === "string") return failure(readQuery);
    const readParams = params === undefined ? NOTHING : readParameters(request.params, params);
    if (typeof readParams === "string") return failure(readParams);
    let decoded: unknown;
    try {
      if (body !== undefined) decoded = decodeGoJson<BodySchema>(request.body, body);
    } catch (error) {
      if (!(error instanceof GoJsonError)) throw error;
      return failure(badBody(error.message));
    }
    const input = { body: decoded, query: readQuery, params: readParams, request };
    // Each was read by the schema that its type comes from.
    return reading.handle(input as RouteInput<Body, Query, Params>);
  };
}

function asItIs(problem: string): string {
  return problem;
}

/** The text that hides what is wrong. */
export function badFormat(): string {
  return "数据格式有误！";
}

export function badFormatWithProblem(problem: string): string {
  return `数据格式有误！: ${problem}`;
}

/** By name; a text instead: what is wrong with one. */
function readParameters(
  given: Readonly<Record<string, string>>,
  schemas: ParameterSchemas,
): Readonly<Record<string, string | number | bigint>> | string {
  const read: Record<string, string | number | bigint> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const written = given[name];
    if (schema.type === "integer") read[name] = integerAs(schema, written);
    else if (written === undefined || fits(written, schema.maxLength)) read[name] = written ?? "";
    else return `${name} is longer than ${schema.maxLength} bytes`;
  }
  return read;
}

function integerAs(schema: IntegerSchema, text: string | undefined): number | bigint {
  if (schema.default !== undefined && (text === undefined || text === "")) return schema.default;
  switch (schema["x-go-type"]) {
    case "uint8":
      return channelTypeOf(text);
    case "uint32":
      return integerOf(text) >>> 0;
    case "int":
      return integerOf(text);
    case "int64":
      return longIntegerOf(text, -(1n << 63n), (1n << 63n) - 1n);
    case "uint64":
      return longIntegerOf(text, 0n, (1n << 64n) - 1n);
  }
}

function longIntegerOf(text: string | undefined, min: bigint, max: bigint): bigint {
  const value = text !== undefined && /^-?[0-9]{1,20}$/.test(text) ? BigInt(text) : 0n;
  return value < min || value > max ? 0n : value;
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
