/** The client's half of the key agreement. One key pair serves all connections of a generator: making it is not measured. */
import { createPrivateKey, createPublicKey, diffieHellman, randomBytes } from "node:crypto";
import { createSessionCipher, type SessionCipher, sessionKey } from "@wukong-ts/protocol";

const secret = createPrivateKey({
  format: "jwk",
  key: { kty: "OKP", crv: "X25519", d: randomBytes(32).toString("base64url"), x: "" },
});

/** What CONNECT carries as clientKey. */
export const CLIENT_KEY: string = Buffer.from(
  createPublicKey(secret).export({ format: "jwk" }).x ?? "",
  "base64url",
).toString("base64");

/** From the serverKey and salt of CONNACK. */
export function cipherFor(serverKey: string, salt: string): SessionCipher {
  const x = Buffer.from(serverKey, "base64").toString("base64url");
  const publicKey = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "X25519", x } });
  return createSessionCipher(sessionKey(diffieHellman({ privateKey: secret, publicKey })), Buffer.from(salt));
}
