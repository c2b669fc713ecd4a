/** P8: the accounts that are the server's own cannot be logged in to, and the attempt is answered. */
import { describe, expect, test } from "vitest";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { type ConnectResult, WireClient, type WireOptions } from "../harness/wire-client.ts";

const AUTH_FAIL = 2;
const TRANSPORTS = ["tcp", "websocket"] as const;

async function logIn(server: ServerProcess, options: Omit<WireOptions, "port">): Promise<ConnectResult> {
  using client = await WireClient.open({
    ...options,
    port: options.transport === "tcp" ? server.tcpPort : server.wsPort,
  });
  const result = await client.login();
  const isIn = result.outcome === "connack" && result.reason === 1;
  if (isIn) expect(await client.ping()).toBe(true);
  else expect(await client.until(() => client.isClosed, 10_000), "a refused connection is closed").toBe(true);
  return result;
}

describe("P8: reserved uids and device ids are refused at CONNECT", () => {
  const shared = sharedServer();
  for (const transport of TRANSPORTS)
    test(transport, async () => {
      const server = shared.current;
      const reserved = ["____system", "____manager", "x____cmd", "____cmd"];
      for (const [index, result] of (
        await Promise.all(reserved.map((uid) => logIn(server, { transport, uid })))
      ).entries())
        expect(result, reserved[index]).toMatchObject({ outcome: "connack", reason: AUTH_FAIL });
      for (const uid of ["", " ", "a@b", "a#b", "a&b"])
        expect((await logIn(server, { transport, uid })).outcome, `uid "${uid}"`).toBe("closed");
      expect(await logIn(server, { transport, uid: uniqueId("u"), deviceId: "____device" })).toMatchObject({
        reason: AUTH_FAIL,
      });
      expect(await logIn(server, { transport, uid: uniqueId("u") })).toMatchObject({ reason: 1 });
    });
});

test("R-80: the manager with a wrong or empty token is answered with reason 2 and closed, and the server lives", async () => {
  const managerToken = uniqueId("secret");
  await using server = await ServerProcess.start({ settings: { managerToken } });
  for (const transport of TRANSPORTS) {
    const tokens = ["", "wrong", `${managerToken}x`, managerToken.slice(1)];
    const results = await Promise.all(tokens.map((token) => logIn(server, { transport, uid: "____manager", token })));
    for (const [index, result] of results.entries())
      expect(result, `token "${tokens[index]}"`).toMatchObject({ outcome: "connack", reason: AUTH_FAIL });
    expect((await server.http.get("/health")).status).toBe(200);
    expect(await logIn(server, { transport, uid: "____manager", token: managerToken })).toMatchObject({ reason: 1 });
  }
});
