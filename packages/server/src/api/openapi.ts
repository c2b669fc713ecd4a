/**
 * The OpenAPI 3.1 document, made of the routes' definitions. The page at /docs and docs/api.md are made of it in turn,
 * so it holds all they show. A schema with a title is written once, under `components`.
 */
import { answersOf, COMMON_ANSWERS, isText } from "./answer-schema.ts";
import type { DescribedRoute, ParameterSchemas, Port, RouteDescription, RouteExample } from "./api-route.ts";
import type { JsonSchema } from "./json-schema.ts";
import { type JsonValue, writeJson } from "./json-writer.ts";

/** Values are JSON, with bigint for numbers beyond 2^53. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    /** What any route may answer, under the status. */
    readonly responses: Readonly<Record<string, Response>>;
    readonly securitySchemes: Readonly<Record<string, JsonSchema>>;
  };
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly JsonSchema[];
  /** Where it is served. */
  readonly "x-ports": readonly Port[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: Readonly<Record<string, Response | Reference>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
  readonly example?: string | number;
}

export interface Response {
  readonly description: string;
  readonly content?: Content;
}

/** To one of the `components`. */
export interface Reference {
  readonly $ref: string;
}

export type Content = Readonly<Record<string, MediaType>>;

export interface MediaType {
  readonly schema: JsonSchema;
  readonly example?: JsonValue;
  /** Of a refusal: one for each text. */
  readonly examples?: Readonly<Record<string, { readonly value: { readonly msg: string; readonly status: number } }>>;
}

const JSON_TYPE = "application/json";
const RESPONSES = "#/components/responses/";

const INTRODUCTION = [
  "The HTTP API of WuKongIM v2.2.5, with what is better here. A back end calls it; clients speak the binary protocol or JSON-RPC.",
  'Bodies are JSON, whatever their Content-Type. Names match in any case, unknown ones are ignored, and what is missing or null counts as 0, empty or no list. Integers must be integers in range: "2" and 1.0 are errors. A number in a query that cannot be read is 0.',
  "Channel types: 1 person, 2 group, 3 customer service, 4 community, 5 topic of a community, 6 info, 7 data, 8 temporary, 9 live, 10 visitors, 11 agent, 12 group with agents. A person is named by his uid; his stored channel is uid@uid.",
  "Integers of 64 bits, as message_id and version, are plain JSON numbers with all their digits. A parser that makes doubles of them changes them.",
  "Routes are on the API port (5001). Some are on the manager port (5300) too, or only there, and say so: it is for operators, who log in with POST /manager/login.",
  "Texts may have as many bytes in UTF-8 as maxLength says, and must be valid Unicode.",
];

const TAGS: Readonly<Record<RouteDescription["tag"], string>> = {
  Messages: "Sending, reading history, and commands.",
  Conversations: "A user's chat list and the marks in it.",
  Channels: "What exists, and its flags.",
  "Members and lists": "Who belongs to a channel, who may not and who alone may send.",
  Users: "Tokens, devices, who is online, system accounts.",
  Connections: "Where clients connect to, and who is connected.",
  Webhooks:
    "How far they lag, sending events again, and those that no receiver took (dead letters). Not in the original.",
  Server: "Health, this documentation, the server's state.",
  Manager: "The login of the manager port, and the charts of its web UI.",
  Browsing: "What is stored, for operators, page by page.",
  Cluster: "This one machine as the original shows a cluster: one node that leads all slots.",
  "Load tests": "What the load generator wkbench calls. Only with bench.apiOn.",
};

const STATUS_TEXTS: Readonly<Record<string, string>> = {
  200: "Done",
  400: "The request is wrong; msg says how, in the words of the original",
  401: "managerToken is configured and the header token is not equal to it (no body); on the manager port: no login, or one that has ended",
  404: "What is named is not there",
  413: "The body is larger than limits.httpBodyBytesMax",
  429: "More requests than rateLimit allows, or too many wrong passwords; the header retry-after says for how many seconds to wait",
  500: "A mistake of the server; its log says more",
  503: "The store cannot write now, or too much is under way: nothing has changed, and the call may be repeated",
};

export function openApiDocument(routes: readonly DescribedRoute[]): OpenApiDocument {
  const schemas: Record<string, JsonSchema> = {};
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const { description } = route;
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operationOf(route, description, schemas);
  }
  return {
    openapi: "3.1.0",
    info: { title: "wukong-ts", version: "2.2.5", description: INTRODUCTION.join("\n\n") },
    tags: Object.entries(TAGS)
      .filter(([name]) => routes.some((route) => route.description.tag === name))
      .map(([name, description]) => ({ name, description })),
    paths,
    components: {
      responses: Object.fromEntries(
        Object.entries(COMMON_ANSWERS).map(([status, schema]) => [
          status,
          responseOf(status, schema, undefined, schemas),
        ]),
      ),
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        managerToken: {
          type: "apiKey",
          in: "header",
          name: "token",
          description: "Only when managerToken is configured.",
        },
        login: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "On the manager port: the token of POST /manager/login, or the managerToken.",
        },
      },
    },
  };
}

/** Of the document, or of a schema or example in it. */
export function jsonText(value: unknown): string {
  // What the definitions hold is JSON with bigint; their types are wider.
  return writeJson(value as JsonValue);
}

function operationOf(
  route: DescribedRoute,
  description: RouteDescription,
  schemas: Record<string, JsonSchema>,
): Operation {
  const { body, example, details } = description;
  const parameters = [
    ...parametersOf("path", description.params, example),
    ...parametersOf("query", description.query, example),
  ];
  return {
    operationId: operationId(route),
    tags: [description.tag],
    summary: description.summary,
    ...(details === undefined ? undefined : { description: details }),
    security: securityOf(description),
    "x-ports": description.ports ?? ["api"],
    ...(parameters.length === 0 ? undefined : { parameters }),
    ...(body === undefined
      ? undefined
      : { requestBody: { required: true, content: contentOf(JSON_TYPE, shared(body, schemas), example?.body) } }),
    responses: responsesOf(description, schemas),
  };
}

/** Any one of them is enough. */
function securityOf({ isOpen, ports }: RouteDescription): JsonSchema[] {
  if (isOpen === true) return [];
  return [{ managerToken: [] }, ...(ports?.includes("manager") === true ? [{ login: [] }] : []), {}];
}

function responsesOf(
  description: RouteDescription,
  schemas: Record<string, JsonSchema>,
): Readonly<Record<string, Response | Reference>> {
  const { example, refusals } = description;
  const responses: Record<string, Response | Reference> = {};
  for (const [status, schema] of Object.entries(answersOf(description))) {
    const isCommon = schema === COMMON_ANSWERS[Number(status)];
    if (status === "400" && isCommon && refusals !== undefined)
      responses[status] = { description: textOf(status), content: refusalContent(shared(schema, schemas), refusals) };
    else if (isCommon) responses[status] = { $ref: `${RESPONSES}${status}` };
    else responses[status] = responseOf(status, schema, status === "200" ? example?.answer : undefined, schemas);
  }
  return responses;
}

function refusalContent(schema: JsonSchema, refusals: readonly string[]): Content {
  const examples = refusals.map((msg, index) => [String(index + 1), { value: { msg, status: 400 } }] as const);
  return { [JSON_TYPE]: { schema, examples: Object.fromEntries(examples) } };
}

function textOf(status: string): string {
  return STATUS_TEXTS[status] ?? status;
}

function responseOf(
  status: string,
  schema: JsonSchema,
  example: JsonValue | undefined,
  schemas: Record<string, JsonSchema>,
): Response {
  const description = textOf(status);
  if (!isText(schema)) return { description, content: contentOf(JSON_TYPE, shared(schema, schemas), example) };
  return { description, content: contentOf(String(schema["contentMediaType"]), { type: "string" }, undefined) };
}

function contentOf(type: string, schema: JsonSchema, example: JsonValue | undefined): Content {
  return { [type]: { schema, ...(example === undefined ? undefined : { example }) } };
}

function parametersOf(
  place: "path" | "query",
  parameters: ParameterSchemas | undefined,
  example: RouteExample | undefined,
): Parameter[] {
  const written = place === "path" ? example?.params : Object.fromEntries(new URLSearchParams(example?.query));
  return Object.entries(parameters ?? {}).map(([name, { description, ...schema }]) => {
    const value = written?.[name];
    return {
      name,
      in: place,
      required: place === "path",
      ...(description === undefined ? undefined : { description }),
      schema: schema as unknown as JsonSchema,
      ...(value === undefined ? undefined : { example: schema.type === "integer" ? Number(value) : value }),
    };
  });
}

/** As `postMessageSend`. */
function operationId(route: DescribedRoute): string {
  const words = route.path.split(/\W+/).filter((word) => word !== "");
  return route.method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

/** With references in place of the parts that have a title; those are noted in `schemas`. */
function shared(schema: unknown, schemas: Record<string, JsonSchema>): JsonSchema {
  // A schema, of which only the parts that can hold other schemas matter here.
  const { title, description, ...rest } = schema as JsonSchema;
  const about = description === undefined ? undefined : { description };
  const inner: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(rest)) inner[keyword] = sharedPart(keyword, value, schemas);
  if (typeof title !== "string") return { ...about, ...inner };
  const known = schemas[title];
  if (known === undefined) schemas[title] = inner;
  else if (jsonText(known) !== jsonText(inner)) throw new Error(`two schemas have the title ${title}`);
  return { $ref: `#/components/schemas/${title}`, ...about };
}

function sharedPart(keyword: string, value: unknown, schemas: Record<string, JsonSchema>): unknown {
  switch (keyword) {
    case "items":
      return shared(value, schemas);
    case "anyOf":
      return (value as readonly unknown[]).map((part) => shared(part, schemas));
    case "properties":
      return Object.fromEntries(
        Object.entries(value as JsonSchema).map(([name, part]) => [name, shared(part, schemas)]),
      );
    default:
      return value;
  }
}
