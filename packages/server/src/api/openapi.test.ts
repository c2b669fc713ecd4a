/** `vitest run -u` writes docs/api.md anew after a change of a route's definition. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { shape, titled } from "./answer-schema.ts";
import { ok } from "./answers.ts";
import { type ApiRoute, get, post, route } from "./api-route.ts";
import { docsMarkdown } from "./docs-markdown.ts";
import { createApi } from "./http-server.ts";
import { type JsonSchema, UID, UINT8 } from "./json-schema.ts";
import { type OpenApiDocument, openApiDocument } from "./openapi.ts";
import { TestApi } from "./test-kit.ts";

const API_PAGE = new URL("../../../../docs/api.md", import.meta.url).pathname;

function document(): OpenApiDocument {
  return openApiDocument(createApi(new TestApi().deps()).routes);
}

describe("in step with the routes", () => {
  test("every route is described, and the document has no other", () => {
    const { routes } = createApi(new TestApi().deps());
    const mounted = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const documented = Object.entries(document().paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual(mounted.sort());
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
    expect(Object.keys(same.components.schemas)).toEqual(["Failure", "User"]);
    const other = titled("User", shape({ name: UID }));
    expect(() => openApiDocument([routeWith("/a", user), routeWith("/b", other)])).toThrow("two schemas");
  });

  test("a route about which nothing is said is served and left out", () => {
    const routes = [get("/old", ok), post("/older", UINT8, ok)];
    expect(openApiDocument(routes).paths).toEqual({});
  });
});
