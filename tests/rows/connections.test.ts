/** What a connection sees first and last. */
import { expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer({ settings: { tokenAuthOn: true } });
const WEB = 1;
const MASTER = 1;
const SLAVE = 0;

test("connections: CONNACK comes before every RECV", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  for (const uid of [a, b]) await server.backEnd.setToken(uid, "t", WEB, SLAVE);
  using sender = await server.connect(a, { token: "t", deviceFlag: WEB });
  const traffic = { isOn: true };
  const sending = (async (): Promise<void> => {
    while (traffic.isOn) await sender.burst(Array.from({ length: 5 }, () => ({ to: b, type: PERSON, payload: "x" })));
  })();
  let received = 0;
  for (let n = 0; n < 60; n++) {
    using reader = await server.connect(b, { token: "t", deviceFlag: WEB, transport: n % 2 ? "tcp" : "websocket" });
    await reader.until(() => reader.received.length > 0, 2_000);
    received += reader.take().length; // throws if a RECV came before CONNACK
  }
  traffic.isOn = false;
  await sending;
  expect(received).toBeGreaterThan(60);
});

test("connections: a kicked session's socket is really closed, and it gets nothing meanwhile", async () => {
  const server = shared.current;
  for (const transport of ["tcp", "websocket"] as const) {
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    await server.backEnd.setToken(a, "t", WEB, MASTER);
    await server.backEnd.setToken(b, "t", WEB, SLAVE);
    const options = { token: "t", deviceFlag: WEB, transport };
    using first = await server.connect(a, options);
    using second = await server.connect(a, options);
    await first.until(() => first.disconnected !== undefined, 5_000);
    expect(first.disconnected).toEqual({ reason: 12, text: "login in other device" });
    using peer = await server.connect(b, options);
    await peer.sendOk({ to: a, type: PERSON, payload: "hello" });
    await second.takeSome(1);
    await first.until(() => first.isClosed, 10_000);
    expect(first.isClosed).toBe(true);
    expect(first.take()).toEqual([]);
    expect(await second.ping()).toBe(true);
    expect(await server.backEnd.onlineStatus([a])).toHaveLength(1);
  }
});
