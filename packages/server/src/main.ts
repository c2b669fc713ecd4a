/**
 * The command line. Reads flags, environment and file, starts one server in this very process, and ends it on a
 * signal: everything accepted is answered, and no hanging part keeps the process for more than five seconds.
 * Standard output has the start-up lines only; the log goes to standard error or to logger.dir.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { databaseDirectory } from "./config/database-directory.ts";
import { exampleFile } from "./config/documents.ts";
import { formatConfigError, loadConfig } from "./config/load.ts";
import { managerPasswordFile } from "./config/manager-access.ts";
import { type ReplayOptions, replayCall } from "./config/replay-call.ts";
import type { Config } from "./config/schema.ts";
import { createLog, type Log, logLevelOf } from "./observe/log.ts";
import { startFailureLine, startupLines } from "./observe/startup-lines.ts";
import type { Server } from "./server.ts";
import { type LogFile, openLogFile } from "./world/real/log-file.ts";
import { startTracing } from "./world/real/open-telemetry.ts";

/** The promise is five seconds (behind `drainTime`); the rest is for the exit itself. */
const STOP_MS_MAX = 4_500;

interface Options {
  readonly config?: string;
  readonly ignoreMissingConfig?: true;
  readonly mode?: string;
  readonly daemon?: true;
}

interface LoadedFile {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Absolute; undefined when there is none. */
  readonly file: string | undefined;
}

await createProgram().parseAsync();

function createProgram(): Command {
  const program = new Command("wukongim")
    .description("A messaging server that speaks WuKongIM's protocols. Runs in the foreground, as one process.")
    .version(packageVersion(), "--version", "print the version")
    .option("-c, --config <file>", "YAML file with WuKongIM's keys")
    .option("-i, --ignoreMissingConfig", "start with the defaults when that file does not exist")
    .option("--mode <mode>", "debug, release or bench")
    .option("-d, --daemon", "not supported: use a service manager")
    .action(() => start(program.opts<Options>()));
  const config = program.command("config").description("look at the configuration without starting");
  config
    .command("check")
    .description("say what is wrong with the file and the environment")
    .option("-c, --config <file>", "YAML file with WuKongIM's keys")
    .action((_options, command: Command) => {
      const { warnings } = load(command.optsWithGlobals<Options>());
      for (const line of [...warnings.map((warning) => `warning: ${warning}`), "the configuration is valid"]) say(line);
    });
  config
    .command("example")
    .description("print a file with every key, its default and its meaning")
    .action(() => void process.stdout.write(exampleFile()));
  program
    .command("webhook")
    .description("webhooks of the running server")
    .command("replay")
    .description("send msg.notify again for all messages from a time or a message on")
    .option("-c, --config <file>", "YAML file of the running server")
    .option("--from-time <time>", "as 2026-04-22T08:00:00Z")
    .option("--from-message <id>", "message_id of the first one")
    .option("--follower <name>", "only this one, as webhook.notify")
    .action((asked: ReplayOptions, command: Command) => replay(asked, command.optsWithGlobals<Options>()));
  program
    .command("stop", { hidden: true })
    .action(() => fail("there is no background process to stop; send SIGTERM to the server"));
  return program;
}

async function start(options: Options): Promise<void> {
  if (options.daemon) fail("--daemon is not supported: the server runs in the foreground; use a service manager");
  const { config, warnings, file } = load(options);
  const { addr, tlsAddr, wsAddr, wssAddr, httpAddr } = config;
  if ([addr, tlsAddr, wsAddr, wssAddr, httpAddr].every((address) => address === null)) {
    fail("addr, wsAddr and httpAddr are all off: nothing would ever happen");
  }
  // A reader of our output that went away is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const log = openLog(config);
  process.on("unhandledRejection", (error) =>
    log.error("a promise failed and nobody looked", { event: "promise_failed", error }),
  );

  // First, because it recovers its log on another thread, and that takes longest: the rest is loaded meanwhile.
  const { LEVEL_DEFAULTS, openLevelEngine } = await import("./world/real/level-engine.ts");
  const level = { ...LEVEL_DEFAULTS, ...config.store };
  const opening = openLevelEngine(databaseDirectory(config), level);
  // The server looks at it, but only when it has been loaded.
  opening.catch(() => undefined);
  const [{ createServer }, { createRealWorld }] = await Promise.all([
    import("./server.ts"),
    import("./world/real/real-world.ts"),
  ]);
  const tracing = await startTracing(process.env).catch((error: unknown) => {
    log.error("there are no traces", { event: "tracing.off", error });
    return undefined;
  });
  const server = createServer({
    config,
    world: createRealWorld({ level, opening }),
    log,
    version: packageVersion(),
    spans: tracing?.spans,
  });
  const started = server.start().catch((error: unknown) => fail(startFailureLine(error) ?? stackOf(error)));
  const stop: Server["stop"] = async (how) => {
    try {
      await server.stop(how);
    } finally {
      await tracing?.stop();
    }
  };
  endInOrder({ stop }, log, started, config.drainTimeMs + STOP_MS_MAX);
  await started;
  const passwordFile = managerPasswordFile(config);
  const lines = startupLines({
    version: packageVersion(),
    nodeVersion: process.versions.node,
    config,
    ports: server.addresses,
    dataDirectory: resolve(config.dataDir),
    configFile: file,
    passwordFile: passwordFile === undefined ? undefined : resolve(passwordFile),
    warnings,
    readyMs: performance.now(),
  });
  for (const line of lines) say(line);
}

async function replay(asked: ReplayOptions, options: Options): Promise<void> {
  const call = replayCall(asked, load(options).config, Date.parse);
  if (typeof call === "string") fail(call);
  const { createRealWorld } = await import("./world/real/real-world.ts");
  try {
    const { status, body } = await createRealWorld().http.post(call);
    if (status !== 200) fail(`the server answered ${status}: ${Buffer.from(body).toString("utf8")}`);
    say("the events are being sent again");
  } catch (error) {
    fail(`no answer from ${call.url}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Ends the process with one line each when something is wrong. */
function load(options: Options): LoadedFile {
  const file = options.config === undefined ? undefined : readConfigFile(options.config, options.ignoreMissingConfig);
  const flags = options.mode === undefined ? {} : { mode: options.mode };
  const loaded = loadConfig({ file, env: process.env, flags });
  if (!loaded.ok) fail(...loaded.errors.map(formatConfigError));
  const missing = options.config !== undefined && file === undefined;
  return {
    config: loaded.config,
    warnings: missing ? [`${options.config} does not exist`, ...loaded.warnings] : loaded.warnings,
    file: file === undefined ? undefined : resolve(file.path),
  };
}

function readConfigFile(path: string, mayBeMissing = false): { path: string; text: string } | undefined {
  try {
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code === "ENOENT" && mayBeMissing) return undefined;
    fail(
      code === "ENOENT"
        ? `${path}: no such file (--ignoreMissingConfig starts without it)`
        : `${path}: cannot be read (${code})`,
    );
  }
}

function openLog(config: Config): Log {
  const file = config.logger.dir === "" ? undefined : openLogOf(join(config.logger.dir, "wukongim.log"));
  if (file !== undefined) process.on("SIGHUP", () => file.reopen());
  return createLog({
    level: logLevelOf(config),
    time: () => new Date().toISOString(),
    after: (delayMs, run) => void setTimeout(run, delayMs).unref(),
    write: (line) => (file === undefined ? void process.stderr.write(line) : file.write(line)),
  });
}

function openLogOf(path: string): LogFile {
  try {
    return openLogFile(path);
  } catch (error) {
    fail(`logger.dir: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * A signal, or an exception that nobody caught, ends the server in good order; a second signal ends it at once.
 * `started` is waited for, so that nobody stops a half-started server.
 */
function endInOrder(server: Pick<Server, "stop">, log: Log, started: Promise<unknown>, stopMsMax: number): void {
  const state = { isEnding: false };
  const end = (exitCode: number): void => {
    if (state.isEnding) return;
    state.isEnding = true;
    setTimeout(() => fail(`not stopped within ${stopMsMax} ms: giving up`), stopMsMax);
    started
      // After an exception nobody knows what still works.
      .then(() => (exitCode === 0 ? server.stop() : server.stop("at-once")))
      .then(
        () => process.exit(exitCode),
        (error: unknown) => fail(`failed to stop: ${stackOf(error)}`),
      );
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (state.isEnding) fail(`${signal} again: ending at once`);
      log.info(`stopping: ${signal}`, { event: "stopping", signal });
      end(0);
    });
  }
  process.on("uncaughtException", (error) => {
    log.error("an exception that nobody caught: stopping", { event: "uncaught_exception", error });
    end(1);
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(...lines: string[]): never {
  for (const line of lines) process.stderr.write(`wukongim: ${line}\n`);
  process.exit(1);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function packageVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version }: { version?: unknown } = JSON.parse(text);
  return String(version);
}
