/** The program as a process: its lines, its exit codes, its signals. Every listener takes a free port. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("../bin/wukongim.js", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "wukongim-main-"));
const IS_LINUX = process.platform === "linux";

const running = new Set<ChildProcess>();

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(FOLDER, { recursive: true, force: true, maxRetries: 5 });
});

class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals>;
  out = "";
  err = "";

  constructor(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(WK_|UV_|NODE_OPTIONS)/.test(name));
    this.child = spawn(process.execPath, [PROGRAM, ...words], {
      cwd: FOLDER,
      env: { ...Object.fromEntries(inherited), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this.child);
    this.child.stdout?.on("data", (chunk) => (this.out += String(chunk)));
    this.child.stderr?.on("data", (chunk) => (this.err += String(chunk)));
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        running.delete(this.child);
        resolve(signal ?? code ?? -1);
      });
    });
  }

  /** Resolves when one of the streams has the text; rejects when the process ends without it. */
  async says(text: string): Promise<void> {
    const spoken = (): boolean => this.out.includes(text) || this.err.includes(text);
    const end = { isOver: false };
    void this.ended.then(() => (end.isOver = true));
    while (!spoken()) {
      if (end.isOver) throw new Error(`ended without saying ${text}: ${this.out}${this.err}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function configFile(name: string, text: string): string {
  const path = join(FOLDER, `${name}.yaml`);
  writeFileSync(path, text);
  return path;
}

function quietConfig(name: string, more = ""): string {
  const text = `rootDir: ${join(FOLDER, name)}\naddr: 127.0.0.1:0\nwsAddr: 127.0.0.1:0\nhttpAddr: 127.0.0.1:0\nmanager.addr: 127.0.0.1:0\n${more}`;
  return configFile(name, text);
}

describe("the command line", () => {
  test("--version is the package's", async () => {
    const program = new Program(["--version"]);
    expect(await program.ended).toBe(0);
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(program.out).toBe(`${version}\n`);
  });

  test("config example prints the committed example", async () => {
    const program = new Program(["config", "example"]);
    expect(await program.ended).toBe(0);
    expect(program.out).toBe(readFileSync(new URL("../../../docs/wk.example.yaml", import.meta.url), "utf8"));
  });

  test("config check names every mistake, one line each, and ends with 1", async () => {
    const file = configFile("wrong", "mode: fast\ntokenAuthOm: true\n");
    const program = new Program(["config", "check", "--config", file], { WK_CONNIDLETIME: "1d" });
    expect(await program.ended).toBe(1);
    expect(program.out).toBe("");
    expect(program.err.trimEnd().split("\n")).toEqual([
      `wukongim: ${file}:1: mode: "fast" is not one of debug, release, bench`,
      `wukongim: ${file}:2: tokenAuthOm: unknown key; did you mean tokenAuthOn?`,
      'wukongim: environment: WK_CONNIDLETIME: "1d" is not a duration as 500ms, 60s, 5m or 1h30m, from 1s to 576h',
    ]);
  });

  test("config check says yes, with the warning", async () => {
    const program = new Program(["config", "check", "-c", configFile("right", "cluster: {seed: a}\n")]);
    expect(await program.ended).toBe(0);
    expect(program.out).toBe("warning: without effect here: cluster.seed\nthe configuration is valid\n");
  });

  test.each([
    [["--daemon"], "--daemon is not supported"],
    [["stop"], "send SIGTERM"],
    [["--config", "/nowhere/wk.yaml"], "/nowhere/wk.yaml: no such file"],
    [["--config", FOLDER], "cannot be read (EISDIR)"],
    [["--mode", "fast"], 'mode: "fast" is not one of debug, release, bench'],
    [["start", "now"], "error: "],
  ])("%j ends with 1 and one line", async (words, text) => {
    const program = new Program(words);
    expect(await program.ended).toBe(1);
    expect(program.out).toBe("");
    expect(program.err).toContain(text);
    expect(program.err.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("a running server", () => {
  test("says in at most twelve lines where it is, is one process, has 16 pool threads, and stops on SIGTERM", async () => {
    const program = new Program(["--config", quietConfig("road", "plugin: {install: [a]}\n")]);
    await program.says("insecure: managerToken");
    const lines = program.out.trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines[0]).toMatch(/^wukong-ts \S+ on Node \S+, node id 1001, ready in \d+ ms$/);
    expect(program.out).toMatch(/ {2}HTTP API {3}http:\/\/127\.0\.0\.1:[1-9]\d+\n/);
    expect(program.out).toContain(`${join(FOLDER, "road", "data")}\n`);
    expect(program.out).toContain("warning: without effect here: plugin.install\n");
    const http = /http:\/\/\S+/.exec(program.out)?.[0];
    expect((await fetch(`${http}/health`)).status).toBe(200);
    if (IS_LINUX) {
      const tasks = `/proc/${program.child.pid}/task`;
      expect(readFileSync(`${tasks}/${program.child.pid}/children`, "utf8")).toBe("");
      const names = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/comm`, "utf8").trim());
      expect(names.filter((name) => name === "libuv-worker")).toHaveLength(16);
    }
    program.child.kill("SIGTERM");
    expect(await program.ended).toBe(0);
  });

  test("a second one on its data directory, or on its port, ends with 1 and one line", async () => {
    const first = new Program(["--config", quietConfig("taken")]);
    await first.says("  data");
    const port = /tcp:\/\/127\.0\.0\.1:(\d+)/.exec(first.out)?.[1] ?? "";

    const sameData = new Program(["--config", quietConfig("taken")]);
    expect(await sameData.ended).toBe(1);
    expect(sameData.err.trimEnd().split("\n")).toHaveLength(1);
    expect(sameData.err).toContain(join(FOLDER, "taken", "data"));

    const samePort = new Program(["--config", quietConfig("other")], { WK_ADDR: `tcp://127.0.0.1:${port}` });
    expect(await samePort.ended).toBe(1);
    expect(samePort.err).toBe(
      `wukongim: cannot listen on 127.0.0.1:${port}: another program uses this port (EADDRINUSE)\n`,
    );
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
  });

  test("an HTTP port that another program has is one line too", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" ? address?.port : 0;
    const program = new Program(["--config", quietConfig("http-taken")], { WK_HTTPADDR: `127.0.0.1:${port}` });
    expect(await program.ended).toBe(1);
    other.close();
    expect(program.err).toBe(
      `wukongim: cannot listen on 127.0.0.1:${port}: another program uses this port (EADDRINUSE)\n`,
    );
  });

  test("with logger.dir the log goes there, and SIGHUP opens it again", async () => {
    const logs = join(FOLDER, "logs");
    const program = new Program(["--config", quietConfig("logged", `logger: {dir: ${logs}}\n`)]);
    await program.says("ready in");
    const file = join(logs, "wukongim.log");
    rmSync(file);
    program.child.kill("SIGHUP");
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
    program.child.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(readFileSync(file, "utf8")).toContain("stopping: SIGTERM");
    expect(program.err).toBe("");
  });
});

describe("whatever the server does", () => {
  /** Loads this module's text in place of the server. */
  function withServer(source: string): Record<string, string> {
    const url = `data:text/javascript,${encodeURIComponent(source)}`;
    const hooks = `import { registerHooks } from "node:module";
      registerHooks({ resolve: (name, context, next) => name === "./server.ts" ? { url: ${JSON.stringify(url)}, shortCircuit: true } : next(name, context) });`;
    return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hooks)}` };
  }

  const server = (start: string, stop: string): Record<string, string> =>
    withServer(
      `export const createServer = () => ({ addresses: {}, async start() { setInterval(() => {}, 1000); ${start} }, async stop(how = "") { ${stop} } });`,
    );

  test("a stop that hangs ends with 1 and a line", async () => {
    const program = new Program([], server("", "await new Promise(() => {});"));
    await program.says("ready in");
    program.child.kill("SIGTERM");
    expect(await program.ended).toBe(1);
    expect(program.err).toContain("not stopped within 4500 ms");
  });

  test("a second signal ends it at once", async () => {
    const program = new Program([], server("", "await new Promise(() => {});"));
    await program.says("ready in");
    program.child.kill("SIGTERM");
    await program.says("stopping: SIGTERM");
    program.child.kill("SIGINT");
    expect(await program.ended).toBe(1);
    expect(program.err).toContain("SIGINT again: ending at once");
  });

  test("an exception that nobody caught is logged with its stack, the server is stopped, and it ends with 1", async () => {
    const program = new Program(
      [],
      server('setTimeout(() => { throw new Error("oops"); }, 50);', 'console.log("stopped", how);'),
    );
    expect(await program.ended).toBe(1);
    // Nobody is left to wait for.
    expect(program.out).toContain("stopped at-once\n");
    expect(program.err).toContain("Error: oops");
  });

  test("a promise that failed unseen is logged and nothing ends", async () => {
    const program = new Program([], server('void Promise.reject(new Error("unseen"));', ""));
    await program.says("Error: unseen");
    await program.says("ready in");
    program.child.kill("SIGTERM");
    expect(await program.ended).toBe(0);
  });

  test("a failed start that is a bug shows its stack", async () => {
    const program = new Program([], server('throw new TypeError("a bug");', ""));
    expect(await program.ended).toBe(1);
    expect(program.err).toMatch(/^wukongim: TypeError: a bug\n {4}at /);
  });
});
