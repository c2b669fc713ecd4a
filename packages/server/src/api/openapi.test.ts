/** `vitest run -u` writes docs/api.md anew after a change of a route's definition. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { shape, titled } from "./answer-schema.ts";
import { ok } from "./answers.ts";
import { type ApiRoute, type DescribedRoute, type Port, route } from "./api-route.ts";
import { docsMarkdown } from "./docs-markdown.ts";
import { createApi } from "./http-server.ts";
import { type JsonSchema, UID } from "./json-schema.ts";
import { type OpenApiDocument, openApiDocument } from "./openapi.ts";
import { METRIC_SERIES } from "./routes/metric-series.ts";
import { TestApi } from "./test-kit.ts";

const API_PAGE = new URL("../../../../docs/api.md", import.meta.url).pathname;

/** All there can be, on both ports. */
const DESCRIBED: readonly DescribedRoute[] = [
  ...createApi(new TestApi({ benchOn: true }).deps()).routes,
  ...METRIC_SERIES,
];

function document(): OpenApiDocument {
  return openApiDocument(DESCRIBED);
}

function mounted(routes: readonly DescribedRoute[]): string[] {
  return routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`).sort();
}

/** As `GET /varz`; `port`: those that the document says are there. */
function documented({ paths }: OpenApiDocument, port: Port): string[] {
  return Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, operation]) => operation["x-ports"].includes(port))
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    )
    .sort();
}

describe("in step with the routes", () => {
  test.each(["api", "manager"] as const)("what the document says of the %s port is what is there", async (port) => {
    const api = new TestApi();
    const { routes } = port === "api" ? createApi(api.deps()) : api.managerApi();
    const served = JSON.parse((await api.get("/openapi.json")).text) as OpenApiDocument;
    expect(documented(served, port)).toEqual(mounted(routes));
  });

  test("what load tests call is described where it is served", () => {
    expect(documented(document(), "api")).toContain("POST /bench/v1/channels");
    expect(documented(openApiDocument(createApi(new TestApi().deps()).routes), "api").join()).not.toContain("/bench/");
  });

  test("docs/api.md is what the definitions make", async () => {
    await expect(docsMarkdown(document())).toMatchFileSnapshot(API_PAGE);
  });
});

describe("the OpenAPI document", () => {
  test.each(["/openapi.json", "/docs/openapi.json"])("%s is valid OpenAPI 3.1", async (path) => {
    const { text, type, status } = await new TestApi().get(path);
    expect({ status, type }).toEqual({ status: 200, type: "application/json; charset=utf-8" });
    const validator = new Validator();
    expect(await validator.validate(JSON.parse(text))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("numbers beyond 2^53 keep their digits", async () => {
    const { text } = await new TestApi().get("/openapi.json");
    expect(text).toContain('"message_id":1914637450395648001');
  });

  test("a schema with a title is written once, and another one of that title is refused", () => {
    const routeWith = (path: string, schema: JsonSchema): ApiRoute =>
      route({ method: "GET", path, tag: "Server", summary: path, answers: { 200: schema }, handle: ok });
    const user = titled("User", shape({ uid: UID }));
    const same = openApiDocument([routeWith("/a", user), routeWith("/b", { ...user, description: "other words" })]);
    expect(Object.keys(same.components.schemas)).toEqual(["Failure", "NoLogin", "User"]);
    const other = titled("User", shape({ name: UID }));
    expect(() => openApiDocument([routeWith("/a", user), routeWith("/b", other)])).toThrow("two schemas");
  });
});
