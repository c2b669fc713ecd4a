/** The manager port: who comes in, what he may do there, and what is there. */
import { describe, expect, test } from "vitest";
import { parseAccount } from "../config/accounts.ts";
import { signToken } from "./json-web-token.ts";
import { MANAGER, OK, refusal, session, TEST_JWT_SECRET, TEST_NOW_MS, TestApi } from "./test-kit.ts";

function testApi(users: readonly string[], managerToken = ""): TestApi {
  const api = new TestApi({ managerToken });
  api.accounts = users.map((text) => parseAccount(text) ?? expect.unreachable(text));
  return api;
}

async function tokenFor(api: TestApi, username: string, password: string): Promise<string> {
  const answer = await api.post("/manager/login", { username, password }, { host: MANAGER });
  expect(answer.status, answer.text).toBe(200);
  return (answer.json as { token: string }).token;
}

function signedFor(username: string, secret = TEST_JWT_SECRET): string {
  const nowSeconds = TEST_NOW_MS / 1000;
  const claims = { issuer: "wukongim", username, issuedAtSeconds: nowSeconds, expiresAtSeconds: nowSeconds + 100 };
  return signToken(claims, secret);
}

const unauthorized = (error: string): object => ({ status: 401, json: { error } });

describe("coming in", () => {
  test("without a login there is nothing, whatever the path", async () => {
    const api = testApi(["admin:pw:*"]);
    for (const path of ["/varz", "/connz", "/cluster/messages", "/nope", "/manager", "/message/send"])
      expect(await api.get(path, { host: MANAGER })).toMatchObject(unauthorized("Authorization header is required"));
    expect(await api.post("/message/send", {}, { host: MANAGER })).toMatchObject(
      unauthorized("Authorization header is required"),
    );
  });

  test("preflights, the login and the charts need none", async () => {
    const api = testApi(["admin:pw:*"]);
    expect((await api.options("/varz", { host: MANAGER })).status).toBe(204);
    expect((await api.get("/metrics/app", { host: MANAGER })).json).toEqual([]);
    expect((await api.get("/metrics/cluster?latest=5", { host: MANAGER })).json).toEqual([]);
    expect((await api.get("/web/index.html", { host: MANAGER })).status).toBe(404);
    expect((await api.post("/manager/login", {}, { host: MANAGER })).status).toBe(400);
  });

  test("a login gives a token, for the header with or without Bearer and for the query", async () => {
    const api = testApi(["admin:p:w:*", "guest:guest:[*:r,conn:rw]"]);
    const answer = await api.post("/manager/login", { username: "guest", password: "guest" }, { host: MANAGER });
    const exp = TEST_NOW_MS / 1000 + 3600;
    expect(answer.json).toEqual({
      username: "guest",
      token: expect.any(String),
      exp,
      permissions: "*:r,conn:rw",
    });
    const token = await tokenFor(api, "admin", "p:w");
    expect((await api.get("/varz", { host: MANAGER, authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await api.get("/varz", { host: MANAGER, authorization: token })).status).toBe(200);
    expect((await api.get(`/varz?Authorization=Bearer%20${token}`, { host: MANAGER })).status).toBe(200);
    api.nowMs = exp * 1000;
    expect(await api.get("/varz", { host: MANAGER, authorization: token })).toMatchObject(
      unauthorized("token has invalid claims: token is expired"),
    );
  });

  test("the managerToken makes the caller the manager; a wrong one is as none", async () => {
    const api = testApi(["admin:pw:*"], "secret-m");
    expect((await api.get("/varz", { host: MANAGER, token: "secret-m" })).status).toBe(200);
    expect(await api.post("/conn/kick", { uid: "a", conn_id: 1 }, { host: MANAGER, token: "secret-m" })).toMatchObject(
      OK,
    );
    expect(await api.get("/varz", { host: MANAGER, token: "secret" })).toMatchObject(
      unauthorized("Authorization header is required"),
    );
    expect((await testApi([]).get("/varz", { host: MANAGER, token: "" })).status).toBe(401);
  });

  test.each([
    ["Bearer ", "Invalid token"],
    [signedFor(""), "Invalid jwt token, username is empty"],
    [signedFor("somebody who was removed"), "Invalid jwt token"],
    [signedFor("admin", "secret_wukongim"), "token signature is invalid: signature is invalid"],
  ])("%s: 401", async (authorization, error) => {
    const api = testApi(["admin:pw:*"]);
    expect(await api.get("/varz", { host: MANAGER, authorization })).toMatchObject(unauthorized(error));
  });
});

describe("logging in", () => {
  test("what is wrong is said in order", async () => {
    const api = testApi(["admin:pw:*"]);
    const login = (body: unknown): Promise<object> => api.post("/manager/login", body, { host: MANAGER });
    expect(await api.postRaw("/manager/login", "", { host: MANAGER })).toMatchObject(refusal("EOF"));
    expect(await login({})).toMatchObject(refusal("密码不能为空"));
    expect(await login({ password: "x" })).toMatchObject(refusal("用户名不能为空"));
    expect(await login({ username: "admin", password: "x" })).toMatchObject(refusal("用户名或密码错误"));
    expect(await login({ username: "nobody", password: "pw" })).toMatchObject(refusal("用户名或密码错误"));
    // Only what was a try, and never what was typed.
    expect(api.asked).toEqual([
      ["loginTried", undefined, ""],
      ["loginTried", undefined, ""],
    ]);
    await login({ username: "admin", password: "pw" });
    expect(api.asked.at(-1)).toEqual(["loginTried", "admin", ""]);
  });

  test("nobody is the manager, a guest or an admin by default", async () => {
    for (const [username, password] of [
      ["guest", "guest"],
      ["admin", "admin"],
      ["____manager", "x"],
      ["____manager", TEST_JWT_SECRET],
      ["constructor", "x"],
    ])
      expect(await testApi([]).post("/manager/login", { username, password })).toMatchObject(
        refusal("用户名或密码错误"),
      );
  });

  test("after five wrong passwords an address has to wait for the rest of the minute, with the right one too", async () => {
    const api = testApi(["admin:pw:*"]);
    const login = (password: string, ip = "192.0.2.1"): ReturnType<TestApi["post"]> =>
      api.post("/manager/login", { username: "admin", password }, { "x-test-ip": ip });
    for (let time = 0; time < 5; time++) {
      expect((await login("wrong")).status).toBe(400);
      // Neither a success nor an empty field counts.
      expect((await login("pw")).status).toBe(time < 4 ? 200 : 429);
      api.monotonicMs += 1000;
    }
    expect(await login("wrong")).toMatchObject({ status: 429, json: { status: 429 } });
    expect((await login("pw", "192.0.2.2")).status).toBe(200);
    api.monotonicMs += 54_999;
    expect((await login("pw")).status).toBe(429);
    api.monotonicMs += 1;
    expect((await login("pw")).status).toBe(200);
    expect((await login("wrong")).status).toBe(400);
  });

  test("addresses beyond the bound are forgotten, the oldest first", async () => {
    const api = testApi(["admin:pw:*"]);
    const fail = (ip: string): ReturnType<TestApi["post"]> =>
      api.post("/manager/login", { username: "admin", password: "x" }, { "x-test-ip": ip });
    for (let time = 0; time < 5; time++) await fail("a");
    expect((await fail("a")).status).toBe(429);
    await fail("b");
    await fail("c");
    expect((await fail("a")).status).toBe(400);
  });
});

describe("permissions", () => {
  test.each([
    ["admin:pw:*", true],
    ["admin:pw:[*:*]", true],
    ["admin:pw:[*:rw]", true],
    ["admin:pw:[conn:w]", true],
    ["admin:pw:[*:r]", false],
    ["admin:pw:[slotMigrate:w,conn:r]", false],
    ["admin:pw:[]", false],
  ])("%s may end connections: %s", async (user, mayEnd) => {
    const api = testApi([user]);
    const headers = { host: MANAGER, authorization: `Bearer ${await tokenFor(api, "admin", "pw")}` };
    for (const path of ["/conn/kick", "/conn/remove"]) {
      const answer = await api.post(path, { uid: "a", conn_id: 1 }, headers);
      expect(answer).toMatchObject(mayEnd ? OK : { status: 400, json: { msg: "没有权限", status: 403 } });
    }
    // Reading needs no more than the login.
    expect((await api.get("/connz", headers)).status).toBe(200);
  });

  test("on the API port the same calls are the back end's, as ever", async () => {
    expect(await testApi([]).post("/conn/kick", { uid: "a", conn_id: 1 })).toMatchObject(OK);
  });
});

describe("what is there", () => {
  const routesOf = (api: TestApi): ((path: string) => Promise<number>) => {
    return async (path) => (await api.get(path, { host: MANAGER, token: "secret-m" })).status;
  };

  test("monitoring and browsing, but nothing that a back end does", async () => {
    const status = routesOf(testApi([], "secret-m"));
    for (const path of ["/varz", "/varz/setting", "/connz", "/cluster/nodes", "/cluster/users", "/cluster/channels"])
      expect(await status(path), path).toBe(200);
    for (const path of ["/route", "/health", "/user/systemuids", "/channel/whitelist", "/migrate/result", "/"])
      expect(await status(path), path).toBe(404);
  });

  test.each([
    "/cluster/logs",
    "/cluster/slots/1/replicas",
    "/cluster/channels/g/2/replicas",
    "/cluster/channels/g/2/config",
    "/cluster/nodes/1001/channels",
    "/tags",
    "/tag",
    "/stress/list",
  ])("%s has no meaning on one machine", async (path) => {
    expect(await routesOf(testApi([], "secret-m"))(path)).toBe(404);
  });

  test("the charts of the last minutes", async () => {
    const api = testApi([]);
    const traffic = { inMessages: 1, inMessageBytes: 2, inPacketBytes: 3, outMessages: 4, outMessageBytes: 5 };
    api.samples.push({
      wallMs: 5_500,
      connections: 7,
      sessions: 6,
      users: 5,
      residentBytes: 1,
      heapBytes: 2,
      cpuPercent: 3,
      perSecond: { ...traffic, outPacketBytes: 6 },
    });
    expect((await api.get("/metrics/app", { host: MANAGER })).json).toEqual([
      {
        conn_count: 7,
        online_user_count: 5,
        online_device_count: 6,
        send_packet_count_rate: 1,
        send_packet_bytes_rate: 2,
        recv_packet_count_rate: 4,
        recv_packet_bytes_rate: 5,
        timestamp: 5,
      },
    ]);
    expect((await api.get("/metrics/system", { host: MANAGER })).json).toMatchObject([
      { extranet_incoming_bytes_rate: [{ label: "1001", value: 3 }], cpu_percent: [{ label: "1001", value: 3 }] },
    ]);
  });

  test("/varz shows the numbers, and connections when asked", async () => {
    const api = testApi([], "secret-m");
    api.connections.push({
      session: session("u", 5, 1),
      ip: "192.0.2.9",
      port: 1,
      ageMs: 0,
      idleMs: 0,
      pendingBytes: 0,
      inMessages: 1,
      inMessageBytes: 1,
      inPackets: 1,
      inPacketBytes: 1,
      outMessages: 1,
      outMessageBytes: 1,
      outPackets: 1,
      outPacketBytes: 1,
    });
    const headers = { host: MANAGER, token: "secret-m" };
    expect((await api.get("/varz", headers)).json).toMatchObject({
      server_id: "1001",
      version: "1.2.3",
      uptime: "1m5s",
      in_msgs: 1,
      out_msgs: 4,
      in_bytes: 300,
      out_bytes: 600,
      retry_queue: 3,
      cpu: 12.35,
      manager_addr: "127.0.0.1:5300",
      manager_on: 1,
      manager_token_on: 1,
    });
    expect((await api.get("/varz", headers)).json).not.toHaveProperty("conns");
    expect((await api.get("/varz?show=conn", headers)).json).toMatchObject({ conns: [{ uid: "u", ip: "192.0.2.9" }] });
    expect(await api.get("/varz?node_id=77", headers)).toMatchObject(refusal("node not found"));
    expect((await api.get("/varz?node_id=1001", headers)).status).toBe(200);
  });
});
