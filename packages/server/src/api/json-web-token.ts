/**
 * The tokens of the manager port: JSON Web Tokens signed with HS256, and no other way. What is wrong with one is said in
 * the words of the Go library that the original uses, because its answers show them.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

export interface TokenClaims {
  readonly issuer: string;
  readonly username: string;
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
}

/** `username` is empty when the token names nobody. */
export type CheckedToken = { readonly username: string } | { readonly problem: string };

export interface TokenRules {
  readonly secret: string;
  readonly issuer: string;
  readonly nowSeconds: number;
}

interface JsonObject {
  readonly [name: string]: unknown;
}

const ALGORITHM = "HS256";
const HEADER = Buffer.from(JSON.stringify({ alg: ALGORITHM, typ: "JWT" })).toString("base64url");
/** Longer texts are no token of ours, and not worth the hashing. */
const TOKEN_CHARACTERS_MAX = 8192;
const decoder = new TextDecoder("utf-8", { fatal: true });

export function signToken(claims: TokenClaims, secret: string): string {
  const body = {
    username: claims.username,
    iss: claims.issuer,
    iat: claims.issuedAtSeconds,
    exp: claims.expiresAtSeconds,
  };
  const signed = `${HEADER}.${Buffer.from(JSON.stringify(body)).toString("base64url")}`;
  return `${signed}.${signatureOf(signed, secret).toString("base64url")}`;
}

export function checkToken(token: string, rules: TokenRules): CheckedToken {
  const parts = token.split(".", 4);
  const [header, claims, signature] = parts;
  if (header === undefined || claims === undefined || signature === undefined || parts.length > 3)
    return malformed("token contains an invalid number of segments");
  if (token.length > TOKEN_CHARACTERS_MAX) return malformed("token is too long");
  const parsedHeader = objectOf(header, "header");
  if ("problem" in parsedHeader) return parsedHeader;
  const parsedClaims = objectOf(claims, "claim");
  if ("problem" in parsedClaims) return parsedClaims;
  const { alg } = parsedHeader.object;
  if (alg !== ALGORITHM) {
    const named = typeof alg === "string" ? alg : "";
    return { problem: `token signature is invalid: signing method ${named} is invalid` };
  }
  const badCharacter = base64Problem(signature);
  if (badCharacter !== undefined) return malformed(`could not base64 decode signature: ${badCharacter}`);
  const given = Buffer.from(signature, "base64url");
  const right = signatureOf(`${header}.${claims}`, rules.secret);
  if (given.length !== right.length || !timingSafeEqual(given, right))
    return { problem: "token signature is invalid: signature is invalid" };
  const problem = claimsProblem(parsedClaims.object, rules);
  if (problem !== undefined) return { problem: `token has invalid claims: ${problem}` };
  const { username } = parsedClaims.object;
  return { username: typeof username === "string" ? username : "" };
}

function claimsProblem({ exp, nbf, iss }: JsonObject, { issuer, nowSeconds }: TokenRules): string | undefined {
  if (typeof exp !== "number") return "token is missing required claim: exp claim is required";
  if (nowSeconds >= exp) return "token is expired";
  if (nbf !== undefined && !(typeof nbf === "number" && nowSeconds >= nbf)) return "token is not valid yet";
  return iss === issuer ? undefined : "token has invalid issuer";
}

function objectOf(segment: string, name: string): { readonly object: JsonObject } | { readonly problem: string } {
  const badCharacter = base64Problem(segment);
  if (badCharacter !== undefined) return malformed(`could not base64 decode ${name}: ${badCharacter}`);
  try {
    const value: unknown = JSON.parse(decoder.decode(Buffer.from(segment, "base64url")));
    if (isObject(value)) return { object: value };
  } catch {
    // Neither UTF-8 nor JSON.
  }
  return malformed(`could not JSON decode ${name}: it is no JSON object`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Unpadded base64 for URLs, as Go refuses it. */
function base64Problem(segment: string): string | undefined {
  const bad = segment.search(/[^A-Za-z0-9_-]/);
  const at = bad === -1 && segment.length % 4 === 1 ? segment.length - 1 : bad;
  return at === -1 ? undefined : `illegal base64 data at input byte ${at}`;
}

function malformed(text: string): { readonly problem: string } {
  return { problem: `token is malformed: ${text}` };
}

function signatureOf(signed: string, secret: string): Buffer {
  return createHmac("sha256", secret).update(signed).digest();
}
