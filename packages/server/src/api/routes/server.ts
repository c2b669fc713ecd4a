/** The documentation of the API, and what the original says when there is no import of version 1. */
import { shape } from "../answer-schema.ts";
import { bare } from "../answers.ts";
import { type ApiRoute, type DescribedRoute, route } from "../api-route.ts";
import { docsPage } from "../docs-page.ts";
import { INT } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { jsonText, openApiDocument } from "../openapi.ts";

const TEXT = { type: "string" };
const HTML = { type: "string", contentMediaType: "text/html; charset=utf-8" };
const DOCUMENT = { type: "object", description: "An OpenAPI 3.1 document." };
const DOCS_HEALTH = {
  status: "ok",
  service: "docs",
  description: "wukong-ts API documentation",
  endpoints: { docs: "/docs", openapi_spec: "/openapi.json", health_check: "/docs/health" },
};
/** The page needs nothing but its own style. */
const PAGE_HEADERS = { "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'" };

/** `routes` are all routes, these included; asked when somebody reads the documentation. */
export function serverRoutes(routes: () => readonly DescribedRoute[]): readonly ApiRoute[] {
  const common = { method: "GET", tag: "Server" } as const;
  const openApi = { ...common, answers: { 200: DOCUMENT }, handle: () => bare(jsonText(openApiDocument(routes()))) };
  return [
    route({ ...openApi, path: "/openapi.json", summary: "This API as an OpenAPI 3.1 document" }),
    route({ ...openApi, path: "/docs/openapi.json", summary: "The same as /openapi.json" }),
    route({
      ...common,
      path: "/docs",
      summary: "This API as a page to read",
      answers: { 200: HTML },
      handle: () => ({
        status: 200,
        contentType: HTML.contentMediaType,
        headers: PAGE_HEADERS,
        body: docsPage(openApiDocument(routes())),
      }),
    }),
    route({
      ...common,
      path: "/docs/health",
      summary: "Whether the documentation is served",
      answers: {
        200: shape({
          status: TEXT,
          service: TEXT,
          description: TEXT,
          endpoints: shape({ docs: TEXT, openapi_spec: TEXT, health_check: TEXT }),
        }),
      },
      example: { answer: DOCS_HEALTH },
      handle: () => bare(writeJson(DOCS_HEALTH)),
    }),
    route({
      ...common,
      path: "/migrate/result",
      summary: "The state of an import from version 1",
      details: "There is no such import. The original says running without one.",
      answers: {
        200: shape({ status: { const: "running" }, step: TEXT, last_err: { type: "null" }, try_count: INT }),
      },
      example: { answer: { status: "running", step: "", last_err: null, try_count: 0 } },
      handle: () => bare('{"status":"running","step":"","last_err":null,"try_count":0}'),
    }),
  ];
}
