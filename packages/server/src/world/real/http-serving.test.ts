/** HTTP over loopback: what Fastify does for us, and what it must not do on its own. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HttpAnswer, HttpRequest, HttpRules, Listener, Route } from "../world.ts";
import { createHttpServing } from "./http-serving.ts";
import { connectPeer, createManualTimers, turns, waitFor } from "./test-kit.ts";

const RULES: HttpRules = {
  bodyBytesMax: 1_000,
  headers: { "access-control-allow-origin": "*" },
  gate: ({ method, headers, query }) => {
    if (method === "OPTIONS") return { status: 204, body: "" };
    return headers["token"] === "wrong" || query["token"] === "wrong" ? { status: 401, body: "" } : undefined;
  },
  notFound: ({ method, path }) => ({ status: 404, contentType: "text/plain", body: `no ${method} ${path}` }),
  unreadable: (status, text) => json({ status, text }, status),
  failed: (error, { path }) => json({ error: String(error), path }, 500),
};

/** What the last request looked like to its route. */
function echo(request: HttpRequest): HttpAnswer {
  const { method, path, query, params, headers, ip } = request;
  return json({ method, path, query, params, headers, ip, body: Buffer.from(request.body).toString("latin1") });
}

const ROUTES: readonly Route[] = [
  { method: "GET", path: "/echo", handle: echo },
  { method: "POST", path: "/echo", handle: async (request) => echo(request) },
  { method: "GET", path: "/channels/:id/:type/list", handle: echo },
  { method: "GET", path: "/folder/", handle: echo },
  {
    method: "GET",
    path: "/throws",
    handle: () => {
      throw new Error("on purpose");
    },
  },
  {
    method: "GET",
    path: "/rejects",
    handle: () => Promise.reject(Object.assign(new Error("later"), { statusCode: 418 })),
  },
  {
    method: "GET",
    path: "/bytes",
    handle: () => ({
      status: 200,
      contentType: "image/png",
      headers: { "x-own": "1" },
      body: new Uint8Array([1, 0, 255]),
    }),
  },
];

function json(value: unknown, status = 200): HttpAnswer {
  return { status, body: JSON.stringify(value) };
}

describe("HTTP", () => {
  const serving = createHttpServing(createManualTimers());
  let listener: Listener;
  let base: string;

  beforeAll(async () => {
    listener = await serving.serve({ host: "127.0.0.1", port: 0 }, ROUTES, RULES);
    base = `http://127.0.0.1:${listener.port}`;
  });
  afterAll(() => listener.close());

  const ask = (path: string, options: RequestInit = {}): Promise<Response> =>
    fetch(base + path, { redirect: "manual", ...options });
  const echoed = async (path: string, options: RequestInit = {}): Promise<Record<string, unknown>> => {
    const response = await ask(path, options);
    expect(response.status).toBe(200);
    return (await response.json()) as Record<string, unknown>;
  };
  /** As bytes, for what `fetch` would not send. */
  const askRaw = async (request: string): Promise<string> => {
    const peer = await connectPeer(listener.port);
    peer.net.write(Buffer.from(request, "latin1"));
    peer.net.on("end", () => peer.net.end());
    await waitFor(() => peer.isOver);
    return peer.received().toString();
  };

  test("a body arrives as its bytes whatever its type says, or when it has none", async () => {
    for (const type of [
      "application/json",
      "text/plain",
      "application/x-www-form-urlencoded",
      "nonsense",
      "a/b; c=",
      "",
    ]) {
      const seen = await echoed("/echo", { method: "POST", body: "{not json", headers: { "content-type": type } });
      expect(seen["body"]).toBe("{not json");
      expect((seen["headers"] as Record<string, string>)["content-type"]).toBe(type);
    }
    expect((await echoed("/echo", { method: "POST", body: new Uint8Array([0, 255]) }))["body"]).toBe("\x00\xff");
    expect((await echoed("/echo", { method: "POST" }))["body"]).toBe("");
  });

  test("a chunked body arrives whole", async () => {
    const head = "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(await askRaw(`${head}2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n`)).toContain('"body":"abcde"');
  });

  test("query and path parameters are decoded; of a repeated name the first counts", async () => {
    const seen = await echoed("/channels/a%40b%2Fc%20%E4%BD%A0/2/list?x=1&x=2&y=a+b%26&z&__proto__=p&constructor=c");
    expect(seen["params"]).toEqual({ id: "a@b/c 你", type: "2" });
    expect(seen["query"]).toEqual(JSON.parse('{"x":"1","y":"a b&","z":"","__proto__":"p","constructor":"c"}'));
    expect(seen["path"]).toBe("/channels/a%40b%2Fc%20%E4%BD%A0/2/list");
  });

  test("of a repeated header the first counts, and names have no meaning of their own", async () => {
    const answer = await askRaw(
      "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nToken: one\r\ntoken: two\r\n__proto__: x\r\n\r\n",
    );
    expect(answer).toContain('"token":"one"');
    expect(answer).toContain('"__proto__":"x"');
  });

  test("forwarding headers do not change who asks", async () => {
    expect((await echoed("/echo", { headers: { "x-forwarded-for": "1.2.3.4" } }))["ip"]).toBe("127.0.0.1");
  });

  test("a trailing slash too many or too few is redirected, GET with 301 and others with 307, query kept", async () => {
    const cases: [string, string, number, string][] = [
      ["GET", "/echo/?a=1&b=%20", 301, "/echo?a=1&b=%20"],
      ["POST", "/echo/", 307, "/echo"],
      ["GET", "/folder", 301, "/folder/"],
      ["GET", "/channels/a%2F/2/list/", 301, "/channels/a%2F/2/list"],
    ];
    for (const [method, path, status, location] of cases) {
      const response = await ask(path, { method });
      expect([response.status, response.headers.get("location")]).toEqual([status, location]);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
    }
    for (const path of ["/echo//", "//echo/", "//evil.example/echo/", "/channels//2/list/"]) {
      expect((await ask(path)).status).toBe(404);
    }
  });

  test("unknown paths and methods, HEAD too, are answered by the rules", async () => {
    for (const [method, path] of [
      ["GET", "/none"],
      ["DELETE", "/echo"],
      ["PATCH", "/echo"],
      ["POST", "/none/"],
    ] as const) {
      const response = await ask(path, { method, ...(method === "GET" ? {} : { body: "x".repeat(5_000) }) });
      expect([response.status, await response.text()]).toEqual([404, `no ${method} ${path}`]);
      expect(response.headers.get("content-type")).toBe("text/plain");
    }
    expect((await ask("/echo", { method: "HEAD" })).status).toBe(404);
  });

  test("the gate comes before everything: routes, unknown paths, redirects, bodies and paths that cannot be decoded", async () => {
    const headers = { token: "wrong" };
    for (const path of ["/echo", "/none", "/echo/", "/channels/%zz/2/list"]) {
      const response = await ask(path, { headers });
      expect([path, response.status, await response.text()]).toEqual([path, 401, ""]);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
    }
    expect((await ask("/echo", { method: "POST", headers, body: "x".repeat(5_000) })).status).toBe(401);
    // It sees the query too.
    for (const [query, status] of [
      ["?token=wrong", 401],
      ["?a=1&token=wrong#x", 401],
      ["?token=wrong2", 200],
      ["?a=token=wrong", 200],
    ] as const)
      expect((await ask(`/echo${query}`)).status).toBe(status);
    for (const path of ["/echo", "/none"]) expect((await ask(path, { method: "OPTIONS" })).status).toBe(204);
  });

  test("a body over the limit is refused, announced or chunked", async () => {
    const announced = await ask("/echo", { method: "POST", body: "x".repeat(1_001) });
    expect([announced.status, await announced.json()]).toMatchObject([413, { status: 413 }]);
    expect(announced.headers.get("access-control-allow-origin")).toBe("*");
    const head = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(await askRaw(`${head}5dc\r\n${"x".repeat(1_500)}\r\n`)).toMatch(/^HTTP\/1.1 413 /);
    expect((await ask("/echo", { method: "POST", body: "x".repeat(1_000) })).status).toBe(200);
  });

  test("a handler that throws or rejects is answered by the rules, whatever its error carries", async () => {
    expect(await (await ask("/throws")).json()).toEqual({ error: "Error: on purpose", path: "/throws" });
    const rejected = await ask("/rejects");
    expect([rejected.status, await rejected.json()]).toEqual([500, { error: "Error: later", path: "/rejects" }]);
  });

  test("a body that stops in the middle is no failure of a handler", async () => {
    const seen: string[] = [];
    const rules: HttpRules = {
      ...RULES,
      unreadable: (status) => {
        seen.push(`unreadable ${status}`);
        return { status, body: "" };
      },
      failed: (error) => {
        seen.push(`failed ${String(error)}`);
        return { status: 500, body: "" };
      },
    };
    const other = await serving.serve({ host: "127.0.0.1", port: 0 }, ROUTES, rules);
    const peer = await connectPeer(other.port);
    peer.net.write("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
    await turns();
    peer.net.resetAndDestroy();
    await waitFor(() => seen.length > 0);
    expect(seen).toEqual(["unreadable 400"]);
    await other.close();
  });

  test("type, own headers and bytes of an answer are kept; JSON is the default", async () => {
    const bytes = await ask("/bytes");
    expect(bytes.headers.get("content-type")).toBe("image/png");
    expect(bytes.headers.get("x-own")).toBe("1");
    expect([...(await bytes.bytes())]).toEqual([1, 0, 255]);
    expect((await ask("/echo")).headers.get("content-type")).toBe("application/json; charset=utf-8");
  });

  test.each([
    ["a path that cannot be decoded", "GET /channels/%zz/2/list HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 400],
    [
      "an overlong parameter",
      `GET /channels/${"x".repeat(5_000)}/2/list HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
      414,
    ],
    ["no HTTP", "\x01\x02\x03\r\n\r\n", 400],
    ["two lengths", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400],
    [
      "a length and chunks",
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["a bad chunk", "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400],
    ["no host", "GET /echo HTTP/1.1\r\n\r\n", 400],
    ["endless headers", `GET /echo HTTP/1.1\r\nX: ${"x".repeat(100_000)}`, 431],
  ])("%s is answered by the rules, and the next request works", async (_name, request, status) => {
    const answer = await askRaw(request);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect((await ask("/echo")).status).toBe(200);
  });

  test("an absolute URL means its path", async () => {
    const answer = await askRaw("GET http://other.example/echo?x=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    expect(answer).toContain('"path":"/echo"');
  });
});

describe("closing an HTTP listener", () => {
  test("answers what is under way, closes idle connections and frees the port", async () => {
    const timers = createManualTimers();
    const release: (() => void)[] = [];
    const slow: Route = {
      method: "GET",
      path: "/slow",
      handle: () => new Promise((resolve) => release.push(() => resolve({ status: 200, body: "done" }))),
    };
    const listener = await createHttpServing(timers).serve({ host: "127.0.0.1", port: 0 }, [slow], RULES);
    const idle = await connectPeer(listener.port);
    idle.net.write("GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
    await waitFor(() => idle.received().includes("no GET /none"));
    const answer = fetch(`http://127.0.0.1:${listener.port}/slow`);
    await waitFor(() => release.length === 1);
    const closed = listener.close();
    await waitFor(() => idle.isOver);
    release[0]?.();
    expect(await (await answer).text()).toBe("done");
    await closed;
    expect(timers.count).toBe(0);
    await (await createHttpServing(timers).serve({ host: "127.0.0.1", port: listener.port }, [], RULES)).close();
  });

  test("cuts a request that does not end in time", async () => {
    const timers = createManualTimers();
    const never: Route = { method: "GET", path: "/never", handle: () => new Promise(() => undefined) };
    const listener = await createHttpServing(timers).serve({ host: "127.0.0.1", port: 0 }, [never], RULES);
    const peer = await connectPeer(listener.port);
    peer.net.write("GET /never HTTP/1.1\r\nHost: h\r\n\r\nPOST");
    const closed = listener.close();
    await waitFor(() => timers.count > 0);
    timers.runAll();
    await waitFor(() => peer.isOver);
    await closed;
  });

  test("a port that is taken is refused with the system's words", async () => {
    const serving = createHttpServing(createManualTimers());
    const listener = await serving.serve({ host: "127.0.0.1", port: 0 }, [], RULES);
    await expect(serving.serve({ host: "127.0.0.1", port: listener.port }, [], RULES)).rejects.toThrow("EADDRINUSE");
    await listener.close();
  });
});
