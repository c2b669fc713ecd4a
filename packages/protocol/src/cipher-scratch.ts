/**
 * Working memory of the ciphers. `withScratch` style would cost a closure per message, so the rule is a habit instead:
 * a scratch is filled and read inside one synchronous call and nothing of it is handed out.
 */
import { BLOCK_BYTES } from "./aes.ts";
import { base64Length } from "./base64.ts";
import { md5WordsNeeded } from "./md5.ts";

export interface CipherScratch {
  /** Largest text, before its padding, that fits. */
  readonly textBytesMax: number;
  /** The text to encrypt or decrypt. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Its ciphertext, big-endian. */
  readonly cipher: Int32Array;
  /** The ciphertext's base64 text, little-endian, with room for the padding of MD5. */
  readonly base64: Int32Array;
  readonly digest: Int32Array;
}

/** Holds the sign text of a message of about 11 KB; longer ones get memory for their one call. */
const SHARED_TEXT_BYTES_MAX = 16_384;
const shared = createScratch(SHARED_TEXT_BYTES_MAX);

/** Room for texts up to `textBytesMax`. Never keep it across calls: most callers get the same one. */
export function scratchFor(textBytesMax: number): CipherScratch {
  return textBytesMax <= SHARED_TEXT_BYTES_MAX ? shared : createScratch(textBytesMax);
}

function createScratch(textBytesMax: number): CipherScratch {
  const paddedBytes = BLOCK_BYTES * (Math.floor(textBytesMax / BLOCK_BYTES) + 1);
  const bytes = new Uint8Array(paddedBytes);
  return {
    textBytesMax,
    bytes,
    view: new DataView(bytes.buffer),
    cipher: new Int32Array(paddedBytes / 4),
    base64: new Int32Array(md5WordsNeeded(base64Length(paddedBytes))),
    digest: new Int32Array(4),
  };
}
