/** WuKongIM's chat demo: a page of another origin that calls the API itself, and two SDK clients behind two such pages. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Json } from "../harness/exact-json.ts";
import type { HttpAnswer } from "../harness/http-client.ts";
import { SdkClient } from "../harness/sdk-client.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const ORIGIN = "http://127.0.0.1:5172";
const shared = sharedServer({ settings: { tokenAuthOn: true } });

beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => undefined); // the SDK tells every step
});
afterAll(() => {
  vi.restoreAllMocks();
});

/** As a browser does it: asks whether it may, then does it, and reads nothing that is not allowed for the page. */
async function fromPage(path: string, body?: Json): Promise<Json> {
  const { http } = shared.current;
  const asked = {
    origin: ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
  };
  const headers = { origin: ORIGIN, "content-type": "application/json" };
  const allowed = (answer: HttpAnswer): void => {
    expect([ORIGIN, "*"]).toContain(answer.headers["access-control-allow-origin"]);
  };
  if (body !== undefined) {
    const preflight = await http.call({ method: "OPTIONS", path, headers: asked });
    allowed(preflight);
    expect(preflight.headers["access-control-allow-headers"]?.toLowerCase()).toContain("content-type");
  }
  const answer = await http.call({
    method: body === undefined ? "GET" : "POST",
    path,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  allowed(answer);
  expect(answer.status).toBe(200);
  return answer.body!;
}

test("two people log in on the page, talk in a group, and find it after a reload", async () => {
  const [a, b] = [uniqueId("alice"), uniqueId("bob")];
  const group = uniqueId("g");
  const { ws_addr: address } = (await fromPage("/route")) as { readonly ws_addr: string }; // checked by what follows
  expect(address).toBe(`ws://127.0.0.1:${shared.current.wsPort}`);
  for (const uid of [a, b]) {
    expect(await fromPage("/user/token", { uid, token: uid, device_flag: 1, device_level: 0 })).toEqual({
      status: 200,
    });
    expect(
      await fromPage("/channel/subscriber_add", { channel_id: group, channel_type: 2, subscribers: [uid] }),
    ).toEqual({
      status: 200,
    });
  }
  using alice = await SdkClient.connect({ uid: a, token: a, wsPort: shared.current.wsPort });
  using bob = await SdkClient.connect({ uid: b, token: b, wsPort: shared.current.wsPort });
  await alice.sendText(group, 2, "from the SDK");
  await fromPage("/message/send", {
    header: { red_dot: 1 },
    from_uid: a,
    channel_id: group,
    channel_type: 2,
    payload: Buffer.from(JSON.stringify({ type: 1, content: "from the page" })).toString("base64"),
  });
  expect((await bob.receive(2)).map((message) => message.text)).toEqual(["from the SDK", "from the page"]);

  expect(await fromPage("/conversation/sync", { uid: b, msg_count: 1 })).toMatchObject([
    { channel_id: group, channel_type: 2, unread: 2, recents: [{ message_seq: 2 }] },
  ]);
  const page = await fromPage("/channel/messagesync", {
    login_uid: b,
    channel_id: group,
    channel_type: 2,
    start_message_seq: 0,
    end_message_seq: 0,
    pull_mode: 1,
    limit: 15,
  });
  expect(page).toMatchObject({
    messages: [
      { message_seq: 1, from_uid: a, header: { red_dot: 1 }, setting: 0 },
      { message_seq: 2, from_uid: a, header: { red_dot: 1 }, setting: 0 },
    ],
  });
  const { messages } = page as { readonly messages: readonly { message_idstr: string; message_id: bigint }[] }; // as just seen
  for (const message of messages) expect(message.message_idstr).toBe(String(message.message_id));
  expect(await fromPage("/conversations/setUnread", { uid: b, channel_id: group, channel_type: 2, unread: 0 })).toEqual(
    {
      status: 200,
    },
  );
  expect(await fromPage("/conversation/sync", { uid: b, msg_count: 1 })).toMatchObject([{ unread: 0 }]);
});
