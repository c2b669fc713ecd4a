/** The log at its most talkative, over all kinds of traffic: no token, no password and nothing of a message is in it. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { JsonClient } from "../harness/json-client.ts";
import { SdkClient } from "../harness/sdk-client.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";

beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => undefined); // the SDK tells every step
});
afterAll(() => {
  vi.restoreAllMocks();
});

const DEBUG = 1;
const WEB = 1;
const APP = 0;

/** A marker that no line may hold, in any form it travels in. */
function forms(marker: string): string[] {
  const bytes = Buffer.from(marker);
  return [marker, bytes.toString("base64").slice(2, -4), bytes.toString("hex"), encodeURIComponent(marker)];
}

test("neither tokens nor payloads are in the log at debug level", async () => {
  const secret = (): string => uniqueId("SECRETMARKER");
  const [managerToken, metricsToken, right, wrong, payload] = [secret(), secret(), secret(), secret(), secret()];
  await using server = await ServerProcess.start({
    settings: {
      tokenAuthOn: true,
      managerToken,
      "metrics.token": metricsToken,
      "logger.level": DEBUG,
      "rateLimit.channelPerSecond": 5,
    },
  });
  const { http, backEnd } = server;
  const [a, b, group] = [uniqueId("a"), uniqueId("b"), uniqueId("g")];
  await backEnd.setToken(a, right, WEB, 0);
  await backEnd.setToken(b, right, APP, 0);
  await backEnd.createGroup(group, [a, b]);
  // Logins, right and wrong, in each of the protocols.
  await expect(server.connect(b, { token: wrong, deviceFlag: APP })).rejects.toThrow();
  await expect(JsonClient.connect({ port: server.wsPort, uid: a, token: wrong })).rejects.toThrow();
  using alice = await SdkClient.connect({ uid: a, token: right, wsPort: server.wsPort });
  using bob = await server.connect(b, { token: right, deviceFlag: APP });
  const sdkText = JSON.stringify({ type: 1, content: payload });
  // Messages: accepted, refused, too fast, not readable, and bytes that are no frame.
  await alice.sendText(b, PERSON, payload);
  await alice.sendText(group, GROUP, payload);
  await alice.sendText(uniqueId("none"), GROUP, payload);
  await bob.burst(Array.from({ length: 20 }, () => ({ to: group, type: GROUP, payload: sdkText })));
  await bob.send({ to: a, type: PERSON, payload, hasBadKey: true });
  bob.writeRaw(Buffer.from(`\xf0${payload}`, "latin1"));
  await bob.until(() => bob.isClosed, 5_000);
  using rude = await JsonClient.open({ port: server.wsPort, uid: b });
  rude.write(`{"method":"connect","params":{"uid":"${b}","token":"${wrong}","x":${payload}`);
  rude.write("}}]");
  // HTTP: bodies that fit, that do not, and tokens where they belong and where not.
  await backEnd.send({ from: a, to: b, type: PERSON, text: sdkText });
  await http.post("/message/send", { payload, token: wrong, channel_id: 7 });
  const raw = { method: "POST", path: `/message/send?token=${wrong}`, body: `{"payload":"${payload}` } as const;
  await http.call(raw);
  await http.call({ method: "GET", path: `/nowhere?token=${right}`, headers: { token: wrong } });
  await http.call({ method: "GET", path: "/metrics", headers: { authorization: `Bearer ${wrong}` } });
  await http.call({ method: "GET", path: "/metrics", headers: { authorization: `Bearer ${metricsToken}` } });
  await backEnd.sync(b);
  alice.disconnect();
  await eventually(() => server.output.includes('"event":"connection.client_closed"'), "an end is in the log");
  await server.stop();
  const lines = server.output.split("\n").filter((line) => line.startsWith("{"));
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines)
    expect(JSON.parse(line), line).toMatchObject({ level: expect.any(String), event: expect.any(String) });
  expect(server.output).toContain('"event":"connection.auth_failed"');
  for (const marker of [managerToken, metricsToken, right, wrong, payload])
    for (const form of forms(marker)) expect(server.output).not.toContain(form);
});
