/** What the two HTTP ports let in. */
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { Operator } from "./operator.ts";

const SECRET = "a secret of this test";
const shared = sharedServer({
  settings: { managerToken: "secret-m", "auth.users": "admin:pw:* guest:pw:[*:r]", "jwt.secret": SECRET },
});

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
function tokenOf(alg: string, secret: string, more: object = {}): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const claims = { username: "admin", iss: "wukongim", iat: nowSeconds, exp: nowSeconds + 60, ...more };
  const signed = `${encoded({ alg, typ: "JWT" })}.${encoded(claims)}`;
  return `${signed}.${alg === "none" ? "" : createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

describe("the manager port", () => {
  const varz = async (headers: Readonly<Record<string, string>>): Promise<[number, unknown]> => {
    const answer = await shared.current.manager.call({ method: "GET", path: "/varz", headers });
    return [answer.status, (answer.body as { readonly error?: string }).error];
  };

  test("takes a login or the managerToken, and refuses all others in the original's words", async () => {
    expect(await varz({ authorization: `Bearer ${tokenOf("HS256", SECRET)}` })).toEqual([200, undefined]);
    expect(await varz({ token: "secret-m" })).toEqual([200, undefined]);
    expect(await varz({})).toEqual([401, "Authorization header is required"]);
    expect(await varz({ token: "secret" })).toEqual([401, "Authorization header is required"]);
    expect(await varz({ authorization: `Bearer ${tokenOf("none", "")}` })).toEqual([
      401,
      "token signature is invalid: signing method none is invalid",
    ]);
    const invalid = [401, "token signature is invalid: signature is invalid"];
    expect(await varz({ authorization: `Bearer ${tokenOf("HS256", "secret_wukongim")}` })).toEqual(invalid);
    expect(await varz({ authorization: `Bearer ${tokenOf("HS256", SECRET, { exp: 1 })}` })).toEqual([
      401,
      "token has invalid claims: token is expired",
    ]);
    expect(await varz({ authorization: `Bearer ${tokenOf("HS256", SECRET, { username: "gone" })}` })).toEqual([
      401,
      "Invalid jwt token",
    ]);
  });

  test("answers browsers of any origin, also when it refuses", async () => {
    const { manager } = shared.current;
    const preflight = await manager.call({ method: "OPTIONS", path: "/cluster/users" });
    const refused = await manager.get("/cluster/users");
    expect([preflight.status, refused.status]).toEqual([204, 401]);
    for (const { headers } of [preflight, refused]) expect(headers["access-control-allow-origin"]).toBe("*");
  });

  test("has none of the routes of a back end", async () => {
    const headers = { token: "secret-m" };
    for (const path of ["/route", "/user/systemuids", "/health", "/readyz"])
      expect((await shared.current.manager.call({ method: "GET", path, headers })).status).toBe(404);
    expect((await shared.current.manager.call({ method: "POST", path: "/message/send", headers })).status).toBe(404);
  });

  test("lets a reader look at connections, but not end them", async () => {
    const server = shared.current;
    const uid = uniqueId("a");
    using client = await server.connect(uid);
    const guest = await Operator.login(server, "guest", "pw");
    const { connections } = await guest.ask<{ connections: { id: number }[] }>(`/connz?uid=${uid}`);
    const named = { uid, conn_id: connections[0]!.id, node_id: 1001 };
    for (const path of ["/conn/kick", "/conn/remove"])
      expect(await guest.post(path, named)).toMatchObject({ status: 400, body: { msg: "没有权限", status: 403 } });
    expect(client.isClosed).toBe(false);
    const admin = await Operator.login(server, "admin", "pw");
    expect((await admin.post("/conn/remove", named)).status).toBe(200);
    await client.closed;
  });
});

describe("the API port", () => {
  test("takes the managerToken in its own header or as Bearer; a login is no token there", async () => {
    const { http, httpPort } = shared.current;
    const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await fetch(`http://127.0.0.1:${httpPort}/varz`, { headers })).status;
    expect((await http.get("/varz")).status).toBe(200);
    expect(await status({ authorization: "Bearer secret-m" })).toBe(200);
    expect(await status({ authorization: `Bearer ${tokenOf("HS256", SECRET)}` })).toBe(401);
    expect(await status({})).toBe(401);
    const probes = ["/health", "/healthz", "/readyz"].map((path) => fetch(`http://127.0.0.1:${httpPort}${path}`));
    expect((await Promise.all(probes)).map((probe) => probe.status)).toEqual([200, 200, 200]);
  });
});

test("whoever tries passwords has to wait, and a right one does not help", async () => {
  const login = (password: string): Promise<{ status: number }> =>
    shared.current.manager.post("/manager/login", { username: "admin", password });
  for (let time = 0; time < 5; time++) expect((await login("wrong")).status).toBe(400);
  const refused = await login("pw");
  expect(refused).toMatchObject({ status: 429, body: { status: 429 } });
  // The other port counts with it.
  expect((await shared.current.http.post("/manager/login", { username: "admin", password: "pw" })).status).toBe(429);
});
