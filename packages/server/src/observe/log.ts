/**
 * The log: lines of JSON with level, time, text and details. The rest of the server knows only the interface `Log`;
 * that pino writes the lines is nobody's business. Not for the hot path: no line per message above debug.
 */
import { pino } from "pino";

export interface Log {
  debug(text: string, details?: LogDetails): void;
  info(text: string, details?: LogDetails): void;
  warn(text: string, details?: LogDetails): void;
  error(text: string, details?: LogDetails): void;
}

/** `error` may hold anything that was thrown; an Error is written with its stack and causes. */
export type LogDetails = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  readonly level: LogLevel;
  /** The present time as it shall stand in the line. */
  readonly time: () => string;
  /** Takes one line with its newline; must not throw. */
  readonly write: (line: string) => void;
}

/** For tests and for the library form. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export function createLog({ level, time, write }: LogOptions): Log {
  const lines = pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":${JSON.stringify(time())}`,
      serializers: { error: pino.stdSerializers.errWithCause },
    },
    { write },
  );
  return {
    debug: (text, details) => lines.debug(details ?? {}, text),
    info: (text, details) => lines.info(details ?? {}, text),
    warn: (text, details) => lines.warn(details ?? {}, text),
    error: (text, details) => lines.error(details ?? {}, text),
  };
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
