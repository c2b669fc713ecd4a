/**
 * R-51 over HTTP: every id of every route with every hostile text, as a value of the body, of the query or of the path.
 * Each request is answered, never with 5xx but where WuKongIM's API says so; text that is no Unicode is refused, and no id
 * that was refused is found afterwards. Nobody else notices, and the server starts again on its data.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Bystanders } from "../harness/bystanders.ts";
import type { HttpAnswer } from "../harness/http-client.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { HOSTILE_TEXTS, type HostileText } from "./hostile-text.ts";

const shared = sharedServer();
const watching: { bystanders?: Bystanders } = {};

beforeAll(async () => {
  watching.bystanders = await Bystanders.start(shared.current);
});
afterAll(async () => {
  expect(await watching.bystanders?.finish()).toEqual([]);
  await shared.current.restart("SIGTERM");
});

type Value = string | number | readonly Value[] | { readonly [key: string]: Value };

/** Stands where the hostile text goes. */
const HERE = "HERE";
const PAYLOAD = "aGVsbG8=";
const group = (id: string): { readonly channel_id: string; readonly channel_type: number } => {
  return { channel_id: id, channel_type: 2 };
};
const person = (id: string): { readonly channel_id: string; readonly channel_type: number } => {
  return { channel_id: id, channel_type: 1 };
};

/** Each body has one hostile place. */
const BODIES: readonly (readonly [path: string, body: Value])[] = [
  ["/user/token", { uid: HERE, token: "t", device_flag: 0, device_level: 1 }],
  ["/user/token", { uid: "someone", token: HERE, device_flag: 0, device_level: 1 }],
  ["/user/device_quit", { uid: HERE, device_flag: -1 }],
  ["/user/onlinestatus", [HERE]],
  ["/user/systemuids_add", { uids: [HERE] }],
  ["/user/systemuids_remove", { uids: [HERE] }],
  ["/user/systemuids_add_to_cache", { uids: [HERE] }],
  ["/user/systemuids_remove_from_cache", { uids: [HERE] }],
  ["/channel", group(HERE)],
  ["/channel", person(HERE)],
  ["/channel", { ...group("some-group"), subscribers: ["a", HERE] }],
  ["/channel/info", group(HERE)],
  ["/channel/info", { ...person(HERE), ban: 0 }],
  ["/channel/delete", group(HERE)],
  ["/channel/delete", person(HERE)],
  ["/channel/subscriber_add", { ...group(HERE), subscribers: ["a"] }],
  ["/channel/subscriber_add", { ...group("some-group"), subscribers: ["a", HERE], reset: 1 }],
  ["/channel/subscriber_remove", { ...group(HERE), subscribers: ["a"] }],
  ["/channel/subscriber_remove", { ...group("some-group"), subscribers: [HERE] }],
  ["/channel/subscriber_remove_all", group(HERE)],
  ...["blacklist", "whitelist"].flatMap((list) => [
    ...["add", "set", "remove"].flatMap((how): (readonly [string, Value])[] => [
      [`/channel/${list}_${how}`, { ...group(HERE), uids: ["a"] }],
      [`/channel/${list}_${how}`, { ...person(HERE), uids: ["a"] }],
      [`/channel/${list}_${how}`, { ...group("some-group"), uids: [HERE] }],
    ]),
    [`/channel/${list}_remove_all`, group(HERE)] as const,
  ]),
  ["/message/send", { from_uid: HERE, ...group("some-group"), payload: PAYLOAD }],
  ["/message/send", { from_uid: HERE, ...person("someone"), payload: PAYLOAD }],
  ["/message/send", { from_uid: "someone", ...group(HERE), payload: PAYLOAD }],
  ["/message/send", { from_uid: "someone", ...person(HERE), payload: PAYLOAD }],
  ["/message/send", { ...person(HERE), payload: PAYLOAD }],
  ["/message/send", { from_uid: "someone", channel_id: HERE, channel_type: 3, payload: PAYLOAD }],
  ["/message/send", { from_uid: "someone", ...person("friend"), client_msg_no: HERE, payload: PAYLOAD }],
  ["/message/send", { from_uid: "someone", ...person("friend"), payload: HERE }],
  ["/message/send", { from_uid: "someone", subscribers: [HERE], header: { sync_once: 1 }, payload: PAYLOAD }],
  ["/message/sendbatch", { from_uid: HERE, subscribers: ["a"], payload: PAYLOAD }],
  ["/message/sendbatch", { from_uid: "someone", subscribers: ["a", HERE], payload: PAYLOAD }],
  ["/channel/messagesync", { login_uid: HERE, ...group("g"), limit: 10, pull_mode: 1 }],
  ["/channel/messagesync", { login_uid: HERE, ...person("a"), limit: 10, pull_mode: 1 }],
  ["/channel/messagesync", { login_uid: "a", ...person(HERE), limit: 10, pull_mode: 1 }],
  ["/channel/messagesync", { login_uid: "a", ...group(HERE), limit: 10, pull_mode: 1 }],
  ["/messages", { login_uid: HERE, ...person("a"), message_seqs: [1] }],
  ["/messages", { login_uid: "a", ...group(HERE), message_seqs: [1] }],
  ["/messages", { login_uid: "a", ...group("g"), client_msg_nos: [HERE] }],
  ["/message", { login_uid: HERE, ...person("a"), message_id: 1 }],
  ["/message", { login_uid: "a", ...group(HERE), client_msg_no: "n" }],
  ["/message", { login_uid: "a", ...group("g"), client_msg_no: HERE }],
  ["/conversation/sync", { uid: HERE, msg_count: 1 }],
  ["/conversation/sync", { uid: "a", msg_count: 1, last_msg_seqs: HERE }],
  ["/conversations/clearUnread", { uid: HERE, ...person("a") }],
  ["/conversations/clearUnread", { uid: "a", ...person(HERE) }],
  ["/conversations/clearUnread", { uid: "a", ...group(HERE) }],
  ["/conversations/setUnread", { uid: HERE, ...person("a"), unread: 1 }],
  ["/conversations/setUnread", { uid: "a", ...person(HERE), unread: 1 }],
  ["/conversations/delete", { uid: HERE, ...person("a") }],
  ["/conversations/delete", { uid: "a", ...group(HERE) }],
  ["/conversation/syncMessages", { uid: HERE, channels: [{ ...person("a"), last_msg_seq: 0 }], msg_count: 1 }],
  ["/conversation/syncMessages", { uid: "a", channels: [{ ...person(HERE), last_msg_seq: 0 }], msg_count: 1 }],
  ["/conversation/syncByChannels", { uid: HERE, channels: [person("a")], msg_count: 1 }],
  ["/conversation/syncByChannels", { uid: "a", channels: [person(HERE)], msg_count: 1 }],
  ["/conversation/channels", { uid: HERE }],
  ["/route/batch", [HERE]],
  ["/conn/kick", { uid: HERE, conn_id: 1 }],
  ["/conn/remove", { uid: HERE, conn_id: 1 }],
  ["/cluster/channel/status", { channels: [group(HERE)] }],
  ["/webhooks/replay", { follower: HERE, from_time: 1 }],
  ["/webhooks/dead-letters/retry", { ids: [HERE] }],
  ["/webhooks/dead-letters/discard", { ids: [HERE] }],
];

const URLS: readonly string[] = [
  `/route?uid=${HERE}`,
  `/channel/whitelist?channel_id=${HERE}&channel_type=2`,
  `/channel/whitelist?channel_id=${HERE}&channel_type=1`,
  `/channel/max_message_seq?channel_id=${HERE}&channel_type=2`,
  `/channel/max_message_seq?channel_id=${HERE}&channel_type=1&login_uid=a`,
  `/channel/max_message_seq?channel_id=a&channel_type=1&login_uid=${HERE}`,
  `/channel/last_message?channel_id=${HERE}&channel_type=2`,
  `/channel/last_message?channel_id=a&channel_type=1&login_uid=${HERE}`,
  `/message/byclientmsgno?client_msg_no=${HERE}&channel_id=a&channel_type=2`,
  `/message/byclientmsgno?client_msg_no=n&channel_id=${HERE}&channel_type=2`,
  `/message/byclientmsgno?client_msg_no=n&channel_id=a&channel_type=1&login_uid=${HERE}`,
  ...["subscribers", "denylist", "allowlist"].flatMap((list) => [
    `/cluster/channels/${HERE}/2/${list}`,
    `/cluster/channels/g/${HERE}/${list}`,
  ]),
  ...["uid", "cursor", "device_flag", "limit"].map((name) => `/cluster/devices?${name}=${HERE}`),
  ...["uid", "cursor"].flatMap((name) => [`/cluster/users?${name}=${HERE}`, `/cluster/conversations?${name}=${HERE}`]),
  ...["channel_id", "channel_type", "cursor"].map((name) => `/cluster/channels?${name}=${HERE}`),
  ...["channel_id", "from_uid", "client_msg_no", "message_id", "payload"].map(
    (name) => `/cluster/messages?${name}=${HERE}`,
  ),
  `/cluster/messages?channel_id=${HERE}&channel_type=1`,
  `/cluster/slots?ids=${HERE}`,
  `/connz?uid=${HERE}`,
  `/connz?sort=${HERE}`,
  `/explain?uid=${HERE}&message_id=1`,
  `/explain?uid=a&message_id=${HERE}`,
  `/explain?uid=a&client_msg_no=n&channel_id=${HERE}&channel_type=1`,
  `/explain?uid=a&client_msg_no=${HERE}&channel_id=b&channel_type=1`,
  `/webhooks/dead-letters?after=${HERE}`,
  `/webhooks/dead-letters/${HERE}`,
];

/** Original answers that a caller may rely on. */
const FIVE_HUNDRED_AS_THE_ORIGINAL = new Set(["/user/device_quit"]);

function expectAnswer(answer: HttpAnswer, path: string, what: string): void {
  if (FIVE_HUNDRED_AS_THE_ORIGINAL.has(path) && answer.status === 500) {
    expect(answer.text, what).toBe("");
    return;
  }
  expect(answer.status, `${what}: ${answer.text.slice(0, 200)}`).toBeGreaterThanOrEqual(200);
  expect(answer.status, `${what}: ${answer.text.slice(0, 200)}`).toBeLessThan(500);
}

function withHostile(body: Value, { json }: HostileText): Buffer {
  const parts = JSON.stringify(body).split(`"${HERE}"`);
  expect(parts).toHaveLength(2);
  return Buffer.concat([Buffer.from(parts[0]!), json, Buffer.from(parts[1]!)]);
}

for (const [path, body] of BODIES)
  test(`R-51: POST ${path} with ${JSON.stringify(body)} of any shape`, async () => {
    await Promise.all(
      HOSTILE_TEXTS.map(async (hostile) => {
        const answer = await shared.current.http.call({
          method: "POST",
          path,
          headers: { "content-type": "application/json" },
          body: withHostile(body, hostile),
        });
        expectAnswer(answer, path, hostile.name);
        if (!hostile.isUtf8) expect(answer.status, hostile.name).toBe(400);
      }),
    );
  });

for (const url of URLS)
  test(`R-51: GET ${url} of any shape`, async () => {
    await Promise.all(
      HOSTILE_TEXTS.map(async (hostile) => {
        // A request line of 64 KB is beyond what an HTTP server reads.
        const bytes = hostile.bytes.subarray(0, 10_000);
        const escaped = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
        const answer = await shared.current.http.call({ method: "GET", path: url.replace(HERE, escaped) });
        expectAnswer(answer, url, hostile.name);
      }),
    );
  });

test("R-51: values of other types than text, in the place of every id", async () => {
  const literals = [
    "null",
    "1",
    "-1",
    "1e400",
    "12345678901234567890123",
    "true",
    "[]",
    "{}",
    '["a"]',
    '{"a":{}}',
    '"\\u0000"',
  ];
  for (const [path, body] of BODIES)
    await Promise.all(
      literals.map(async (literal) => {
        const hostile = { name: literal, bytes: Buffer.alloc(0), json: Buffer.from(literal), isUtf8: true };
        const answer = await shared.current.http.call({ method: "POST", path, body: withHostile(body, hostile) });
        expectAnswer(answer, path, `${path} ${literal}`);
      }),
    );
});

test("R-51: after all of that the server holds no id that it refused", async () => {
  const { http } = shared.current;
  const systems = await http.get("/user/systemuids");
  expect(systems.status).toBe(200);
  for (const uid of (systems.body as string[] | undefined) ?? []) {
    expect(uid.isWellFormed()).toBe(true);
    expect(uid).not.toMatch(/[@#&]|____cmd$|^\s*$/);
    expect(Buffer.byteLength(uid)).toBeLessThanOrEqual(255);
  }
});
