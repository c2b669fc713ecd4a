/**
 * A stored message as one RECV per receiving session. What differs between receivers: the red dot (never for one's own
 * message), how a person channel is named, and by version and encryption some Setting bits. All that see it alike share
 * one view, made once; for a session with keys that is a cut, which is sealed when its connection can be written.
 *
 *   person channel, sender A, receiver B   B's sessions   A's other sessions
 *   fromUid                                A              A
 *   channelId                              A              B
 *   (from ____system both are "" for B)
 */
import {
  allocateFromPool,
  encodeJsonRpcRecv,
  HeaderFlag,
  LATEST_VERSION,
  type Recv,
  Setting,
  SYSTEM_UID,
  sealRecv,
  withCommandSuffix,
} from "@wukong-ts/protocol";
import { RecvCut } from "@wukong-ts/sealing";
import type { PushedMessage } from "../delivery/outbound.ts";
import { kindOf, peerOf } from "../messaging/channel-kinds.ts";
import { NAMED_WITH_SUFFIX } from "../messaging/message.ts";

/** DUP is never set: old clients take a message with it for another one. */
const PASSED_FLAGS = HeaderFlag.noPersist | HeaderFlag.redDot | HeaderFlag.syncOnce;
/** Stream fields are not written below this version, so the bit that announces them must not be either. */
const STREAM_BIT_FROM_VERSION = 5;

export interface Receiver {
  readonly uid: string;
  readonly version: number;
  /** It has keys. */
  readonly isSealed: boolean;
}

/** What is queued for a connection: whole bytes, or a RECV that is still to be sealed for it. */
export type OutboundItem = Uint8Array | RecvCut;

/** A RECV as some receivers see it. */
interface RecvView {
  readonly version: number;
  readonly isSealed: boolean;
  readonly isOwn: boolean;
  readonly isNamedAsSender: boolean;
  readonly item: OutboundItem;
}

/** What all receivers of one message share. */
export interface RecvSource {
  readonly message: PushedMessage;
  readonly fromUid: string;
  /** The channel as its sender named it. */
  readonly addressedTo: string;
  readonly isPerson: boolean;
  readonly views: RecvView[];
  /** Notifications made so far, by what they depend on. */
  jsonRecvs: Map<string, Uint8Array> | undefined;
}

const encoder = new TextEncoder();

export function recvSource(message: PushedMessage): RecvSource {
  const kind = kindOf(message.channel.type);
  const { id } = message.channel;
  const addressedTo = kind.members === "implied" ? (peerOf(id, message.fromUid) ?? id) : id;
  return {
    message,
    fromUid: message.fromUid === SYSTEM_UID ? "" : message.fromUid,
    addressedTo: (message.flags & NAMED_WITH_SUFFIX) === 0 ? addressedTo : withCommandSuffix(addressedTo),
    isPerson: kind.name === "person",
    views: [],
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
    channelId: isNamedAsSender(source, receiver) ? source.fromUid : source.addressedTo,
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

export function recvItem(source: RecvSource, receiver: Receiver): OutboundItem {
  const { version, isSealed } = receiver;
  const isOwn = receiver.uid === source.message.fromUid;
  const asSender = isNamedAsSender(source, receiver);
  // Nearly always one or two.
  for (const view of source.views)
    if (
      view.version === version &&
      view.isSealed === isSealed &&
      view.isOwn === isOwn &&
      view.isNamedAsSender === asSender
    )
      return view.item;
  const recv = recvFor(source, receiver);
  const item = isSealed ? new RecvCut(recv, { version }) : sealRecv(recv, undefined, version, allocateFromPool);
  source.views.push({ version, isSealed, isOwn, isNamedAsSender: asSender, item });
  return item;
}

function isNamedAsSender(source: RecvSource, receiver: Receiver): boolean {
  return source.isPerson && source.addressedTo === receiver.uid;
}

/** The same bytes for all who see the message alike: nobody writes to what was handed to a socket. */
export function jsonRecv(source: RecvSource, uid: string): Uint8Array {
  const recv = recvFor(source, { uid, version: LATEST_VERSION, isSealed: false });
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
  if (receiver.isSealed) bits &= ~Setting.noEncrypt;
  return bits;
}
