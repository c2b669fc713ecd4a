/**
 * The log: lines of JSON with level, time, event, text and details. The rest of the server knows only the interface `Log`;
 * that pino writes the lines is nobody's business. Not for the hot path: no line per message above debug. Secrets and the
 * contents of messages are taken out here, whoever hands them in, and a flood of one warning is one line with a count.
 */
import { pino } from "pino";
import { redacted } from "./redaction.ts";
import { type After, RepeatedLines } from "./repeated-lines.ts";

export interface Log {
  debug(text: string, details?: LogDetails): void;
  info(text: string, details?: LogDetails): void;
  warn(text: string, details?: LogDetails): void;
  error(text: string, details?: LogDetails): void;
}

/**
 * `event` names the line for whoever searches for it, in words that stay; without it, it is made of the text, so a text is
 * constant and what changes is in the details. `error` may hold anything that was thrown; an Error is written with its
 * stack and causes.
 */
export type LogDetails = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  readonly level: LogLevel;
  /** The present time as it shall stand in the line. */
  readonly time: () => string;
  /** Takes one line with its newline; must not throw. */
  readonly write: (line: string) => void;
  /** Runs something later, to tell how often a line was repeated. Without it every line is written. */
  readonly after?: After;
}

/** For tests and for the library form. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export function createLog({ level, time, write, after }: LogOptions): Log {
  const lines = pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":${JSON.stringify(time())}`,
    },
    { write },
  );
  const repeated = after === undefined ? undefined : new RepeatedLines(after);
  const add = (at: LogLevel, text: string, details: LogDetails = {}): void => {
    if (!lines.isLevelEnabled(at)) return;
    const { event = slug(text), ...others } = details;
    const line = (count: number): void =>
      lines[at]({ event, ...redacted(others), ...(count === 0 ? {} : { repeated: count }) }, text);
    // Who asks for all that happens gets all.
    if (repeated === undefined || at === "debug" || at === "info") line(0);
    else repeated.add({ key: `${at} ${String(event)} ${errorText(details["error"])}`, write: line });
  };
  return {
    debug: (text, details) => add("debug", text, details),
    info: (text, details) => add("info", text, details),
    warn: (text, details) => add("warn", text, details),
    error: (text, details) => add("error", text, details),
  };
}

/** "the store is read-only" → the_store_is_read_only */
function slug(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_|_$/g, "");
}

const ERROR_TEXT_MAX = 200;

/** Two errors under one text are two floods. */
function errorText(error: unknown): string {
  return (error instanceof Error ? `${error.name} ${error.message}` : "").slice(0, ERROR_TEXT_MAX);
}

/** What `logger.level` and `mode` ask for. */
export function logLevelOf(config: { readonly mode: string; readonly logger: { readonly level: number } }): LogLevel {
  switch (config.logger.level) {
    case 1:
      return "debug";
    case 2:
      return "info";
    case 3:
      return "warn";
    case 4:
      return "error";
    default:
      return config.mode === "debug" ? "debug" : "info";
  }
}

function ignore(): void {
  // Nobody wants to read it.
}
