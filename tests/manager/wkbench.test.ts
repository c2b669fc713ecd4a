/** The requests of the load generator wkbench, as it sends them. */
import { describe, expect, test } from "vitest";
import { GROUP } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer({ settings: { "bench.apiOn": true, tokenAuthOn: true, managerToken: "bench-secret" } });
const RUN = { run_id: "run-1", batch_id: "batch-1" };

/** With the one header that the tool knows. */
async function call(path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`http://127.0.0.1:${shared.current.httpPort}${path}`, {
    headers: { authorization: "Bearer bench-secret", "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

test("a run: it looks, makes users and groups, and they chat", async () => {
  const [group, a, b] = [uniqueId("bench-g"), uniqueId("bench-u"), uniqueId("bench-u")];
  expect((await call("/healthz")).status).toBe(200);
  expect((await call("/readyz")).status).toBe(200);
  expect(await call("/bench/v1/capabilities")).toEqual({
    status: 200,
    body: {
      enabled: true,
      version: "bench/v1",
      supports: {
        users_tokens_batch: true,
        channels_batch: true,
        channel_subscribers_batch: true,
        snapshot: false,
        channel_types: ["group"],
      },
      limits: { max_batch_size: 10_000, max_payload_bytes: 10_485_760 },
    },
  });
  const users = [a, b].map((uid) => ({ uid, token: `token-of-${uid}` }));
  expect(await call("/bench/v1/users/tokens", { ...RUN, upsert: true, users })).toEqual({
    status: 200,
    body: { ...RUN, accepted: 2 },
  });
  const channels = [{ channel_id: group, channel_type: GROUP, large: true }];
  expect(await call("/bench/v1/channels", { ...RUN, upsert: true, channels })).toEqual({
    status: 200,
    body: { ...RUN, accepted: 1 },
  });
  const items = [{ channel_id: group, channel_type: GROUP, subscribers: [a, b] }];
  for (let time = 0; time < 2; time++) {
    expect(await call("/bench/v1/channels/subscribers", { ...RUN, items })).toEqual({
      status: 200,
      body: { ...RUN, accepted: 1, accepted_subscribers: 2 },
    });
  }
  using sender = await shared.current.connect(a, { token: `token-of-${a}` });
  using reader = await shared.current.connect(b, { token: `token-of-${b}` });
  await sender.sendOk({ to: group, type: GROUP, payload: "hello" });
  await reader.until(() => reader.received.length === 1, 10_000);
});

test("older versions of the tool call the list items", async () => {
  const items = [{ uid: uniqueId("u"), token: "t", device_flag: 1, device_level: 1 }];
  expect(await call("/bench/v1/users/tokens", { ...RUN, items })).toMatchObject({ body: { accepted: 1 } });
});

describe("a batch with a mistake is refused as a whole", () => {
  const uid = uniqueId("u");
  const group = uniqueId("g");
  test.each<[string, object]>([
    ["users/tokens", { batch_id: "b", users: [{ uid, token: "t" }] }],
    ["users/tokens", { run_id: "r", users: [{ uid, token: "t" }] }],
    ["users/tokens", { ...RUN, users: [] }],
    [
      "users/tokens",
      {
        ...RUN,
        users: [
          { uid, token: "t" },
          { uid: "a@b", token: "t" },
        ],
      },
    ],
    [
      "users/tokens",
      {
        ...RUN,
        users: [
          { uid, token: "t" },
          { uid: "b", token: "" },
        ],
      },
    ],
    ["users/tokens", { ...RUN, users: Array.from({ length: 10_001 }, () => ({ uid, token: "t" })) }],
    ["channels", { ...RUN, channels: [{ channel_id: group, channel_type: 1 }] }],
    ["channels", { ...RUN, channels: [{ channel_id: "", channel_type: 2 }] }],
    ["channels", { ...RUN, channels: [{ channel_id: group, channel_type: 2, large: 1 }] }],
    ["channels/subscribers", { ...RUN, items: [{ channel_id: group, channel_type: 2, subscribers: [] }] }],
    [
      "channels/subscribers",
      { ...RUN, items: [{ channel_id: group, channel_type: 2, reset: true, subscribers: [uid] }] },
    ],
    ["channels/subscribers", { ...RUN, items: [{ channel_id: group, channel_type: 2, subscribers: [uid, ""] }] }],
  ])("%s %j", async (path, body) => {
    expect(await call(`/bench/v1/${path}`, body)).toMatchObject({ status: 400, body: { status: 400 } });
    const { http } = shared.current;
    expect((await http.get(`/cluster/devices?uid=${uid}`)).body).toMatchObject({ total: 0 });
    expect((await http.get(`/cluster/channels?channel_id=${group}`)).body).toMatchObject({ data: [] });
  });
});

test("without the switch there is no such API, and with a managerToken it is not open", async () => {
  await using server = await ServerProcess.start();
  expect((await server.http.get("/bench/v1/capabilities")).status).toBe(404);
  expect((await server.http.post("/bench/v1/users/tokens", {})).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${shared.current.httpPort}/bench/v1/capabilities`)).status).toBe(401);
});
