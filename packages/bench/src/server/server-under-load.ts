/** The server that is measured: one that somebody else runs, or one that the bench starts for a scenario. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { delay } from "../in-parallel.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { HostPort, Target } from "./target.ts";

export interface ServerUnderLoad {
  readonly target: Target;
  /** undefined: no figures of the process. */
  readonly pid: number | undefined;
  /** undefined: no figures of the disk. */
  readonly dataDirectory: string | undefined;
  /** Ends the process and starts it on the same data; undefined: it is not ours. Resolves with the moment of the start, in milliseconds of performance.now, as soon as the process exists. */
  readonly restart: ((signal: "SIGTERM" | "SIGKILL") => Promise<number>) | undefined;
  stop(): Promise<void>;
}

const PROGRAM = join(import.meta.dirname, "../../../server/bin/wukongim.js");
const CERTIFICATES = join(import.meta.dirname, "../../../../tests/certificates");
const READY_MS_MAX = 30_000;
const OUTPUT_CHARS_MAX = 20_000;
const HOST = "127.0.0.1";

export function foreignServer(
  target: Target,
  pid: number | undefined,
  dataDirectory: string | undefined,
): ServerUnderLoad {
  return { target, pid, dataDirectory, restart: undefined, stop: () => Promise.resolve() };
}

/** wukong-ts of this checkout with free ports and a folder that goes when it stops. */
export async function launchServer(settings: Scenario["server"]): Promise<ServerUnderLoad> {
  const server = new LaunchedServer(settings);
  await server.start();
  return server;
}

class LaunchedServer implements ServerUnderLoad {
  readonly #settings: Scenario["server"];
  readonly #folder = mkdtempSync(join(tmpdir(), "wukong-bench-"));
  #child: ChildProcess | undefined;
  #output = "";
  target: Target = {};
  readonly #onExit = (): void => {
    this.#child?.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  };

  constructor(settings: Scenario["server"]) {
    this.#settings = settings;
    process.once("exit", this.#onExit);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get dataDirectory(): string {
    return join(this.#folder, "data");
  }

  async start(): Promise<void> {
    const [tcp, tls, ws, wss, http] = await freePorts(5);
    const at = (port: number | undefined): HostPort => ({ host: HOST, port: port! });
    this.target = { tcp: at(tcp), tls: at(tls), ws: at(ws), wss: at(wss), http: at(http) };
    const lines = {
      rootDir: this.#folder,
      addr: `tcp://${HOST}:${tcp}`,
      tlsAddr: `tls://${HOST}:${tls}`,
      wsAddr: `ws://${HOST}:${ws}`,
      wssAddr: `wss://${HOST}:${wss}`,
      "wssConfig.certFile": join(CERTIFICATES, "first.cert.pem"),
      "wssConfig.keyFile": join(CERTIFICATES, "first.key.pem"),
      httpAddr: `${HOST}:${http}`,
      "manager.on": false,
      "logger.level": 3,
      ...this.#settings,
    };
    const file = Object.entries(lines).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
    writeFileSync(join(this.#folder, "wk.yaml"), file.join(""));
    this.#spawn();
    await this.#ready();
  }

  readonly restart = async (signal: "SIGTERM" | "SIGKILL"): Promise<number> => {
    await this.#end(signal);
    const startedMs = performance.now();
    this.#spawn();
    return startedMs;
  };

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    process.off("exit", this.#onExit);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #spawn(): void {
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("WK_")));
    const child = spawn(process.execPath, [PROGRAM, "--config", join(this.#folder, "wk.yaml")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: environment,
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARS_MAX);
      });
    }
    this.#child = child;
  }

  async #ready(): Promise<void> {
    const endMs = performance.now() + READY_MS_MAX;
    while (performance.now() < endMs && this.#child?.exitCode === null) {
      if ((await accepts(this.target.tcp!)) && (await accepts(this.target.http!))) return;
      await delay(20);
    }
    throw new Error(`the server did not start:\n${this.#output}`);
  }

  #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  }
}

function accepts(at: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(at.port, at.host);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Below the range of outgoing connections, so that a server finds its port again after a restart. */
async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}
