/**
 * What a sealed frame and an opened SEND cost, in µs of this process's CPU: the plain JavaScript of the protocol package,
 * node:crypto with KeyObjects, and the module. Rounds are interleaved, figures are medians; compare within one run only.
 *
 *   npm run bench:seal
 */
import { createCipheriv, hash, randomBytes } from "node:crypto";
import { createSessionCipher, openSend, type Recv, type Send, sealRecv } from "@wukong-ts/protocol";
import { createSealer } from "../src/create-sealer.ts";
import { RecvCut, type Sealer } from "../src/index.ts";
import { NodeSealer } from "../src/node-sealer.ts";

const ROUNDS = 9;
const SESSIONS = 2_000;
const ROUND_US = 25_000;

const keys = Array.from({ length: SESSIONS }, () => ({ key: randomBytes(16), iv: randomBytes(16) }));
const ciphers = keys.map(({ key, iv }) => createSessionCipher(key, iv));
const wasm = createSealer();
const node = new NodeSealer();
const slots = new Map<Sealer, number[]>(
  [wasm, node].map((sealer) => [sealer, keys.map(({ key, iv }) => sealer.addSession(key, iv))]),
);

function recvOf(payloadBytes: number): Recv {
  return {
    type: 5,
    flags: 1,
    setting: 0,
    msgKey: "",
    fromUid: "user-1042",
    channelId: "user-1042",
    channelType: 1,
    expire: 0,
    clientMsgNo: "0d9c3a2f-3f0e-4a55-9a3c-6d0f2ad1b7c8",
    messageId: { high: 0x1a2b3c4d, low: 0x5e6f7081 },
    messageSeq: 123_456,
    timestamp: 1_760_000_000,
    topic: "",
    payload: Uint8Array.from({ length: payloadBytes }, (_, index) => 32 + (index % 90)),
  };
}

interface Candidate {
  readonly name: string;
  /** Does its work once. */
  readonly run: () => void;
  /** How many frames that is. */
  readonly frames: number;
}

let next = 0;
const nextSession = (): number => {
  next = next === SESSIONS - 1 ? 0 : next + 1;
  return next;
};

/** One message for `count` sessions. */
function fanOut(name: string, sealer: Sealer, recv: Recv, count: number): Candidate {
  const cut = new RecvCut(recv, { version: 5 });
  const items = new Array<RecvCut>(count).fill(cut);
  const used = new Array<number>(count).fill(0);
  return {
    name,
    frames: count,
    run: () => {
      for (let index = 0; index < count; index++) used[index] = slots.get(sealer)![nextSession()]!;
      sealer.seal(items, used, Buffer.allocUnsafe(count * cut.frameBytes));
    },
  };
}

/** `count` messages for as many sessions, each cut for its one receiver. */
function pairs(name: string, sealer: Sealer, recvs: readonly Recv[]): Candidate {
  const used = new Array<number>(recvs.length).fill(0);
  return {
    name,
    frames: recvs.length,
    run: () => {
      let length = 0;
      const items = recvs.map((recv, index) => {
        used[index] = slots.get(sealer)![nextSession()]!;
        const cut = new RecvCut(recv, { version: 5 });
        length += cut.frameBytes;
        return cut;
      });
      sealer.seal(items, used, Buffer.allocUnsafe(length));
    },
  };
}

function plainJs(recvs: readonly Recv[]): Candidate {
  const run = (): void => {
    for (const recv of recvs) sealRecv(recv, ciphers[nextSession()], 5);
  };
  return { name: "protocol", frames: recvs.length, run };
}

/** Medians in µs per frame. */
function measure(candidates: readonly Candidate[]): Map<string, number> {
  const times = new Map(candidates.map(({ name }) => [name, [] as number[]]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const { name, run, frames } of candidates) {
      let done = 0;
      const before = process.cpuUsage();
      let used = 0;
      while (used < ROUND_US) {
        for (let turn = 0; turn < 1_000; turn += frames) {
          run();
          done += frames;
        }
        const { user, system } = process.cpuUsage(before);
        used = user + system;
      }
      // The first round is for the compiler.
      if (round >= 0) times.get(name)!.push(used / done);
    }
  }
  return new Map([...times].map(([name, all]) => [name, all.sort((a, b) => a - b)[ROUNDS >>> 1]!]));
}

function print(title: string, candidates: readonly Candidate[]): void {
  const medians = measure(candidates);
  const cells = [...medians].map(([name, us]) => `${name} ${us.toFixed(2).padStart(6)}`);
  console.log(`${title.padEnd(34)} ${cells.join("   ")}`);
}

console.log(`µs CPU per frame, sealer: ${wasm.kind}`);
for (const payloadBytes of [100, 1_024]) {
  const recv = recvOf(payloadBytes);
  for (const count of [1, 2, 3, 4, 64]) {
    print(`seal ${payloadBytes} B, 1 message, ${count} sessions`, [
      plainJs(new Array<Recv>(count).fill(recv)),
      fanOut("node", node, recv, count),
      fanOut("module", wasm, recv, count),
    ]);
  }
  for (const spread of [0, 0.5]) {
    for (const count of [4, 64]) {
      const recvs = Array.from({ length: count }, () =>
        recvOf(Math.round(payloadBytes * (1 + spread * (2 * Math.random() - 1)))),
      );
      print(`seal ${payloadBytes} B ±${100 * spread} %, ${count} messages`, [
        plainJs(recvs),
        pairs("node", node, recvs),
        pairs("module", wasm, recvs),
      ]);
    }
  }
}

function sendOf(payloadBytes: number, { key, iv }: { key: Uint8Array; iv: Uint8Array }): Send {
  const encrypt = (plain: Uint8Array): string => {
    const cipher = createCipheriv("aes-128-cbc", key, iv);
    return Buffer.concat([cipher.update(plain), cipher.final()]).toString("base64");
  };
  const payload = encrypt(recvOf(payloadBytes).payload);
  const head = {
    clientSeq: 1,
    clientMsgNo: "0d9c3a2f-3f0e-4a55-9a3c-6d0f2ad1b7c8",
    channelId: "user-77",
    channelType: 1,
  };
  const sign = `${head.clientSeq}${head.clientMsgNo}${head.channelId}${head.channelType}${payload}`;
  const msgKey = hash("md5", encrypt(Buffer.from(sign)), "hex");
  return { type: 3, flags: 0, setting: 0, expire: 0, topic: "", ...head, msgKey, payload: Buffer.from(payload) };
}

const allocate = (byteLength: number): Uint8Array => Buffer.allocUnsafe(byteLength);
for (const payloadBytes of [100, 1_024]) {
  for (const count of [1, 2, 4, 64]) {
    const sends = keys.slice(0, count).map((session) => sendOf(payloadBytes, session));
    const openAll = (name: string, sealer: Sealer): Candidate => {
      const used = slots.get(sealer)!.slice(0, count);
      return { name, frames: count, run: () => void sealer.openAll(sends, used, allocate) };
    };
    const protocol = (): void => {
      for (const [index, send] of sends.entries()) openSend(send, ciphers[index]!, allocate);
    };
    print(`open ${payloadBytes} B, ${count} sends`, [
      { name: "protocol", frames: count, run: protocol },
      openAll("node", node),
      openAll("module", wasm),
    ]);
  }
}
