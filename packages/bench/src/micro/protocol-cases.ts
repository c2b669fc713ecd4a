/** What the wire costs: frames to and from bytes, sealing and opening. 100-byte payloads, ids as SDKs make them. */
import {
  createSessionCipher,
  encodeFrame,
  encodeSendack,
  FrameDecoder,
  openSend,
  type Recv,
  type Send,
  sealRecv,
} from "@wukong-ts/protocol";
import { payloadOf } from "../traffic/payload-choice.ts";
import type { MicroCase } from "./rounds.ts";

const VERSION = 5;
const CLIENT_MSG_NO = "0b9c7c1e-8a3f-4b5c-9d0e-1f2a3b4c5d6e";
const CIPHER = createSessionCipher(Buffer.from("0123456789abcdef"), Buffer.from("fedcba9876543210"));

function sealedSend(payloadBytes: number): Send {
  const payload = CIPHER.encrypt(payloadOf(payloadBytes, 0));
  const sign = Buffer.concat([Buffer.from(`7${CLIENT_MSG_NO}user-10021`), payload]);
  return {
    type: 3,
    flags: 2,
    setting: 0,
    clientSeq: 7,
    clientMsgNo: CLIENT_MSG_NO,
    channelId: "user-1002",
    channelType: 1,
    expire: 0,
    msgKey: CIPHER.msgKey(sign),
    topic: "",
    payload,
  };
}

function recvOf(payloadBytes: number): Recv {
  return {
    type: 5,
    flags: 2,
    setting: 0,
    msgKey: "",
    fromUid: "user-1001",
    channelId: "user-1001",
    channelType: 1,
    expire: 0,
    clientMsgNo: CLIENT_MSG_NO,
    messageId: { high: 0x1bc16d67, low: 0x4ec7ffff },
    messageSeq: 12_345,
    timestamp: 1_767_225_600,
    topic: "",
    payload: payloadOf(payloadBytes, 0),
  };
}

function repeat(run: () => { readonly length: number } | undefined): (count: number) => number {
  return (count) => {
    let sum = 0;
    for (let index = 0; index < count; index++) sum += run()?.length ?? 0;
    return sum;
  };
}

export function protocolCases(): readonly MicroCase[] {
  const send = sealedSend(100);
  const bytes = encodeFrame(send, VERSION);
  const decoder = new FrameDecoder({ version: VERSION });
  const messageId = { high: 0x1bc16d67, low: 0x4ec7ffff };
  const cases: MicroCase[] = [
    {
      name: "decode a SEND",
      run: repeat(() => {
        decoder.push(bytes);
        const frame = decoder.next();
        return frame?.type === 3 ? frame.payload : undefined;
      }),
    },
    { name: "encode a SENDACK", run: repeat(() => encodeSendack(2, messageId, 7, 12_345, 1, "", VERSION)) },
    { name: "encode a plain RECV, 100 B", run: repeat(() => sealRecv(recvOf100, undefined, VERSION)) },
  ];
  for (const payloadBytes of [100, 256, 1024, 4096]) {
    const recv = recvOf(payloadBytes);
    const sealed = sealedSend(payloadBytes);
    cases.push(
      { name: `seal a RECV, ${payloadBytes} B`, run: repeat(() => sealRecv(recv, CIPHER, VERSION)) },
      { name: `open a SEND, ${payloadBytes} B`, run: repeat(() => openSend(sealed, CIPHER)) },
    );
  }
  return cases;
}

const recvOf100 = recvOf(100);
