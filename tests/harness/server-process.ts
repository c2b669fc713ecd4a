/**
 * One real server process with a data directory of its own: started from a YAML file, ready after a real operation,
 * stopped, killed and started again on the same data. It never outlives the test process, and neither does its data.
 *
 * WK_TEST_COMMAND replaces the program (words split at blanks; `{config}` is the path of the YAML file).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BackEnd } from "./back-end.ts";
import { HttpClient } from "./http-client.ts";
import { limitSettings, workerSettings } from "./limits.ts";
import { claimPorts, isAlive, releasePort } from "./ports.ts";
import { delay, eventually, uniqueId } from "./waiting.ts";
import { WireClient, type WireOptions } from "./wire-client.ts";

export type Setting = string | number | boolean;
/** Dotted keys, as in `conversation.on`. */
export type Settings = Readonly<Record<string, Setting>>;

export interface ServerOptions {
  readonly settings?: Settings;
  readonly environment?: Readonly<Record<string, string>>;
  /** Puts another program in front, such as strace. */
  readonly wrap?: (words: readonly string[]) => readonly string[];
  /** Where the data lies; a fresh temporary directory without it. */
  readonly dataDirectory?: string;
}
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const PREFIX = "wukong-test-";
const OUTPUT_CHARS_MAX = 200_000;
const PROGRAM = fileURLToPath(new URL("../../packages/server/bin/wukongim.js", import.meta.url));
const running = new Set<ServerProcess>();
const guard = { isInstalled: false };

export class ServerProcess implements AsyncDisposable {
  readonly directory: string;
  readonly configPath: string;
  readonly tcpPort: number;
  readonly wsPort: number;
  readonly http: HttpClient;
  /** The manager port, without a token. */
  readonly manager: HttpClient;
  readonly backEnd: BackEnd;
  #options: ServerOptions;
  #child: ChildProcess | undefined;
  #exit: Promise<Exit> | undefined;
  #exited: Exit | undefined;
  #output = "";
  readonly #ports: readonly number[];

  private constructor(options: ServerOptions, ports: readonly number[]) {
    this.#options = options;
    this.#ports = ports;
    this.directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    this.configPath = join(this.directory, "wk.yaml");
    this.tcpPort = ports[0]!;
    this.wsPort = ports[1]!;
    const token = options.settings?.["managerToken"];
    this.http = new HttpClient(ports[2]!, typeof token === "string" ? { token } : {});
    this.manager = new HttpClient(ports[3]!);
    this.backEnd = new BackEnd(this.http);
  }

  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const server = await ServerProcess.launch(options);
    try {
      await server.ready();
      return server;
    } catch (error) {
      await server.dispose();
      throw error;
    }
  }

  /** Starts the process and does not wait until it is ready: for starts that must fail. */
  static async launch(options: ServerOptions = {}): Promise<ServerProcess> {
    installGuard();
    const server = new ServerProcess(options, await claimPorts(4));
    server.#spawn();
    return server;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }
  get httpPort(): number {
    return this.#ports[2]!;
  }
  get dataDirectory(): string {
    return this.#options.dataDirectory ?? join(this.directory, "data");
  }
  /** What the process has printed since its first start. */
  get output(): string {
    return this.#output;
  }
  /** undefined while the process runs. */
  get exited(): Exit | undefined {
    return this.#exited;
  }

  /** A logged-in client; over TCP unless told otherwise. */
  connect(uid: string, options: Partial<Omit<WireOptions, "uid" | "port">> = {}): Promise<WireClient> {
    return WireClient.connect({ ...this.address(options.transport), ...options, uid });
  }
  /** The port of a transport, as WireClient takes it. */
  address(transport: WireOptions["transport"] = "tcp"): { readonly port: number } {
    return { port: transport === "tcp" ? this.tcpPort : this.wsPort };
  }

  /** Waits until a message can be stored and read. */
  async ready(withinMs = 30_000): Promise<void> {
    const end = Date.now() + withinMs;
    while (Date.now() < end) {
      if (this.#exited !== undefined) {
        throw new Error(`the server ended while starting (${JSON.stringify(this.#exited)})\n${this.outputTail()}`);
      }
      if (await this.#storesAndReads()) return;
      await delay(15);
    }
    throw new Error(`the server was not ready within ${withinMs} ms\n${this.outputTail()}`);
  }

  /** SIGTERM, and SIGKILL if that does not end it. */
  async stop(withinMs = 10_000): Promise<Exit> {
    return this.#end("SIGTERM", withinMs);
  }

  /** SIGKILL. */
  async kill(): Promise<Exit> {
    return this.#end("SIGKILL", 10_000);
  }

  /** Sends a signal and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends as told, then starts on the same data and ports, with other settings if given. */
  async restart(how: "SIGTERM" | "SIGKILL", settings?: Settings): Promise<void> {
    await this.#end(how, 10_000);
    await this.startAgain(settings);
  }

  /** Starts an ended process on the same data and ports. */
  async startAgain(settings?: Settings): Promise<void> {
    if (settings !== undefined) this.#options = { ...this.#options, settings };
    this.#spawn();
    await this.ready();
  }

  waitForExit(withinMs = 10_000): Promise<Exit> {
    return eventually(() => this.#exited, `the server process ends\n${this.outputTail()}`, withinMs);
  }

  /** The resident memory of the process, where the system tells it. */
  residentBytes(): number | undefined {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
      const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
      return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
    } catch {
      return undefined;
    }
  }

  outputTail(chars = 4_000): string {
    return `--- output of the server ---\n${this.#output.slice(-chars)}`;
  }

  async dispose(): Promise<void> {
    await this.#end("SIGTERM", 10_000);
    this.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** At the end of the test process, when nothing can be awaited. */
  destroy(): void {
    if (this.#exited === undefined) this.#child?.kill("SIGKILL");
    running.delete(this);
    this.http.dropConnections();
    this.manager.dropConnections();
    for (const port of this.#ports) releasePort(port);
    if (process.env["WK_TEST_KEEP"] === undefined)
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #end(signal: "SIGTERM" | "SIGKILL", withinMs: number): Promise<Exit> {
    const child = this.#child;
    const exit = this.#exit;
    this.http.dropConnections();
    this.manager.dropConnections();
    if (child === undefined || exit === undefined) return { code: null, signal: null };
    if (this.#exited !== undefined) return this.#exited;
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), withinMs);
    try {
      return await exit;
    } finally {
      clearTimeout(late);
    }
  }

  #spawn(): void {
    writeFileSync(this.configPath, toYaml(this.#settings()));
    const words = this.#options.wrap?.(this.#words()) ?? this.#words();
    const child = spawn(words[0]!, words.slice(1), {
      cwd: this.directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...environmentForServer(), ...this.#options.environment },
    });
    running.add(this);
    this.#child = child;
    this.#exited = undefined;
    writeFileSync(join(this.directory, "server.pid"), String(child.pid ?? ""));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARS_MAX);
      });
    }
    this.#exit = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        if (this.#child === child) this.#exited = exit;
        resolve(exit);
      };
      child.once("error", (error) => {
        this.#output += `\n${error.message}\n`;
        ended({ code: -1, signal: null });
      });
      child.once("close", (code, signal) => ended({ code, signal }));
    });
  }

  #words(): string[] {
    const command = process.env["WK_TEST_COMMAND"];
    if (command === undefined || command === "") return [process.execPath, PROGRAM, "--config", this.configPath];
    const words = command.split(/\s+/).filter((word) => word !== "");
    const placed = words.map((word) => word.replaceAll("{config}", this.configPath));
    return command.includes("{config}") ? placed : [...placed, "--config", this.configPath];
  }

  #settings(): Settings {
    return {
      mode: "release",
      rootDir: this.dataDirectory,
      addr: `tcp://127.0.0.1:${this.tcpPort}`,
      wsAddr: `ws://127.0.0.1:${this.wsPort}`,
      httpAddr: `127.0.0.1:${this.httpPort}`,
      "manager.addr": `127.0.0.1:${this.#ports[3]!}`,
      "external.ip": "127.0.0.1",
      "external.tcpAddr": `127.0.0.1:${this.tcpPort}`,
      "external.wsAddr": `ws://127.0.0.1:${this.wsPort}`,
      "intranet.tcpAddr": `127.0.0.1:${this.tcpPort}`,
      ...limitSettings(),
      ...workerSettings(),
      ...this.#options.settings,
    };
  }

  async #storesAndReads(): Promise<boolean> {
    const id = uniqueId("ready");
    try {
      const created = await this.http.post("/channel", { channel_id: id, channel_type: 2, subscribers: [id] }, 2_000);
      if (created.status !== 200) return false;
      const message = { from_uid: id, channel_id: id, channel_type: 2, payload: "eA==" };
      if ((await this.http.post("/message/send", message, 2_000)).status !== 200) return false;
      const head = await this.http.get(`/channel/max_message_seq?channel_id=${id}&channel_type=2`, 2_000);
      return head.status === 200 && /"message_seq":\s*1\b/.test(head.text);
    } catch {
      return false;
    }
  }
}

/** Runs the program once with these words, beside servers that run already. */
export async function runProgram(
  words: readonly string[],
): Promise<{ readonly code: number | null; readonly out: string; readonly error: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environmentForServer(),
  });
  const texts = ["", ""] as [string, string];
  for (const [index, stream] of [child.stdout, child.stderr].entries()) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      texts[index] += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, out: texts[0], error: texts[1] };
}

/** Block YAML of dotted keys; scalars are written as JSON, which YAML reads the same. */
export function toYaml(settings: Settings): string {
  interface Tree {
    [key: string]: Tree | Setting;
  }
  const root: Tree = {};
  for (const [key, value] of Object.entries(settings)) {
    const parts = key.split(".");
    let tree = root;
    for (const part of parts.slice(0, -1)) {
      const inner = tree[part] ?? {};
      if (typeof inner !== "object") throw new Error(`${key} lies below a value`);
      tree[part] = inner;
      tree = inner;
    }
    tree[parts.at(-1)!] = value;
  }
  const lines = (tree: Tree, indent: string): string =>
    Object.entries(tree)
      .map(([key, value]) =>
        typeof value === "object"
          ? `${indent}${key}:\n${lines(value, `${indent}  `)}`
          : `${indent}${key}: ${JSON.stringify(value)}\n`,
      )
      .join("");
  return lines(root, "");
}

/** Without the WK_ names: those of the tests are unknown to the server, and a developer's own settings must not change it. */
export function environmentForServer(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("WK_")));
}

function installGuard(): void {
  if (guard.isInstalled) return;
  guard.isInstalled = true;
  sweepLeftovers();
  const destroyAll = (): void => {
    for (const server of Array.from(running)) server.destroy();
  };
  process.once("exit", destroyAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      destroyAll();
      process.kill(process.pid, signal);
    });
  }
}

/** A test process that was killed could not clean up; the next one does it. */
function sweepLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const directory = join(tmpdir(), name);
    try {
      const pid = Number(readFileSync(join(directory, "server.pid"), "utf8"));
      if (pid > 1 && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(directory)) process.kill(pid, "SIGKILL");
    } catch {
      // It has ended, or the system does not tell.
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A directory that the test lays out itself; it goes when the block ends. */
export function temporaryDirectory(): { readonly path: string; [Symbol.dispose](): void } {
  installGuard();
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}
