import { describe, expect, test } from "vitest";
import { defaultConfig } from "./load.ts";
import { type ReplayOptions, replayCall } from "./replay-call.ts";

const CONFIG = { ...defaultConfig(), httpAddr: { host: "0.0.0.0", port: 5001 }, managerToken: "secret" };

function call(options: ReplayOptions, config = CONFIG) {
  const found = replayCall(options, config, Date.parse);
  return typeof found === "string" ? found : { ...found, body: Buffer.from(found.body).toString() };
}

describe("the call of `webhook replay`", () => {
  test("goes to the server of the configuration, with its token", () => {
    expect(call({ fromMessage: "1914637450395648001", follower: "webhook.notify" })).toMatchObject({
      url: "http://127.0.0.1:5001/webhooks/replay",
      headers: { token: "secret" },
      body: '{"follower":"webhook.notify","from_message_id":1914637450395648001}',
    });
    expect(call({ fromTime: "2026-04-22T08:00:00+02:00" })).toMatchObject({
      body: '{"follower":"","from_time":1776837600}',
    });
    const v6 = { ...CONFIG, httpAddr: { host: "::1", port: 1 }, managerToken: "" };
    expect(call({ fromTime: "2026-04-22" }, v6)).toMatchObject({ url: "http://[::1]:1/webhooks/replay" });
  });

  test.each([
    [{}, "give one of --from-time and --from-message"],
    [{ fromTime: "2026-04-22", fromMessage: "1" }, "give one of --from-time and --from-message"],
    [{ fromTime: "yesterday" }, "--from-time: yesterday is not a time as 2026-04-22T08:00:00Z"],
    [{ fromTime: "2026-13-45" }, "--from-time: 2026-13-45 is not a time as 2026-04-22T08:00:00Z"],
    [{ fromMessage: "12x" }, "--from-message: 12x is not a message_id"],
  ])("says what is wrong with %j", (options, text) => {
    expect(call(options)).toBe(text);
  });
});
