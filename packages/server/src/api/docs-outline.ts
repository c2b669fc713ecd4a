/**
 * The OpenAPI document in the order and words of a reader: sections of routes, each with its fields as flat rows. The
 * page and the Markdown file only put marks around it.
 */
import type { Port } from "./api-route.ts";
import { type DocsType, itemsOf, shapeName, typeOf } from "./docs-type.ts";
import { indentedJson } from "./indented-json.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { Content, MediaType, OpenApiDocument, Operation, Response } from "./openapi.ts";

export interface DocsOutline {
  readonly title: string;
  readonly paragraphs: readonly string[];
  /** What any route may answer. */
  readonly errors: readonly DocsAnswer[];
  readonly sections: readonly DocsSection[];
  /** What answers are made of. */
  readonly shapes: readonly DocsShape[];
}

export interface DocsSection {
  readonly name: string;
  readonly description: string;
  readonly routes: readonly DocsRoute[];
}

export interface DocsRoute {
  /** Unique in the document, fit for a link. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly details: string;
  readonly needsToken: boolean;
  /** Where it is served, when not on the API port alone; "" otherwise. */
  readonly ports: string;
  readonly fields: readonly DocsField[];
  readonly answers: readonly DocsAnswer[];
  /** The statuses of `errors` that it may have too. */
  readonly errorStatuses: readonly string[];
  /** What it says with status 400. */
  readonly refusals: readonly string[];
  readonly example: { readonly request: string; readonly answer: string } | undefined;
}

export interface DocsField {
  /** Where it stands: path, query or body; in a shape nowhere. */
  readonly place: string;
  /** As `header.red_dot` or `channels[].channel_id`. */
  readonly name: string;
  readonly type: DocsType;
  readonly isNeeded: boolean;
  readonly about: string;
}

export interface DocsAnswer {
  readonly status: string;
  readonly about: string;
  readonly type: DocsType;
  /** Of an object that is no shape. */
  readonly fields: readonly DocsField[];
}

export interface DocsShape {
  readonly name: string;
  readonly fields: readonly DocsField[];
}

export function docsOutline(document: OpenApiDocument): DocsOutline {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const used = new Set<string>();
  const schemas = document.components.schemas;
  const sections = document.tags.map(({ name, description }) => ({
    name,
    description,
    routes: operations
      .filter(({ operation }) => operation.tags.includes(name))
      .map(({ path, method, operation }) => routeOf(path, method, operation, schemas, used)),
  }));
  return {
    title: document.info.title,
    paragraphs: document.info.description.split("\n\n"),
    errors: answersOf(document.components.responses, schemas, used),
    sections,
    shapes: shapesOf(schemas, used),
  };
}

function routeOf(
  path: string,
  method: string,
  operation: Operation,
  schemas: Readonly<Record<string, JsonSchema>>,
  used: Set<string>,
): DocsRoute {
  const body = mediaOf(operation.requestBody);
  const own = ownResponses(operation);
  const parameters = (operation.parameters ?? []).map((parameter) => ({
    place: parameter.in,
    name: parameter.name,
    type: typeOf(parameter.schema),
    isNeeded: parameter.required,
    about: parameter.description ?? "",
  }));
  return {
    id: operation.operationId,
    method,
    path,
    summary: operation.summary,
    details: operation.description ?? "",
    needsToken: operation.security.length > 0,
    ports: portsText(operation["x-ports"]),
    fields: body === undefined ? parameters : [...parameters, ...bodyFields(body.schema, schemas)],
    answers: answersOf(own, schemas, used),
    errorStatuses: Object.keys(operation.responses).filter((status) => !(status in own)),
    refusals: refusalsOf(operation),
    example: exampleOf(path, method, operation),
  };
}

function portsText(ports: readonly Port[]): string {
  if (!ports.includes("manager")) return "";
  return ports.includes("api") ? "On the manager port too." : "Only on the manager port.";
}

function answersOf(
  responses: Readonly<Record<string, Response>>,
  schemas: Readonly<Record<string, JsonSchema>>,
  used: Set<string>,
): readonly DocsAnswer[] {
  return Object.entries(responses).map(([status, { description, content }]) => {
    const [contentType, { schema } = { schema: undefined }] = Object.entries(content ?? {})[0] ?? [];
    noteShapes(schema, schemas, used);
    const isJson = contentType === "application/json" && schema !== undefined;
    return {
      status,
      about: description,
      type: isJson ? typeOf(schema) : [contentType ?? "nothing"],
      fields: isJson ? fieldsOf(unwrapped(schema), "", "") : [],
    };
  });
}

function ownResponses(operation: Operation): Readonly<Record<string, Response>> {
  const own: Record<string, Response> = {};
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!("$ref" in response) && mediaOf(response)?.examples === undefined) own[status] = response;
  }
  return own;
}

function refusalsOf(operation: Operation): readonly string[] {
  const response = operation.responses["400"];
  const media = response === undefined || "$ref" in response ? undefined : mediaOf(response);
  return Object.values(media?.examples ?? {}).map(({ value }) => value.msg);
}

/** There is one type, or no body. */
function mediaOf(holder: { readonly content?: Content } | undefined): MediaType | undefined {
  return Object.values(holder?.content ?? {})[0];
}

function exampleOf(path: string, method: string, operation: Operation): DocsRoute["example"] {
  const answer = mediaOf(ownResponses(operation)["200"])?.example;
  if (answer === undefined) return undefined;
  const body = mediaOf(operation.requestBody)?.example;
  const values = (operation.parameters ?? []).filter(({ example }) => example !== undefined);
  let filled = path;
  const query = new URLSearchParams();
  for (const { name, in: place, example } of values) {
    if (place === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(String(example)));
    else query.append(name, String(example));
  }
  const url = query.size === 0 ? filled : `${filled}?${query.toString()}`;
  const request = body === undefined ? `${method} ${url}` : `${method} ${url}\n\n${indentedJson(body)}`;
  return { request, answer: indentedJson(answer) };
}

/** The fields of a body, all the way down. */
function bodyFields(schema: JsonSchema, schemas: Readonly<Record<string, JsonSchema>>): readonly DocsField[] {
  const body = withoutReferences(schema, schemas);
  if (body["type"] === "object") return fieldsOf(body, "body", "");
  const about = textAt(body, "description");
  return [{ place: "body", name: "(the body)", type: typeOf(body), isNeeded: true, about }];
}

function withoutReferences(schema: JsonSchema, schemas: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const { $ref, ...own } = schema;
  const { properties, items, ...rest }: JsonSchema = { ...own, ...schemas[shapeName($ref) ?? ""] };
  const inner = (part: JsonSchema): JsonSchema => withoutReferences(part, schemas);
  return {
    ...rest,
    ...(properties === undefined
      ? undefined
      : { properties: Object.fromEntries(propertiesOf({ properties }).map(([field, part]) => [field, inner(part)])) }),
    ...(items === undefined ? undefined : { items: inner(itemsOf({ items })) }),
  };
}

/** Of an object; those of the objects in it follow their field. What is referred to stands elsewhere. */
function fieldsOf(schema: JsonSchema, place: string, prefix: string): readonly DocsField[] {
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  return propertiesOf(schema).flatMap(([name, property]) => [
    {
      place,
      name: `${prefix}${name}`,
      type: typeOf(property),
      isNeeded: required.includes(name),
      about: textAt(property, "description"),
    },
    ...fieldsOf(property, place, `${prefix}${name}.`),
    ...fieldsOf(itemsOf(property), place, `${prefix}${name}[].`),
  ]);
}

/** What is listed: the object itself, or that in a list, or the first of several possible ones. */
function unwrapped(schema: JsonSchema): JsonSchema {
  const options = schema["anyOf"];
  if (Array.isArray(options)) return unwrapped((options as readonly JsonSchema[]).find(hasOwnFields) ?? {});
  return schema["type"] === "array" ? unwrapped(itemsOf(schema)) : schema;
}

function hasOwnFields(schema: JsonSchema): boolean {
  return propertiesOf(unwrapped(schema)).length > 0;
}

function shapesOf(schemas: Readonly<Record<string, JsonSchema>>, used: ReadonlySet<string>): readonly DocsShape[] {
  return Object.entries(schemas)
    .filter(([name]) => used.has(name))
    .map(([name, schema]) => ({ name, fields: fieldsOf(schema, "", "") }));
}

/** Those that a schema refers to, and those that these refer to. */
function noteShapes(schema: unknown, schemas: Readonly<Record<string, JsonSchema>>, used: Set<string>): void {
  if (typeof schema !== "object" || schema === null) return;
  for (const [keyword, value] of Object.entries(schema)) {
    const name = keyword === "$ref" ? shapeName(value) : undefined;
    if (name === undefined) noteShapes(value, schemas, used);
    else if (!used.has(name)) {
      used.add(name);
      noteShapes(schemas[name], schemas, used);
    }
  }
}

function propertiesOf(schema: JsonSchema): readonly [string, JsonSchema][] {
  return Object.entries((schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>);
}

function textAt(schema: JsonSchema, keyword: string): string {
  return typeof schema[keyword] === "string" ? schema[keyword] : "";
}
