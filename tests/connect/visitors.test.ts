/** Who needs no token: nobody, unless the owner of the server has let visitors in. */
import { describe, expect, test } from "vitest";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { type ConnectResult, WireClient } from "../harness/wire-client.ts";

const AUTH_FAILED = 2;
const VISITORS = 10;

describe.each([false, true])("tokenAuthOn, customerService.visitorsOn %s", (visitorsOn) => {
  const shared = sharedServer({ settings: { tokenAuthOn: true, "customerService.visitorsOn": visitorsOn } });

  async function login(uid: string): Promise<ConnectResult> {
    using client = await WireClient.open({ ...shared.current.address(), uid });
    return await client.login();
  }

  test.each(["___vstr", "____vstr"])("a uid that ends in %s", async (suffix) => {
    const reason = visitorsOn ? 1 : AUTH_FAILED;
    expect(await login(uniqueId("v") + suffix)).toMatchObject({ outcome: "connack", reason });
  });

  test("other uids need their token", async () => {
    for (const uid of [uniqueId("u"), `___vstr${uniqueId("u")}`, `${uniqueId("u")}__vstr`])
      expect(await login(uid)).toMatchObject({ outcome: "connack", reason: AUTH_FAILED });
  });
});

describe("visitors on", () => {
  const shared = sharedServer({ settings: { tokenAuthOn: true, "customerService.visitorsOn": true } });

  test("a visitor writes to his own channel and to no other's", async () => {
    const [visitor, other] = [`${uniqueId("v")}___vstr`, `${uniqueId("v")}___vstr`];
    using client = await shared.current.connect(visitor);
    await client.sendOk({ to: visitor, type: VISITORS, payload: "help" });
    expect(await client.send({ to: other, type: VISITORS, payload: "no" })).toMatchObject({ reason: 3 });
  });
});
