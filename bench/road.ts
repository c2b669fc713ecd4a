/**
 * A small closed loop over real sockets: pairs of users, a number of SENDs in flight each, encrypted, 100-byte payload.
 * Prints rate, latency from SEND to SENDACK, and the server's CPU per message. Starts a server of its own, or measures
 * one that runs: `node --conditions=source bench/road.ts [--tcp HOST:PORT --pid PID]`.
 */
import { spawn } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, diffieHellman, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect as dial, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createSessionCipher, encodeFrame, FrameDecoder, type SessionCipher, sessionKey } from "@wukong-ts/protocol";

const TEXT = new TextEncoder();
const PAYLOAD = TEXT.encode(JSON.stringify({ type: 1, content: "x".repeat(76) }));

/** Made once: key agreement is not what is measured. */
const D = randomBytes(32);
const KEY = createPrivateKey({ format: "jwk", key: { kty: "OKP", crv: "X25519", d: D.toString("base64url"), x: "" } });
const PUBLIC = createPublicKey(KEY).export({ format: "jwk" }).x ?? "";

class User {
  readonly uid: string;
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder({ frameBytesMax: 1 << 20, version: 5 });
  #cipher: SessionCipher | undefined;
  #out: Uint8Array[] = [];
  #clientSeq = 0;
  #sentAt = new Map<number, number>();
  received = 0;
  acked: (latencyMs: number, reason: number) => void = () => undefined;
  #connected: (() => void) | undefined;

  constructor(uid: string, host: string, port: number) {
    this.uid = uid;
    this.#socket = dial(port, host);
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (chunk) => this.#bytes(chunk));
    this.#socket.on("error", (error) => {
      throw error;
    });
  }

  connect(): Promise<void> {
    const clientKey = Buffer.from(PUBLIC, "base64url").toString("base64");
    const frame = {
      type: 1,
      version: 5,
      deviceFlag: 0,
      deviceId: this.uid,
      uid: this.uid,
      token: "",
      clientTimestamp: BigInt(Date.now()),
      clientKey,
    } as const;
    this.#socket.write(encodeFrame(frame, 5));
    return new Promise((resolve) => {
      this.#connected = resolve;
    });
  }

  send(to: string): void {
    const clientSeq = ++this.#clientSeq;
    const clientMsgNo = `${this.uid}-${clientSeq}-${RUN}`;
    const payload = this.#cipher!.encrypt(PAYLOAD);
    const sign = Buffer.concat([TEXT.encode(`${clientSeq}${clientMsgNo}${to}1`), payload]);
    const msgKey = this.#cipher!.msgKey(sign);
    this.#sentAt.set(clientSeq, performance.now());
    const frame = {
      type: 3,
      flags: 2,
      setting: 0,
      clientSeq,
      clientMsgNo,
      channelId: to,
      channelType: 1,
      expire: 0,
      msgKey,
      topic: "",
      payload,
    } as const;
    this.#write(encodeFrame(frame, 5));
  }

  close(): void {
    this.#socket.removeAllListeners("error").destroy();
  }

  #bytes(chunk: Uint8Array): void {
    this.#decoder.push(chunk);
    for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
      if (frame.type === 4) {
        const at = this.#sentAt.get(frame.clientSeq) ?? 0;
        this.#sentAt.delete(frame.clientSeq);
        this.acked(performance.now() - at, frame.reason);
      } else if (frame.type === 5) {
        this.received++;
        this.#write(
          encodeFrame({ type: 6, flags: frame.flags, messageId: frame.messageId, messageSeq: frame.messageSeq }, 5),
        );
      } else if (frame.type === 2) {
        if (frame.reason !== 1) throw new Error(`connect refused: ${frame.reason}`);
        const publicKey = createPublicKey({
          format: "jwk",
          key: { kty: "OKP", crv: "X25519", x: Buffer.from(frame.serverKey, "base64").toString("base64url") },
        });
        this.#cipher = createSessionCipher(
          sessionKey(diffieHellman({ privateKey: KEY, publicKey })),
          TEXT.encode(frame.salt),
        );
        this.#connected?.();
      }
    }
  }

  #write(bytes: Uint8Array): void {
    if (this.#out.push(bytes) > 1) return;
    setImmediate(() => {
      const out = Buffer.concat(this.#out);
      this.#out = [];
      this.#socket.write(out);
    });
  }
}

let RUN = "";

async function measure(
  title: string,
  host: string,
  port: number,
  pid: number,
  work: { pairs: number; window: number; sends: number; isFirst: boolean },
): Promise<void> {
  RUN = createHash("md5")
    .update(title + Date.now())
    .digest("hex")
    .slice(0, 8);
  const users: User[] = [];
  for (let pair = 0; pair < work.pairs; pair++)
    for (const side of work.isFirst ? ["a"] : ["a", "b"]) users.push(new User(`${RUN}${side}${pair}`, host, port));
  await Promise.all(users.map((user) => user.connect()));
  const senders = users.filter((user) => user.uid.startsWith(`${RUN}a`));
  const latencies: number[] = [];
  let sent = 0;
  let done = 0;
  const cpuBefore = cpuSeconds(pid);
  const startedAt = performance.now();
  await new Promise<void>((resolve) => {
    for (const user of senders) {
      const peer = user.uid.replace(`${RUN}a`, `${RUN}b`);
      const next = (): void => {
        if (sent >= work.sends) return;
        sent++;
        user.send(work.isFirst ? `${peer}-${sent}` : peer);
      };
      user.acked = (latencyMs, reason) => {
        if (reason !== 1) throw new Error(`refused: ${reason}`);
        latencies.push(latencyMs);
        if (++done === work.sends) resolve();
        else next();
      };
      for (let i = 0; i < work.window; i++) next();
    }
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMicros = ((cpuSeconds(pid) - cpuBefore) * 1e6) / work.sends;
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => latencies[Math.floor(latencies.length * share)]!.toFixed(2);
  const received = users.reduce((sum, user) => sum + user.received, 0);
  console.log(
    `${title.padEnd(34)} ${Math.round(work.sends / seconds)}/s  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  server CPU ${cpuMicros.toFixed(1)} µs a message  received ${received}`,
  );
  for (const user of users) user.close();
}

/** User and system time of all threads; the clock ticks 100 times a second. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function startServer(): Promise<{ host: string; port: number; pid: number; stop: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "wukong-road-"));
  const port = await freePort();
  const config = join(folder, "wk.yaml");
  writeFileSync(
    config,
    `rootDir: ${folder}\naddr: tcp://127.0.0.1:${port}\nwsAddr: "off"\nhttpAddr: "off"\nlogger:\n  level: 3\n`,
  );
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "../packages/server/bin/wukongim.js"), "--config", config],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return {
    host: "127.0.0.1",
    port,
    pid: child.pid!,
    stop: () => {
      child.once("exit", () => rmSync(folder, { recursive: true, force: true }));
      child.kill();
    },
  };
}

const { values } = parseArgs({
  options: { tcp: { type: "string" }, pid: { type: "string" }, sends: { type: "string", default: "60000" } },
});
const [host = "127.0.0.1", port = "5100"] = (values.tcp ?? "").split(":");
const target =
  values.tcp === undefined
    ? await startServer()
    : { host, port: Number(port), pid: Number(values.pid ?? 1), stop: () => undefined };
const sends = Number(values.sends);
await measure("(warm-up)", target.host, target.port, target.pid, {
  pairs: 50,
  window: 8,
  sends: 20_000,
  isFirst: false,
});
await measure("1 sender, 1 in flight", target.host, target.port, target.pid, {
  pairs: 1,
  window: 1,
  sends: 3_000,
  isFirst: false,
});
await measure("50 pairs, 1 in flight", target.host, target.port, target.pid, {
  pairs: 50,
  window: 1,
  sends,
  isFirst: false,
});
await measure("50 pairs, 8 in flight", target.host, target.port, target.pid, {
  pairs: 50,
  window: 8,
  sends: sends * 2,
  isFirst: false,
});
await measure("50 pairs, 64 in flight", target.host, target.port, target.pid, {
  pairs: 50,
  window: 64,
  sends: sends * 3,
  isFirst: false,
});
await measure("50 senders × 8, first messages", target.host, target.port, target.pid, {
  pairs: 50,
  window: 8,
  sends,
  isFirst: true,
});
target.stop();
