/** CONNECT and SEND of version 5 whose texts are any bytes: what an honest encoder cannot write. */
const CONNECT = 0x10;
const SEND = 0x30;
const RED_DOT = 2;
const SETTING_TOPIC = 8;
const VERSION = 5;

export interface RawConnect {
  readonly deviceId: Uint8Array;
  readonly uid: Uint8Array;
  readonly token: Uint8Array;
  readonly clientKey: Uint8Array;
}
export interface RawSend {
  readonly clientSeq: number;
  readonly clientMsgNo: Uint8Array;
  readonly channelId: Uint8Array;
  readonly channelType: number;
  readonly msgKey: Uint8Array;
  readonly topic: Uint8Array;
  readonly payload: Uint8Array;
}

export function rawConnect({ deviceId, uid, token, clientKey }: RawConnect): Buffer {
  const time = Buffer.alloc(8);
  const body = [Buffer.from([VERSION, 0]), text(deviceId), text(uid), text(token), time, text(clientKey)];
  return frame(CONNECT, Buffer.concat(body));
}

export function rawSend(send: RawSend): Buffer {
  const clientSeq = Buffer.alloc(4);
  clientSeq.writeUInt32BE(send.clientSeq);
  const body = [
    Buffer.from([SETTING_TOPIC]),
    clientSeq,
    text(send.clientMsgNo),
    text(send.channelId),
    Buffer.from([send.channelType]),
    Buffer.alloc(4),
    text(send.msgKey),
    text(send.topic),
    send.payload,
  ];
  return frame(SEND | RED_DOT, Buffer.concat(body));
}

export function frame(head: number, body: Uint8Array): Buffer {
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

function text(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
