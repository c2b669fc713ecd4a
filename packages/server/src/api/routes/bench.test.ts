import { expect, test } from "vitest";
import { refusal, TestApi } from "../test-kit.ts";

const BATCH = { run_id: "r", batch_id: "b" };

test.each([
  ["nothing", null, "uid不能为空！"],
  ["a blank uid", { uid: " ", token: "t" }, "uid不能为空！"],
  ["a uid with @", { uid: "a@b", token: "t" }, "uid不能包含特殊字符！"],
  ["no token", { uid: "a", token: "" }, "token is required"],
])("a batch of tokens with %s in it is refused as it is described, and stores nothing", async (_, item, text) => {
  const api = new TestApi({ benchOn: true });
  const users = [{ uid: "good", token: "t" }, item];
  expect(await api.post("/bench/v1/users/tokens", { ...BATCH, users })).toMatchObject(refusal(text));
  expect(api.asked).toEqual([]);
});
