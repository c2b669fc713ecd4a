/** The two protobuf messages of WuKongIM's gRPC webhook: `EventReq {string event = 1; bytes data = 2}` and `EventResp {Status status = 1; bytes data = 2}`. */

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;
const STATUS_SUCCESS = 1;

export function encodeEventRequest(name: string, data: Uint8Array): Uint8Array {
  return Buffer.concat([bytesField(1, Buffer.from(name, "utf8")), bytesField(2, data)]);
}

/** Whether the receiver says Success. A field with its default, which is Error, is not written at all. Throws on other bytes. */
export function isSuccess(message: Uint8Array): boolean {
  let at = 0;
  let status = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++];
      if (byte === undefined || factor > 2 ** 63) throw new Error("no protobuf message");
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const kind = tag % 8;
    if (kind === VARINT) {
      const value = varint();
      if (field === 1) status = value;
    } else if (kind === BYTES) {
      const length = varint();
      at += length;
    } else if (kind === FIXED_64) at += 8;
    else if (kind === FIXED_32) at += 4;
    else throw new Error("no protobuf message");
    if (at > message.length) throw new Error("no protobuf message");
  }
  return status === STATUS_SUCCESS;
}

function bytesField(field: number, value: Uint8Array): Buffer {
  const head = [field * 8 + BYTES];
  let length = value.length;
  for (; length >= 128; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  return Buffer.concat([Uint8Array.from([...head, length]), value]);
}
