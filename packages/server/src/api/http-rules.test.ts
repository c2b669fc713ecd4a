import { describe, expect, test } from "vitest";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { createApi } from "./http-server.ts";
import { OK, refusal, TestApi } from "./test-kit.ts";

describe("the manager token", () => {
  const api = new TestApi({ managerToken: "secret-m" });

  test.each([{}, { token: "" }, { token: "secret" }, { token: "secret-mm" }])(
    "%j gets 401 without a body",
    async (headers) => {
      const answer = await api.get("/route", headers);
      expect([answer.status, answer.text]).toEqual([401, ""]);
      expect((await api.get("/nope", headers)).status).toBe(401);
    },
  );

  test("the right one passes", async () => {
    expect((await api.get("/route", { token: "secret-m" })).status).toBe(200);
    expect((await api.get("/nope", { token: "secret-m" })).status).toBe(404);
  });

  test.each(["/health", "/healthz", "/readyz"])("%s needs none", async (path) => {
    expect((await api.get(path)).status).toBe(200);
  });

  test("preflights need none", async () => {
    expect((await api.options("/message/send")).status).toBe(204);
  });

  test.each(["", "  "])("a blank one (%j) leaves the API open", async (managerToken) => {
    expect((await new TestApi({ managerToken }).get("/route")).status).toBe(200);
  });
});

describe("answers outside of routes", () => {
  const api = new TestApi();

  test.each(["/nope", "/", "/HEALTH"])("%s is not found, as plain text", async (path) => {
    expect(await api.get(path)).toMatchObject({ status: 404, type: "text/plain", text: "404 page not found" });
  });

  test("any OPTIONS request ends with 204", async () => {
    expect(await api.options("/nope")).toMatchObject({ status: 204, text: "" });
  });

  test("every answer carries the headers for browsers of any origin", () => {
    const { headers } = createApi(api.deps()).rules;
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["access-control-allow-credentials"]).toBe("true");
    expect(headers["access-control-allow-methods"]).toBe("POST, OPTIONS, GET, PUT,DELETE,PATCH");
    expect(headers["access-control-allow-headers"]?.split(", ")).toContain("token");
  });

  test("what cannot be read is told in the error shape", () => {
    const answer = createApi(api.deps()).rules.unreadable(413, "too large");
    expect(answer).toEqual({ status: 413, body: '{"msg":"too large","status":413}' });
  });
});

describe("handlers that fail", () => {
  const body = { channel_id: "g", channel_type: 2 };

  test.each(["overloaded", "read_only", "store_failed"] as const)("the store is %s: 503", async (code) => {
    const api = new TestApi();
    api.storeFailure = new StoreUnavailable({ outcome: "refused", code, cause: undefined });
    expect(await api.post("/channel", body)).toMatchObject(refusal(api.storeFailure.message, 503));
    expect(api.failures).toEqual([]);
  });

  test("anything else: 500 without inner texts, and somebody is told", async () => {
    const api = new TestApi();
    api.storeFailure = new Error("inner text");
    expect(await api.post("/channel", body)).toMatchObject(refusal("internal error", 500));
    expect(api.failures).toEqual([api.storeFailure]);
    api.storeFailure = undefined;
    expect(await api.post("/channel", body)).toMatchObject(OK);
  });
});

test("no two routes are the same", () => {
  const { routes } = createApi(new TestApi().deps());
  const names = routes.map((route) => `${route.method} ${route.path}`);
  expect(new Set(names).size).toBe(names.length);
});
