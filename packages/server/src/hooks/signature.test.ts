import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { eventHeaders, signingKeys } from "./signature.ts";

const EVENT = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: Buffer.from('{"test": 2432232314}') };
const AT_MS = 1_614_265_330_999;

describe("the headers of an event", () => {
  test("are signed as the convention's own example", () => {
    const keys = signingKeys("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    expect(eventHeaders(EVENT, AT_MS, keys)).toEqual({
      "webhook-id": EVENT.id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  test("are signed as the example in the documentation", () => {
    const event = { id: "notify_5f0c9d1d4c8f4c0c8a6f1de0a6f5b9c1", body: Buffer.from("[]") };
    const headers = eventHeaders(event, 1_776_840_000_000, signingKeys("whsec_c2VjcmV0IG9mIHRoZSB0ZXN0"));
    expect(headers["webhook-signature"]).toBe("v1,qwooDHmh3TQ5ST/h5pCbHhXYw0wWqdZU9It9sDkIJow=");
  });

  test("have one signature per key, and a plain text is a key too", () => {
    const headers = eventHeaders(EVENT, AT_MS, signingKeys("new-secret  old-secret"));
    const signed = (key: string): string =>
      createHmac("sha256", key).update(`${EVENT.id}.1614265330.`).update(EVENT.body).digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${signed("new-secret")} v1,${signed("old-secret")}`);
  });

  test("without a secret name the event only", () => {
    expect(eventHeaders(EVENT, AT_MS, signingKeys(" "))).toEqual({
      "webhook-id": EVENT.id,
      "webhook-timestamp": "1614265330",
    });
  });
});
