/**
 * The keys of one connection: a fresh X25519 pair for each, the secret shared with the client's public key, and the salt
 * that is the IV. Both sides make the same AES key of the secret (protocol package, `sessionKey`).
 *
 * The private key is random bytes imported as a JWK. A key that node *generated* must never be exported as a JWK: on some
 * versions of Node that deadlocks the process. Imported ones do not.
 */
import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { sessionKey } from "@wukong-ts/protocol";
import type { Random } from "../world/world.ts";

export interface KeyAgreement {
  /** Of AES, 16 bytes each. */
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  /** Base64 of the server's public key. */
  readonly serverKey: string;
  /** Exactly 16 characters: SDKs cut longer ones and break on shorter ones. */
  readonly salt: string;
}

const KEY_BYTES = 32;
const SALT_CHARACTERS = 16;
const SALT_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Bytes from here on are thrown away, so that every character is equally likely. */
const FAIR_BYTES = 256 - (256 % SALT_ALPHABET.length);
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** A JWK must name a public key, but of a private one it is computed again; any value does. */
const ANY_PUBLIC_KEY = Buffer.alloc(KEY_BYTES).toString("base64url");

/** undefined: the client's key is not base64, too short, or of low order. */
export function agreeOnKeys(clientKey: string, random: Random): KeyAgreement | undefined {
  const peer = publicKeyBytes(clientKey);
  if (peer === undefined) return undefined;
  const privateKey = createPrivateKey({
    key: jwk(ANY_PUBLIC_KEY, Buffer.from(random.bytes(KEY_BYTES)).toString("base64url")),
    format: "jwk",
  });
  const secret = sharedSecret(privateKey, peer);
  if (secret === undefined) return undefined;
  const serverKey = createPublicKey(privateKey).export({ format: "jwk" }).x;
  if (serverKey === undefined) return undefined;
  const salt = randomSalt(random);
  return {
    key: sessionKey(secret),
    iv: new TextEncoder().encode(salt),
    serverKey: Buffer.from(serverKey, "base64url").toString("base64"),
    salt,
  };
}

/** As in v2.2.5 only the first 32 bytes count. */
function publicKeyBytes(clientKey: string): Buffer | undefined {
  if (clientKey.length > 1024 || !BASE64.test(clientKey)) return undefined;
  const bytes = Buffer.from(clientKey, "base64");
  return bytes.length < KEY_BYTES ? undefined : bytes.subarray(0, KEY_BYTES);
}

function sharedSecret(privateKey: ReturnType<typeof createPrivateKey>, peer: Buffer): Uint8Array | undefined {
  try {
    const publicKey = createPublicKey({ key: jwk(peer.toString("base64url")), format: "jwk" });
    const secret = diffieHellman({ privateKey, publicKey });
    return secret.some((byte) => byte !== 0) ? secret : undefined;
  } catch {
    // A point of low order: the secret would be all zero, known to everybody.
    return undefined;
  }
}

function jwk(x: string, d?: string): { kty: string; crv: string; x: string; d?: string } {
  return d === undefined ? { kty: "OKP", crv: "X25519", x } : { kty: "OKP", crv: "X25519", x, d };
}

function randomSalt(random: Random): string {
  let salt = "";
  while (salt.length < SALT_CHARACTERS) {
    for (const byte of random.bytes(SALT_CHARACTERS * 2)) {
      if (byte < FAIR_BYTES && salt.length < SALT_CHARACTERS) salt += SALT_ALPHABET[byte % SALT_ALPHABET.length];
    }
  }
  return salt;
}
