/** The public surface of the package, as a list. */
export { type Allocate, allocateExact, allocateFromPool } from "./allocate.ts";
export { base64FromBytes, base64ToBytes } from "./base64.ts";
export {
  COMMAND_SUFFIX,
  crc32,
  fnv1a64,
  MANAGER_UID,
  ONLINE_COMMAND_CHANNEL,
  personChannelId,
  personPeers,
  SYSTEM_DEVICE_ID,
  SYSTEM_UID,
  withCommandSuffix,
  withoutCommandSuffix,
} from "./channel-ids.ts";
export { DeviceFlag, HeaderFlag, Setting, StreamFlag } from "./flags.ts";
export { encodeFrame, type Frame } from "./frame.ts";
export { FRAME_BYTES_MAX_DEFAULT, FrameDecoder, type FrameDecoderOptions } from "./frame-decoder.ts";
export type { Connack } from "./frames/connack.ts";
export type { Connect } from "./frames/connect.ts";
export type { Disconnect } from "./frames/disconnect.ts";
export type { Event } from "./frames/event.ts";
export type { Ping, Pong } from "./frames/ping-pong.ts";
export type { Recv } from "./frames/recv.ts";
export type { Recvack } from "./frames/recvack.ts";
export { hasStreamFields, type Send } from "./frames/send.ts";
export { encodeSendack, type Sendack } from "./frames/sendack.ts";
export type { Sub } from "./frames/sub.ts";
export type { Suback } from "./frames/suback.ts";
export { type Int64, int64FromBigInt, int64FromText, int64ToBigInt, int64ToText } from "./int64.ts";
export { parseIpv4, parseIpv6 } from "./ip-address.ts";
export { looksLikeJson } from "./json-detection.ts";
export {
  decodeJsonRpc,
  type JsonRpcFailure,
  type JsonRpcMessage,
} from "./json-rpc/json-rpc-decoder.ts";
export {
  encodeJsonRpcConnack,
  encodeJsonRpcDisconnect,
  encodeJsonRpcError,
  encodeJsonRpcEvent,
  encodeJsonRpcPong,
  encodeJsonRpcRecv,
  encodeJsonRpcSendack,
} from "./json-rpc/json-rpc-encoder.ts";
export { JsonRpcErrorCode } from "./json-rpc/json-rpc-error.ts";
export { JsonSplitter, jsonText } from "./json-rpc/json-splitter.ts";
export { openSend, sendSignBytesMax, writeSendSign } from "./open-send.ts";
export { CODEC_VERSION_MAX, LATEST_VERSION, PacketType } from "./packet-type.ts";
export { ProtocolError, type ProtocolErrorCode } from "./protocol-error.ts";
export { type ProxyHeader, type ProxySource, parseProxyHeader } from "./proxy-header.ts";
export { Reason } from "./reasons.ts";
export { cutRecv, type RecvParts } from "./recv-parts.ts";
export { sealRecv } from "./seal-recv.ts";
export { createSessionCipher, type SessionCipher, sessionKey } from "./session-cipher.ts";
