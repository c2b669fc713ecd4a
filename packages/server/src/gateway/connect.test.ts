import { Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import type { LoginVerdict } from "../messaging/users.ts";
import { connackFor, judgeIds, judgeLogin, negotiatedVersion } from "./connect.ts";
import type { EntryVerdict } from "./core.ts";
import { TestClient } from "./test-kit.ts";

function judge(
  connect: Parameters<typeof TestClient.connectFrame>[0],
  login: LoginVerdict = { reason: 1, level: "slave" },
  keysReason: number = Reason.success,
): EntryVerdict {
  return judgeIds(TestClient.connectFrame(connect)) ?? judgeLogin(login, { agreeOnKeys: () => keysReason });
}

describe("a CONNECT", () => {
  test.each([
    ["empty", ""],
    ["blank", "   "],
    ["with @", "a@b"],
    ["with #", "a#b"],
    ["with &", "a&b"],
    ["of 256 bytes", "é".repeat(128)],
  ])("whose uid is %s is cut off without an answer", (_, uid) => {
    expect(judge({ uid })).toEqual({ kind: "cut", close: "bad_uid" });
  });

  test("whose uid has 255 bytes is welcome", () => {
    expect(judge({ uid: `${"é".repeat(127)}x` }).kind).toBe("welcome");
  });

  test("whose device id has more than 255 bytes is cut off", () => {
    expect(judge({ deviceId: "d".repeat(256) })).toEqual({ kind: "cut", close: "bad_device_id" });
  });

  test.each([
    ["the uid ____system", { uid: "____system" }],
    ["a uid that ends in ____cmd", { uid: "x____cmd" }],
    ["the device id ____device", { deviceId: "____device" }],
  ])("with %s is refused with reason 2", (_, connect) => {
    expect(judge(connect)).toEqual({ kind: "refused", reason: 2, close: "reserved_id" });
  });

  test("that users refuse carries their reason", () => {
    expect(judge({}, { reason: Reason.authFail, level: "slave" })).toEqual({
      kind: "refused",
      reason: 2,
      close: "auth_failed",
    });
    expect(judge({}, { reason: Reason.ban, level: "slave" })).toEqual({ kind: "refused", reason: 19, close: "banned" });
  });

  test("that cannot be judged now is cut off without an answer, so that the client comes back", () => {
    expect(judge({}, { reason: "transient" })).toEqual({ kind: "cut", close: "login_unavailable" });
  });

  test("with which no keys can be agreed is refused with the reason for that", () => {
    expect(judge({}, undefined, Reason.clientKeyIsEmpty)).toEqual({
      kind: "refused",
      reason: 21,
      close: "bad_client_key",
    });
  });

  test("that is welcome is so at the level that users say", () => {
    expect(judge({}, { reason: 1, level: "master" })).toEqual({ kind: "welcome", level: "master" });
  });

  test("with a wrong token and no key is told about the token", () => {
    expect(judge({}, { reason: 2, level: "slave" }, Reason.clientKeyIsEmpty)).toMatchObject({ close: "auth_failed" });
  });
});

describe("a CONNACK", () => {
  const at = { wallMs: 1_767_225_600_037, nodeId: 1001 };

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 255])(
    "for version %i names server version and node only if the client reads them",
    (version) => {
      const negotiated = version > 6 ? 5 : version;
      const connack = connackFor(TestClient.connectFrame({ version }), 1, undefined, at);
      expect(negotiatedVersion(TestClient.connectFrame({ version }))).toBe(negotiated);
      expect(connack.serverVersion).toBe(version > 3 ? negotiated : undefined);
      expect(connack.nodeId).toBe(version > 3 ? 1001n : undefined);
    },
  );

  test("tells the difference of the clocks, whatever the client's is", () => {
    const difference = (clientTimestamp: bigint): bigint =>
      connackFor(TestClient.connectFrame({ clientTimestamp }), 1, undefined, at).timeDiff;
    expect(difference(1_767_225_600_000n)).toBe(37n);
    expect(difference(1_767_225_600_040n)).toBe(-3n);
    expect(difference(1_767_225_600n)).toBe(1_765_458_374_437n);
    expect(difference(-(2n ** 63n))).toBeLessThan(0n);
  });
});
