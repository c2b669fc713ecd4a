/** Questions that cannot be answered are refused as bad requests. */
import { expect, test } from "vitest";
import { sharedServer } from "../harness/shared-server.ts";

const shared = sharedServer({ settings: { managerToken: "manager" } });

test.each([
  ["", "uid"],
  ["uid=b", "message_id"],
  ["uid=b&message_id=x", "message_id"],
  ["uid=b&message_id=99999999999999999999", "message_id"],
  ["uid=b&message_id=0", "message_id"],
  ["uid=b&client_msg_no=n", "channel_id"],
  ["uid=b&client_msg_no=n&channel_id=g", "channel_type"],
  [`uid=b&client_msg_no=${"n".repeat(256)}&channel_id=g&channel_type=2`, "client_msg_no"],
  [`uid=${"b".repeat(256)}&message_id=1`, "uid"],
])("?%s is refused with 400, and the answer names what is wrong: %s", async (query, named) => {
  const answer = await shared.current.http.get(`/explain?${query}`);
  expect(answer).toMatchObject({ status: 400, body: { status: 400 } });
  expect(answer.text).toContain(named);
});

test("without the manager token there is no answer", async () => {
  const { http } = shared.current;
  const answer = await http.call({ method: "GET", path: "/explain?uid=b&message_id=1", headers: { token: "wrong" } });
  expect(answer.status).toBe(401);
});
