/**
 * R-51 on the wire: every text of CONNECT and SEND with every hostile text, over TCP and WebSocket. Each frame is answered
 * or its connection ends; what is acknowledged is found; nobody else notices, and the server starts again on its data.
 */
import { PacketType, Reason } from "@wukong-ts/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BackEnd, PERSON } from "../harness/back-end.ts";
import { Bystanders } from "../harness/bystanders.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import type { Transport } from "../harness/wire-socket.ts";
import { HOSTILE_TEXTS, type HostileText } from "./hostile-text.ts";
import { type RawConnect, type RawSend, rawConnect, rawSend } from "./raw-frames.ts";
import { RawPeer } from "./raw-peer.ts";

/** Without encryption a SEND of any bytes is honest enough to be looked at. */
const shared = sharedServer({ settings: { disableEncryption: true } });
const watching: { bystanders?: Bystanders } = {};
const NOTHING = Buffer.alloc(0);
const PING = 0x70;
const CHANNEL_TYPES = [1, 2, 3, 9, 0, 255];
/** Texts that no user may have. */
const NO_UID = /^(empty|blank|at|hash|ampersand|64 KB|command suffix|a command log|the system account)/;

beforeAll(async () => {
  watching.bystanders = await Bystanders.start(shared.current);
});
afterAll(async () => {
  expect(await watching.bystanders?.finish()).toEqual([]);
  await shared.current.restart("SIGTERM");
});

function open(transport: Transport): Promise<RawPeer> {
  const { tcpPort, wsPort } = shared.current;
  return RawPeer.open(transport === "tcp" ? tcpPort : wsPort, transport);
}
function connectAs(uid: string): RawConnect {
  return { uid: Buffer.from(uid), deviceId: Buffer.from("device"), token: NOTHING, clientKey: NOTHING };
}

for (const transport of ["tcp", "websocket"] as const) {
  for (const field of ["uid", "deviceId", "token", "clientKey"] as const)
    test(`R-51: CONNECT over ${transport} with any ${field} is answered or cut`, async () => {
      await Promise.all(HOSTILE_TEXTS.map((hostile) => logIn(transport, field, hostile)));
    });

  for (const field of ["clientMsgNo", "channelId", "msgKey", "topic", "payload"] as const)
    test(`R-51: SEND over ${transport} with any ${field} is answered or cut, and findable if acknowledged`, async () => {
      for (const type of CHANNEL_TYPES)
        await Promise.all(HOSTILE_TEXTS.map((hostile) => send(transport, field, hostile, type)));
    });
}

async function logIn(transport: Transport, field: keyof RawConnect, hostile: HostileText): Promise<void> {
  using peer = await open(transport);
  peer.write(rawConnect({ ...connectAs(uniqueId("hostile")), [field]: hostile.bytes }));
  const answer = await peer.answer(PacketType.connack);
  expect(answer, hostile.name).not.toBe("silent");
  const isIn = typeof answer === "object" && answer.reason === Reason.success;
  if (!hostile.isUtf8 || hostile.name === "64 KB" || (field === "uid" && NO_UID.test(hostile.name)))
    expect(isIn, `${hostile.name} logs in`).toBe(false);
  if (field === "deviceId" && hostile.name === "the system device") expect(isIn, hostile.name).toBe(false);
  if (isIn) {
    peer.write(Buffer.from([PING]));
    expect(await peer.answer(PacketType.pong), hostile.name).toMatchObject({ type: PacketType.pong });
  } else expect(await peer.closed(), `${hostile.name}: the connection ends`).toBe(true);
}

async function send(
  transport: Transport,
  field: keyof RawSend,
  hostile: HostileText,
  channelType: number,
): Promise<void> {
  const name = `${hostile.name} to a channel of type ${channelType}`;
  const uid = uniqueId("hostile");
  const receiver = uniqueId("friend");
  using peer = await open(transport);
  peer.write(rawConnect(connectAs(uid)));
  expect(await peer.answer(PacketType.connack)).toMatchObject({ reason: Reason.success });
  const honest: RawSend = {
    clientSeq: 7,
    clientMsgNo: Buffer.from(uniqueId("n")),
    channelId: Buffer.from(receiver),
    channelType,
    msgKey: NOTHING,
    topic: NOTHING,
    payload: Buffer.from("hello"),
  };
  const sent = { ...honest, [field]: hostile.bytes };
  peer.write(rawSend(sent));
  const answer = await peer.answer(PacketType.sendack);
  expect(answer, name).not.toBe("silent");
  if (!hostile.isUtf8 && field !== "payload") expect(answer, name).toBe("closed");
  if (typeof answer !== "object") return;
  expect(answer.clientSeq, name).toBe(7);
  if (answer.reason !== Reason.success || channelType !== PERSON) return;
  const backEnd = new BackEnd(shared.current.http);
  const peerId = Buffer.from(sent.channelId).toString();
  const [stored] = await backEnd.history(uid, peerId, PERSON);
  expect(stored?.client_msg_no, name).toBe(Buffer.from(sent.clientMsgNo).toString());
  expect(Buffer.from(stored?.payload ?? "", "base64"), name).toEqual(Buffer.from(sent.payload));
  // Neither a command nor the chat with the system account is in a chat list.
  if (peerId.endsWith("____cmd") || peerId === "____system") return;
  expect(await backEnd.chatOf(uid, peerId), name).toMatchObject({ last_msg_seq: 1, unread: 0 });
  expect(await backEnd.chatOf(peerId, uid), name).toMatchObject({ last_msg_seq: 1, unread: 1 });
}
