/** Known traffic between two scrapes: the metrics tell exactly that, in Prometheus' format and in WuKongIM's old names. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { type Exposition, parseExposition, valueIn } from "../harness/exposition.ts";
import { JsonClient } from "../harness/json-client.ts";
import { SdkClient } from "../harness/sdk-client.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";

const shared = sharedServer({ settings: { tokenAuthOn: true, whitelistOffOfPerson: true } });
const WEB = 1;
const APP = 0;
const NOT_A_MEMBER = 3;

beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => undefined); // the SDK tells every step
});
afterAll(() => {
  vi.restoreAllMocks();
});
/** The clients of the test before are gone. */
beforeEach(async () => {
  await eventually(async () => valueIn(await scrape(), "wk_connections_open") === 0, "nobody is connected");
});

async function scrape(): Promise<Exposition> {
  const answer = await shared.current.http.get("/metrics");
  expect(answer.status).toBe(200);
  expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseExposition(answer.text);
}

async function withToken(uid: string, flag: number): Promise<string> {
  const token = uniqueId("token");
  await shared.current.backEnd.setToken(uid, token, flag, 0);
  return token;
}

/** What has been added since `before`. */
function since(before: Exposition): (after: Exposition, name: string, ...labels: string[]) => number {
  return (after, name, ...labels) => valueIn(after, name, ...labels) - valueIn(before, name, ...labels);
}

test("messages of the published SDK are counted one by one", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const group = uniqueId("g");
  await server.backEnd.createGroup(group, [a, b, uniqueId("away")]);
  const before = await scrape();
  using alice = await SdkClient.connect({ uid: a, token: await withToken(a, WEB), wsPort: server.wsPort });
  using bob = await SdkClient.connect({ uid: b, token: await withToken(b, WEB), wsPort: server.wsPort });
  for (let index = 0; index < 5; index++) await alice.sendText(b, PERSON, `to bob ${index}`);
  for (let index = 0; index < 3; index++) await bob.sendText(group, GROUP, `to all ${index}`);
  expect((await alice.sendText(uniqueId("other"), GROUP, "not a member")).reason).toBe(NOT_A_MEMBER);
  await bob.receive(5);
  await alice.receive(3);
  const added = since(before);
  const after = await eventually(async () => {
    const now = await scrape();
    return added(now, "wk_recvack_total", 'result="acknowledged"') === 8 ? now : undefined;
  }, "all RECVACKs are counted");

  expect(valueIn(after, "wk_connections", 'transport="websocket",protocol="wkproto",device="web"')).toBe(2);
  expect(valueIn(after, "wk_connections")).toBe(2);
  expect(valueIn(after, "wk_online_users")).toBe(2);
  expect(added(after, "wk_connect_total", 'reason="success"')).toBe(2);
  expect(added(after, "wk_frames_in_total", 'type="send"')).toBe(9);
  expect(added(after, "wk_frames_out_total", 'type="sendack"')).toBe(9);
  expect(added(after, "wk_frames_out_total", 'type="recv"')).toBe(8);
  expect(added(after, "wk_send_total", 'origin="client",reason="success"')).toBe(8);
  expect(added(after, "wk_send_total", 'origin="client",reason="subscriber_not_exist"')).toBe(1);
  expect(added(after, "wk_send_total")).toBe(9);
  expect(added(after, "wk_sendack_total", 'reason="success"')).toBe(8);
  expect(added(after, "wk_delivery_total", 'result="pushed"')).toBe(8);
  expect(added(after, "wk_delivery_total", 'result="offline"'), "who is away misses three").toBe(3);
  expect(added(after, "wk_store_messages_total")).toBe(8);
  expect(added(after, "wk_fanout_recipients_count")).toBe(8);
  expect(added(after, "wk_fanout_recipients_sum"), "2 in a chat of two, 3 in the group").toBe(5 * 2 + 3 * 3);
  expect(valueIn(after, "wk_retry_waiting")).toBe(0);
  expect(added(after, "wk_sendack_seconds_count"), "one at a time is timed, and here they came so").toBe(9);
  // The same under the names of old.
  expect(valueIn(after, "app_conn_count_total")).toBe(2);
  expect(valueIn(after, "app_online_user_count_total")).toBe(2);
  expect(added(after, "app_send_packet_count_total")).toBe(9);
  expect(added(after, "app_recvack_packet_count_total")).toBe(8);
  expect(added(after, "app_send_packet_bytes_total")).toBe(added(after, "wk_bytes_in_total", 'type="send"'));
  expect(added(after, "app_send_packet_bytes_total")).toBeGreaterThan(9 * 30);
});

test("resends, refused logins, pings, kicks and JSON-RPC are counted", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const before = await scrape();
  const added = since(before);
  using alice = await server.connect(a, { token: await withToken(a, APP), deviceFlag: APP });
  const first = await alice.sendOk({ to: b, type: PERSON, payload: "once", clientMsgNo: "n1" });
  const second = await alice.sendOk({ to: b, type: PERSON, payload: "once", clientMsgNo: "n1" });
  expect(second.messageId).toBe(first.messageId);
  await alice.ping();
  await expect(server.connect(b, { token: "wrong" })).rejects.toThrow();
  const token = await withToken(b, WEB);
  using bob = await JsonClient.connect({ port: server.wsPort, uid: b, token });
  await bob.sendOk(a, PERSON, "in JSON");
  bob.write('{"method":"no such method","id":"x"}');
  await bob.answerTo("x");
  await alice.takeSome(1);
  const middle = await scrape();
  expect(valueIn(middle, "wk_connections", 'transport="tcp",protocol="wkproto",device="app"')).toBe(1);
  expect(valueIn(middle, "wk_connections", 'transport="websocket",protocol="jsonrpc",device="web"')).toBe(1);
  expect(added(middle, "wk_dedupe_hits_total")).toBe(1);
  expect(added(middle, "wk_send_total", 'reason="success"')).toBe(3);
  expect(added(middle, "wk_store_messages_total")).toBe(2);
  expect(added(middle, "wk_frames_in_total", 'type="ping"')).toBe(1);
  expect(added(middle, "wk_frames_out_total", 'type="pong"')).toBe(1);
  expect(added(middle, "wk_bytes_in_total", 'type="ping"')).toBe(1);
  expect(added(middle, "app_ping_bytes_total")).toBe(1);
  expect(added(middle, "wk_frames_in_total", 'type="none"')).toBe(1);
  expect(added(middle, "wk_connect_total", 'reason="auth_failed"')).toBe(1);
  await server.http.ask("/user/device_quit", { uid: a, device_flag: APP });
  await alice.until(() => alice.isClosed, 5_000);
  bob.close();
  const after = await eventually(async () => {
    const now = await scrape();
    return valueIn(now, "wk_connections_open") === 0 ? now : undefined;
  }, "all connections have ended");
  expect(valueIn(after, "wk_connections")).toBe(0);
  expect(valueIn(after, "wk_online_users")).toBe(0);
  expect(added(after, "wk_disconnect_total", 'reason="kicked"')).toBe(1);
  expect(added(after, "wk_disconnect_total", 'reason="auth_failed"')).toBe(1);
  expect(added(after, "wk_disconnect_total", 'reason="client_closed"')).toBe(1);
  expect(added(after, "wk_connections_accepted_total")).toBe(3);
});

test("HTTP requests are counted by route and status, and unknown paths are one series", async () => {
  const { http } = shared.current;
  const added = since(await scrape());
  await http.ask("/message/send", { from_uid: "a", channel_id: uniqueId("b"), channel_type: PERSON, payload: "aGk=" });
  await http.post("/message/send", {});
  await http.get(`/${uniqueId("nowhere")}`);
  await http.call({ method: "PATCH", path: `/${uniqueId("nowhere")}` });
  const after = await scrape();
  expect(added(after, "wk_http_requests_total", 'method="POST",route="/message/send",status="200"')).toBe(1);
  expect(added(after, "wk_http_requests_total", 'method="POST",route="/message/send",status="400"')).toBe(1);
  expect(added(after, "wk_http_requests_total", 'method="none",route="none",status="404"')).toBe(2);
  expect(added(after, "wk_http_request_seconds_count", 'route="/message/send"')).toBe(2);
  expect(added(after, "wk_send_total", 'origin="server",reason="success"')).toBe(1);
  expect([...after.series.keys()].filter((name) => name.includes("nowhere"))).toEqual([]);
});

test("nothing that clients choose is in the answer", async () => {
  const server = shared.current;
  const names = ["user", "peer", "number", "device"].map((name) => uniqueId(name));
  const [uid = "", to = "", clientMsgNo = "", deviceId = ""] = names;
  const token = await withToken(uid, WEB);
  using client = await server.connect(uid, { token, deviceId, deviceFlag: WEB });
  await client.sendOk({ to, type: PERSON, payload: "a secret", clientMsgNo });
  const { text } = await server.http.get(`/metrics?${uid}`);
  for (const name of [...names, token, "a secret"]) expect(text).not.toContain(name);
});

test("the process, the disk and every bound are told", async () => {
  const after = await scrape();
  for (const name of [
    "wk_memory_bytes",
    "wk_open_files",
    "wk_disk_free_bytes",
    "wk_store_disk_bytes",
    "wk_store_writable",
  ])
    expect(valueIn(after, name), name).toBeGreaterThan(0);
  for (const queue of ["commit", "fan_out"]) {
    expect(valueIn(after, "wk_queue_max_length", `queue="${queue}"`)).toBeGreaterThan(0);
    expect(valueIn(after, "wk_queue_length", `queue="${queue}"`)).toBe(0);
  }
});
