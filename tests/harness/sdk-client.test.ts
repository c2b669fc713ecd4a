import { expect, test } from "vitest";
import { SdkClient } from "./sdk-client.ts";

test("two users of the real SDK in one process share nothing", async () => {
  const one = await SdkClient.create({ uid: "one", wsPort: 1 });
  const two = await SdkClient.create({ uid: "two", wsPort: 2 });
  expect(one.sdkConfig).not.toBe(two.sdkConfig);
  expect([one.sdkConfig.uid, two.sdkConfig.uid]).toEqual(["one", "two"]);
});
