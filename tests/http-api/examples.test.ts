/**
 * The examples of the documentation are true: sent to a fresh server in this order, each is answered as it is written
 * there, but for ids and times.
 */
import { expect, test } from "vitest";
import { DescribedApi, type DescribedRoute } from "../harness/described-api.ts";
import { stringifyJson } from "../harness/exact-json.ts";
import type { HttpAnswer } from "../harness/http-client.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { WebhookReceiver } from "../harness/webhook-receiver.ts";

/** A route's example, or what an example needs and nobody reads about: a call, or a client that stays. */
type Step = string | { readonly path: string; readonly body: unknown } | { readonly connect: string };

const STORY: readonly Step[] = [
  "GET /health",
  "GET /healthz",
  "GET /readyz",
  "GET /docs/health",
  "GET /migrate/result",
  "GET /plugins",
  "GET /varz",
  "GET /varz/setting",
  "POST /manager/login",
  "GET /webhooks",
  "GET /webhooks/dead-letters",
  "GET /route",
  "POST /route/batch",
  "POST /user/token",
  "POST /user/onlinestatus",
  "POST /channel",
  "POST /channel/info",
  "POST /channel/subscriber_add",
  "POST /channel/subscriber_remove",
  "GET /cluster/channels/{channel_id}/{channel_type}/subscribers",
  "POST /cluster/channel/status",
  { path: "/channel", body: { channel_id: "group2", channel_type: 2, subscribers: ["erin"] } },
  "POST /channel/subscriber_remove_all",
  "POST /channel/delete",
  "POST /message/send",
  "POST /channel/messagesync",
  "GET /channel/max_message_seq",
  "GET /channel/last_message",
  "POST /messages",
  "POST /message",
  "GET /message/byclientmsgno",
  "GET /explain",
  "POST /conversation/sync",
  "POST /conversations/setUnread",
  "POST /conversations/clearUnread",
  "POST /conversations/delete",
  {
    path: "/message/send",
    body: {
      header: { sync_once: 1 },
      client_msg_no: "refresh-1",
      from_uid: "alice",
      channel_id: "group1",
      channel_type: 2,
      payload: "eyJjbWQiOiJyZWZyZXNoIn0=",
    },
  },
  "POST /message/sync",
  "POST /message/syncack",
  "POST /message/sendbatch",
  { path: "/channel", body: { channel_id: "group3", channel_type: 2, subscribers: ["dave"] } },
  "POST /conversation/channels",
  "POST /channel/blacklist_add",
  "POST /channel/blacklist_remove",
  "POST /channel/whitelist_add",
  "GET /channel/whitelist",
  "POST /channel/whitelist_remove",
  "POST /user/systemuids_add",
  "GET /user/systemuids",
  "POST /user/systemuids_remove",
  { connect: "alice" },
  "GET /connz",
  "POST /conn/kick",
  "POST /user/device_quit",
];

/** Values that differ in every run; of each only its type is compared. */
const VOLATILE: ReadonlySet<string> = new Set([
  "message_id",
  "message_idstr",
  "timestamp",
  "version",
  "created_at",
  "updated_at",
  "tcp_addr",
  "ws_addr",
  "manager_addr",
  "id",
  "device_id",
  "port",
  "now",
  "last_activity",
  "uptime",
  "idle",
  "in_packets",
  "in_packet_bytes",
  "out_packets",
  "out_packet_bytes",
  "mem",
  "cpu",
  "token",
  "exp",
  "lag_messages",
  "oldest_age_ms",
  "taken",
  "requests",
  "waiting",
  "running",
  "timestamp_ms",
  "text",
  "facts",
]);
const SETTINGS = { "auth.users": "operator:secret:[*:r,conn:rw]" };

test("each example of the documentation is answered as it says", async () => {
  await using clean = new AsyncDisposableStack();
  const receiver = await WebhookReceiver.start();
  clean.defer(() => receiver.close());
  const server = clean.use(await ServerProcess.start({ settings: { ...SETTINGS, "webhook.httpAddr": receiver.url } }));
  const api = await DescribedApi.of(server.http);
  const examples = new Map(
    api.routes
      .filter((route) => route.exampleAnswer !== undefined)
      .map((route) => [`${route.method} ${route.path}`, route]),
  );
  expect(STORY.filter((step) => typeof step === "string").sort()).toEqual([...examples.keys()].sort());
  for (const step of STORY) {
    if (typeof step !== "string") {
      if ("connect" in step) clean.use(await server.connect(step.connect));
      else await server.http.ask(step.path, step.body);
    } else {
      const route = examples.get(step)!;
      const answer = await play(server, route);
      expect(api.problem(route.method, route.path, answer), step).toBeUndefined();
      expect({ step, status: answer.status, body: masked(answer.body) }).toEqual({
        step,
        status: 200,
        body: masked(route.exampleAnswer),
      });
    }
  }
});

function play(server: ServerProcess, route: DescribedRoute): Promise<HttpAnswer> {
  let path = route.path;
  const query = new URLSearchParams();
  for (const { name, in: place, example } of route.parameters) {
    if (example === undefined) continue;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(String(example)));
    else query.set(name, String(example));
  }
  return server.http.call({
    method: route.method,
    path: query.size === 0 ? path : `${path}?${query.toString()}`,
    body: route.exampleBody === undefined ? undefined : stringifyJson(route.exampleBody),
  });
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, VOLATILE.has(name) ? `<${typeof inner}>` : masked(inner)]),
  );
}
