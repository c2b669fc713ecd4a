/** The one error of the binary codec: what was wrong with the bytes, or with the values that should become bytes. */

export type ProtocolErrorCode =
  | "frame_too_large"
  | "malformed_length"
  | "unknown_packet"
  | "truncated_body"
  | "string_too_long"
  | "invalid_utf8"
  | "value_out_of_range";

export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, detail: string) {
    super(`${code}: ${detail}`);
    this.code = code;
  }
}
