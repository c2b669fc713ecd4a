/** The standard error codes of JSON-RPC 2.0, and what a text that is no acceptable message becomes. */

export const JsonRpcErrorCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
} as const;

export type JsonRpcErrorCode = (typeof JsonRpcErrorCode)[keyof typeof JsonRpcErrorCode];

/** Thrown inside the decoder, never out of it. */
export class JsonRpcProblem extends Error {
  override readonly name = "JsonRpcProblem";
  readonly code: JsonRpcErrorCode;

  constructor(code: JsonRpcErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export function invalidParams(message: string): JsonRpcProblem {
  return new JsonRpcProblem(JsonRpcErrorCode.invalidParams, message);
}
