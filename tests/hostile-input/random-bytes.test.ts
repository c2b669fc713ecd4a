/**
 * 10,000 connections that send bytes at random, recorded frames with faults, PROXY headers and WebSocket nonsense. None
 * ends the process or grows it, nobody else notices, and the server starts again on its data. WK_SEED repeats a run,
 * WK_STREAMS sets the number.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { encodeFrame, PacketType } from "@wukong-ts/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Bystanders } from "../harness/bystanders.ts";
import { Seeded } from "../harness/seeded.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually } from "../harness/waiting.ts";
import { mutated } from "./mutated.ts";
import { frame } from "./raw-frames.ts";
import { RawPeer } from "./raw-peer.ts";

const STREAMS = Number(process.env["WK_STREAMS"] ?? 10_000);
const AT_ONCE = 64;
/** A heap that ends the process if each stream leaves something behind, and what may come on top of it. */
const HEAP_MEGABYTES = 80;
const RESIDENT_BYTES_MAX = 300 * 1024 * 1024;

const shared = sharedServer({
  settings: { "limits.unauthenticatedTime": "2s" },
  environment: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MEGABYTES}` },
});
const watching: { bystanders?: Bystanders } = {};
const random = new Seeded();

interface Vectors {
  readonly binary: readonly { readonly hex: string }[];
  readonly decodeEdgeCases: readonly { readonly hex: string }[];
  readonly proxyProtocol: readonly { readonly hex: string }[];
  readonly jsonrpc: readonly { readonly json: string }[];
}
const vectors = JSON.parse(readFileSync(new URL("../vectors/wkproto.json", import.meta.url), "utf8")) as Vectors;
const recordings: readonly Buffer[] = [
  ...[...vectors.binary, ...vectors.decodeEdgeCases].map(({ hex }) => Buffer.from(hex, "hex")),
  ...vectors.jsonrpc.map(({ json }) => Buffer.from(json)),
];

beforeAll(async () => {
  console.log(`seed ${random.seed}: WK_SEED=${random.seed} npm test -- random-bytes`);
  watching.bystanders = await Bystanders.start(shared.current);
});
afterAll(async () => {
  expect(await watching.bystanders?.finish()).toEqual([]);
  await shared.current.restart("SIGTERM");
});

function hostileConnect(): Uint8Array {
  return encodeFrame(
    {
      type: PacketType.connect,
      version: random.below(7),
      deviceFlag: random.below(256),
      deviceId: `device${random.below(10)}`,
      uid: `random${random.below(10)}`,
      token: "",
      clientTimestamp: 0n,
      clientKey: random.chance(0.5) ? random.bytes(32).toString("base64") : "",
    },
    5,
  );
}
function recorded(): Buffer {
  return random.pick(recordings);
}
/** A whole conversation of one connection. */
function hostileStream(): Buffer {
  switch (random.below(6)) {
    case 0:
      return random.bytes(1 + random.below(400));
    case 1:
      return frame(random.below(256), random.bytes(random.below(200)));
    case 2:
      return mutated(random, recorded());
    case 3:
      return Buffer.concat([hostileConnect(), random.bytes(random.below(300))]);
    case 4:
      return Buffer.concat([
        hostileConnect(),
        ...Array.from({ length: 1 + random.below(5) }, () => mutated(random, recorded())),
      ]);
    default:
      return Buffer.concat([hostileConnect(), ...Array.from({ length: 1 + random.below(5) }, recorded)]);
  }
}

test(`R-60: ${STREAMS} random streams and mutated frames leave the server answering and its memory bounded`, async () => {
  const server = shared.current;
  let left = STREAMS;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const transport = random.chance(0.8) ? "tcp" : "websocket";
      using peer = await RawPeer.open(transport === "tcp" ? server.tcpPort : server.wsPort, transport);
      const stream = hostileStream();
      // In pieces, as networks do; what is left over stays unfinished.
      const cut = random.below(stream.length + 1);
      peer.write(stream.subarray(0, cut));
      peer.write(stream.subarray(cut));
      if (random.chance(0.5)) await peer.answer(PacketType.connack, 1 + random.below(20));
      if (random.chance(0.3)) peer.end();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(server.exited).toBeUndefined();
  expect((await server.http.get("/healthz")).status).toBe(200);
  const residentBytes = server.residentBytes();
  console.log(`${STREAMS} streams; the process holds ${residentBytes ?? "?"} bytes`);
  expect(residentBytes ?? 0).toBeLessThan(RESIDENT_BYTES_MAX);
});

test("R-60: PROXY headers, recorded and mutated, never end the process", async () => {
  const server = shared.current;
  const headers = vectors.proxyProtocol.map(({ hex }) => Buffer.from(hex, "hex"));
  for (let round = 0; round < 40; round++)
    await Promise.all(
      headers.map(async (header) => {
        using peer = await RawPeer.open(server.tcpPort);
        peer.write(Buffer.concat([round === 0 ? header : mutated(random, header), hostileConnect()]));
        await peer.answer(PacketType.connack, 20);
      }),
    );
  expect((await server.http.get("/healthz")).status).toBe(200);
});

test("hostile input: a WebSocket that breaks WebSocket's rules is cut", async () => {
  const server = shared.current;
  const handshake =
    "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
  const openings: readonly (string | Buffer)[] = [
    "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 1\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: short\r\nsec-websocket-version: 13\r\n\r\n",
    random.bytes(2_000),
    `${handshake}\x82\x05hello`, // not masked
    `${handshake}\x8f\x80\0\0\0\0`, // an opcode that is none
    `${handshake}\xc2\x80\0\0\0\0`, // compressed, as never agreed
    `${handshake}\x80\x80\0\0\0\0`, // continues what did not begin
    `${handshake}\x89\xfe\x01\x00\0\0\0\0`, // a ping longer than a control frame
    `${handshake}\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0`, // announces 2^63 bytes
    `${handshake}\x81\x85\0\0\0\0\xff\xfe\xfd\xfc\xfb`, // text that is no UTF-8
  ];
  for (const opening of openings) {
    const isOver = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port: server.wsPort }, () =>
        socket.write(typeof opening === "string" ? Buffer.from(opening, "latin1") : opening),
      );
      const late = setTimeout(() => {
        resolve(false);
        socket.destroy();
      }, 20_000);
      socket.on("data", () => undefined);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        clearTimeout(late);
        resolve(true);
      });
    });
    expect(isOver, `cut: ${JSON.stringify(opening.toString("latin1").slice(-40))}`).toBe(true);
  }
});

test("hostile input: of all these connections none is left", async () => {
  const users = Array.from({ length: 10 }, (_, index) => `random${index}`);
  await eventually(
    async () => ((await shared.current.http.ask("/user/onlinestatus", users)) as readonly unknown[]).length === 0,
    "nobody of them is online",
    20_000,
  );
});
