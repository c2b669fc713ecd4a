import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { sessionKey } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import type { Random } from "../world/world.ts";
import { agreeOnKeys } from "./key-agreement.ts";
import { CountedRandom } from "./test-kit.ts";

const CLIENT_PRIVATE = Buffer.from("0123456789abcdef0123456789abcdef");
const CLIENT_KEY = "hlF7wMOf6Ha3ZGy1407gPa9xzLrWdFDBapcK2MvAPn4=";
const SERVER_PRIVATE = Uint8Array.from({ length: 32 }, (_, index) => index + 1);

describe("key agreement", () => {
  test("gives the known public key and session key of the protocol's fixed test values", () => {
    const salted = new CountedRandom();
    const random: Random = {
      uint32: () => salted.uint32(),
      bytes: (count) => (count === 32 && !asked++ ? SERVER_PRIVATE : salted.bytes(count)),
    };
    let asked = 0;
    const keys = agreeOnKeys(CLIENT_KEY, random);
    expect(keys?.serverKey).toBe("B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=");
    expect(Buffer.from(keys?.key ?? []).toString()).toBe("4989ad64ccaf943d");
    expect(Buffer.from(keys?.iv ?? []).toString()).toBe(keys?.salt);
  });

  test("the client's own node:crypto arrives at the same key", () => {
    const keys = agreeOnKeys(CLIENT_KEY, new CountedRandom());
    if (keys === undefined) throw new Error("refused");
    const jwk = { kty: "OKP", crv: "X25519" };
    const privateKey = createPrivateKey({
      key: {
        ...jwk,
        x: Buffer.from(CLIENT_KEY, "base64").toString("base64url"),
        d: CLIENT_PRIVATE.toString("base64url"),
      },
      format: "jwk",
    });
    const publicKey = createPublicKey({
      key: { ...jwk, x: Buffer.from(keys.serverKey, "base64").toString("base64url") },
      format: "jwk",
    });
    expect(keys.key).toEqual(sessionKey(diffieHellman({ privateKey, publicKey })));
  });

  test("every connection gets keys and a salt of its own", () => {
    const random = new CountedRandom();
    const all = Array.from({ length: 50 }, () => agreeOnKeys(CLIENT_KEY, random));
    expect(new Set(all.map((keys) => keys?.serverKey)).size).toBe(50);
    expect(new Set(all.map((keys) => keys?.salt)).size).toBe(50);
    for (const keys of all) expect(keys?.salt).toMatch(/^[0-9A-Za-z]{16}$/);
  });

  test("only the first 32 bytes of a longer client key count", () => {
    const longer = Buffer.concat([Buffer.from(CLIENT_KEY, "base64"), Buffer.alloc(8, 7)]).toString("base64");
    const [a, b] = [agreeOnKeys(CLIENT_KEY, new CountedRandom()), agreeOnKeys(longer, new CountedRandom())];
    expect(a?.key).toEqual(b?.key);
  });

  test.each([
    ["empty", ""],
    ["short", "AAAA"],
    ["31 bytes", Buffer.alloc(31, 5).toString("base64")],
    ["no base64", "*".repeat(44)],
    ["very long", "A".repeat(40_000)],
    ["all zero, of low order", Buffer.alloc(32).toString("base64")],
    ["one, of low order", Buffer.from([1, ...Buffer.alloc(31)]).toString("base64")],
    ["of order eight", "4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA="],
  ])("a client key that is %s is refused", (_, clientKey) => {
    expect(agreeOnKeys(clientKey, new CountedRandom())).toBeUndefined();
  });
});
