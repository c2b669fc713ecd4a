/**
 * A stored message as one RECV per receiving session. What differs between receivers: the red dot (never for one's own
 * message), how a person channel is named, and by version and encryption some Setting bits.
 *
 *   person channel, sender A, receiver B   B's sessions   A's other sessions
 *   fromUid                                A              A
 *   channelId                              A              B
 *   (from ____system both are "" for B)
 */
import {
  encodeJsonRpcRecv,
  HeaderFlag,
  LATEST_VERSION,
  type Recv,
  type SessionCipher,
  Setting,
  SYSTEM_UID,
  sealRecv,
  withCommandSuffix,
} from "@wukong-ts/protocol";
import { kindOf, peerOf } from "../messaging/channel-kinds.ts";
import { NAMED_WITH_SUFFIX, type StoredMessage } from "../messaging/message.ts";

/** DUP is never set: old clients take a message with it for another one. */
const PASSED_FLAGS = HeaderFlag.noPersist | HeaderFlag.redDot | HeaderFlag.syncOnce;
/** Stream fields are not written below this version, so the bit that announces them must not be either. */
const STREAM_BIT_FROM_VERSION = 5;

export interface Receiver {
  readonly uid: string;
  readonly version: number;
  readonly cipher: SessionCipher | undefined;
}

/** What all receivers of one message share. */
export interface RecvSource {
  readonly message: StoredMessage;
  readonly fromUid: string;
  /** The channel as its sender named it. */
  readonly addressedTo: string;
  readonly isPerson: boolean;
  /** Notifications made so far, by what they depend on. */
  jsonRecvs: Map<string, Uint8Array> | undefined;
}

const encoder = new TextEncoder();

export function recvSource(message: StoredMessage): RecvSource {
  const kind = kindOf(message.channel.type);
  const { id } = message.channel;
  const addressedTo = kind.members === "implied" ? (peerOf(id, message.fromUid) ?? id) : id;
  return {
    message,
    fromUid: message.fromUid === SYSTEM_UID ? "" : message.fromUid,
    addressedTo: (message.flags & NAMED_WITH_SUFFIX) === 0 ? addressedTo : withCommandSuffix(addressedTo),
    isPerson: kind.name === "person",
    jsonRecvs: undefined,
  };
}

export function recvFor(source: RecvSource, receiver: Receiver): Recv {
  const { message } = source;
  const isOwn = receiver.uid === message.fromUid;
  return {
    type: 5,
    flags: message.flags & (isOwn ? PASSED_FLAGS & ~HeaderFlag.redDot : PASSED_FLAGS),
    setting: settingFor(message.setting, receiver),
    msgKey: "",
    fromUid: source.fromUid,
    channelId: source.isPerson && source.addressedTo === receiver.uid ? source.fromUid : source.addressedTo,
    channelType: message.channel.type,
    expire: message.expireSeconds,
    clientMsgNo: message.clientMsgNo,
    messageId: message.id,
    messageSeq: message.seq,
    timestamp: message.timeSeconds,
    topic: message.topic,
    payload: message.payload,
  };
}

export function encodeRecv(source: RecvSource, receiver: Receiver): Uint8Array {
  return sealRecv(recvFor(source, receiver), receiver.cipher, receiver.version);
}

/** The same bytes for all who see the message alike: nobody writes to what was handed to a socket. */
export function jsonRecv(source: RecvSource, uid: string): Uint8Array {
  const recv = recvFor(source, { uid, version: LATEST_VERSION, cipher: undefined });
  const view = `${recv.flags} ${recv.channelId}`;
  source.jsonRecvs ??= new Map();
  let bytes = source.jsonRecvs.get(view);
  if (bytes === undefined) {
    const isStream = (recv.setting & Setting.stream) !== 0;
    bytes = encoder.encode(encodeJsonRpcRecv(isStream ? { ...recv, streamId: recv.messageId } : recv));
    source.jsonRecvs.set(view, bytes);
  }
  return bytes;
}

function settingFor(setting: number, receiver: Receiver): number {
  let bits = setting;
  if (receiver.version < STREAM_BIT_FROM_VERSION) bits &= ~Setting.stream;
  // Some clients take a payload with this bit for plain text; it is not.
  if (receiver.cipher !== undefined) bits &= ~Setting.noEncrypt;
  return bits;
}
