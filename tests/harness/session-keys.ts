/**
 * The client's half of the session encryption, on node:crypto alone: it shares no code with the server, so a mistake in
 * the server's own cipher cannot hide behind the same mistake here.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";

const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

export interface KeyPair {
  readonly secret: KeyObject;
  /** What CONNECT carries as clientKey. */
  readonly publicText: string;
}

export function createKeyPair(): KeyPair {
  const pair = generateKeyPairSync("x25519");
  const der = pair.publicKey.export({ type: "spki", format: "der" });
  return { secret: pair.privateKey, publicText: der.subarray(-32).toString("base64") };
}

export class SessionKeys {
  readonly #key: Buffer;
  readonly #iv: Buffer;

  constructor(pair: KeyPair, serverKey: string, salt: string) {
    const der = Buffer.concat([SPKI_PREFIX, Buffer.from(serverKey, "base64")]);
    const serverPublic = createPublicKey({ key: der, format: "der", type: "spki" });
    const shared = diffieHellman({ privateKey: pair.secret, publicKey: serverPublic });
    this.#key = Buffer.from(createHash("md5").update(shared.toString("base64")).digest("hex").slice(0, 16));
    this.#iv = Buffer.from(salt);
  }

  /** The bytes of the base64 text. */
  encrypt(plain: Uint8Array): Buffer {
    const cipher = createCipheriv("aes-128-cbc", this.#key, this.#iv);
    return Buffer.from(Buffer.concat([cipher.update(plain), cipher.final()]).toString("base64"));
  }

  decrypt(base64Text: Uint8Array): Buffer {
    const decipher = createDecipheriv("aes-128-cbc", this.#key, this.#iv);
    return Buffer.concat([
      decipher.update(Buffer.from(Buffer.from(base64Text).toString(), "base64")),
      decipher.final(),
    ]);
  }

  messageKey(signed: Uint8Array): string {
    return createHash("md5").update(this.encrypt(signed)).digest("hex");
  }
}
