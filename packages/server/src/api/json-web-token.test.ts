import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkToken, signToken, type TokenRules } from "./json-web-token.ts";

const NOW = 1_776_840_000;
const RULES: TokenRules = { secret: "a secret of this test", issuer: "wukongim", nowSeconds: NOW };
const CLAIMS = { issuer: "wukongim", username: "admin", issuedAtSeconds: NOW, expiresAtSeconds: NOW + 60 };

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Signed with SHA-2 of any size, whatever the header says. */
function tokenOf(header: unknown, body: unknown, { secret = RULES.secret, hash = "sha256" } = {}): string {
  const signed = `${encoded(header)}.${encoded(body)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest("base64url")}`;
}

const GOOD = { username: "admin", iss: "wukongim", iat: NOW, exp: NOW + 60 };
const HS256 = { alg: "HS256", typ: "JWT" };

function problemOf(token: string): string {
  const checked = checkToken(token, RULES);
  return "problem" in checked ? checked.problem : expect.unreachable("the token was accepted");
}

test("what is signed is accepted until it expires, and holds what the original's holds", () => {
  const token = signToken(CLAIMS, RULES.secret);
  expect(checkToken(token, RULES)).toEqual({ username: "admin" });
  expect(checkToken(token, { ...RULES, nowSeconds: NOW + 59 })).toEqual({ username: "admin" });
  expect(checkToken(token, { ...RULES, nowSeconds: NOW + 60 })).toEqual({
    problem: "token has invalid claims: token is expired",
  });
  const [header = "", body = ""] = token.split(".");
  expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual(HS256);
  expect(JSON.parse(Buffer.from(body, "base64url").toString())).toEqual(GOOD);
});

test("a token made elsewhere with the secret is accepted", () => {
  expect(checkToken(tokenOf(HS256, GOOD), RULES)).toEqual({ username: "admin" });
});

describe("another algorithm is refused, signed or not", () => {
  test.each(["none", "None", "NONE", "", "HS384", "HS512", "RS256", "ES256", "hs256"])("%j", (alg) => {
    const unsigned = `${encoded({ alg })}.${encoded(GOOD)}.`;
    const text = `token signature is invalid: signing method ${alg} is invalid`;
    for (const token of [unsigned, tokenOf({ alg }, GOOD), tokenOf({ alg }, GOOD, { hash: "sha512" })])
      expect(problemOf(token)).toBe(text);
  });

  test.each([{}, { alg: null }, { alg: ["HS256"] }, { alg: 256 }])("%j", (header) => {
    expect(problemOf(tokenOf(header, GOOD))).toBe("token signature is invalid: signing method  is invalid");
  });
});

describe("another signature is refused", () => {
  const invalid = "token signature is invalid: signature is invalid";

  test("of the original's public secret, of none, of a longer hash", () => {
    expect(problemOf(tokenOf(HS256, GOOD, { secret: "secret_wukongim" }))).toBe(invalid);
    expect(problemOf(tokenOf(HS256, GOOD, { secret: "" }))).toBe(invalid);
    expect(problemOf(tokenOf(HS256, GOOD, { hash: "sha512" }))).toBe(invalid);
    expect(problemOf(`${encoded(HS256)}.${encoded(GOOD)}.`)).toBe(invalid);
  });

  test("of other claims", () => {
    const [header = "", , signature = ""] = signToken(CLAIMS, RULES.secret).split(".");
    expect(problemOf(`${header}.${encoded({ ...GOOD, username: "root" })}.${signature}`)).toBe(invalid);
  });

  test("one changed character anywhere makes a token invalid", () => {
    const token = signToken(CLAIMS, RULES.secret);
    const alphabet = "ABCXYZabcxyz0189-_.=".split("");
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...alphabet), (at, character) => {
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        // The last character of a signature has two bits that decode to nothing.
        fc.pre(
          Buffer.from(changed.split(".")[2] ?? "", "base64url").toString("hex") !== hexOf(token) ||
            at < token.length - 1,
        );
        fc.pre(changed !== token);
        expect(checkToken(changed, RULES)).toHaveProperty("problem");
      }),
    );
  });
});

function hexOf(token: string): string {
  return Buffer.from(token.split(".")[2] ?? "", "base64url").toString("hex");
}

describe("claims", () => {
  test.each<[object, string]>([
    [{ exp: undefined }, "token is missing required claim: exp claim is required"],
    [{ exp: "2100-01-01" }, "token is missing required claim: exp claim is required"],
    [{ exp: NOW - 1 }, "token is expired"],
    [{ nbf: NOW + 10 }, "token is not valid yet"],
    [{ nbf: "later" }, "token is not valid yet"],
    [{ iss: "somebody" }, "token has invalid issuer"],
    [{ iss: undefined }, "token has invalid issuer"],
  ])("%j", (changed, problem) => {
    expect(problemOf(tokenOf(HS256, { ...GOOD, ...changed }))).toBe(`token has invalid claims: ${problem}`);
  });

  test("a token may name nobody; that is for the caller to refuse", () => {
    for (const username of [undefined, "", 7, { a: 1 }])
      expect(checkToken(tokenOf(HS256, { ...GOOD, username }), RULES)).toEqual({ username: "" });
  });
});

describe("what is no token", () => {
  test.each([
    ["", "token contains an invalid number of segments"],
    ["Bearer", "token contains an invalid number of segments"],
    ["a.b", "token contains an invalid number of segments"],
    ["a.b.c.d", "token contains an invalid number of segments"],
    ["x.y.z", "could not base64 decode header: illegal base64 data at input byte 0"],
    ["ab+d.y.z", "could not base64 decode header: illegal base64 data at input byte 2"],
    [`${"A".repeat(9000)}.y.z`, "token is too long"],
    [`${encoded([1])}.e30.`, "could not JSON decode header: it is no JSON object"],
    [`${Buffer.from([0xff, 0xfe]).toString("base64url")}.e30.`, "could not JSON decode header: it is no JSON object"],
    [`${encoded(HS256)}.${encoded("x")}.`, "could not JSON decode claim: it is no JSON object"],
    [`${encoded(HS256)}.e30.!`, "could not base64 decode signature: illegal base64 data at input byte 0"],
  ])("%s", (token, problem) => {
    expect(problemOf(token)).toBe(`token is malformed: ${problem}`);
  });

  test("no text makes it throw", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void checkToken(text, RULES)));
  });
});
