/**
 * Reads one value as text, the same for the file, the environment and the command line. What cannot be read is
 * answered with undefined; `expected` says in words what the key takes.
 */
import { parseAccount } from "./accounts.ts";
import type { Field, ListenAddress } from "./field.ts";
import { parseNetwork } from "./ip-network.ts";

export type Value = boolean | number | string | readonly string[] | ListenAddress | null;

/** Longer waits overflow the timer (2^31 ms). */
const TIMER_MS_MAX = 576 * 3_600_000;

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const BYTE_UNITS: Readonly<Record<string, number>> = { "": 1, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 };

/** Empty is "not set"; for keys of the original so is 0. */
export function isUnset(field: Field, text: string): boolean {
  if (text.trim() === "") return true;
  return "zeroIsUnset" in field && (field.kind === "duration" ? readDuration(text) === 0 : text.trim() === "0");
}

export function readValue(field: Field, text: string): Value | undefined {
  switch (field.kind) {
    case "boolean":
      return readBoolean(text);
    case "integer":
      return within(readInteger(text), field.min, field.max);
    case "integer-or-auto":
      return text.trim().toLowerCase() === "auto" ? "auto" : within(readInteger(text), field.min, field.max);
    case "bytes":
      return within(readBytes(text), field.min, field.max);
    case "duration":
      return within(readDuration(text), field.minMs, field.maxMs ?? TIMER_MS_MAX);
    case "choice":
      return field.choices.includes(text.trim()) ? text.trim() : undefined;
    case "address":
      return readAddress(text, field.scheme);
    case "text":
      return text;
    case "url":
      return readUrl(text);
    case "list":
      return readList(text);
    case "networks": {
      const networks = readList(text);
      return networks.every((network) => parseNetwork(network) !== undefined) ? networks : undefined;
    }
    case "accounts": {
      const accounts = text.split(/\s+/).filter((account) => account !== "");
      return accounts.every((account) => parseAccount(account) !== undefined) ? accounts : undefined;
    }
  }
}

export function expected(field: Field): string {
  switch (field.kind) {
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number from ${field.min} to ${field.max}`;
    case "integer-or-auto":
      return `auto, or a whole number from ${field.min} to ${field.max}`;
    case "bytes":
      return `a number of bytes as 65536, 64KiB or 4MiB, from ${formatBytes(field.min)} to ${formatBytes(field.max)}`;
    case "duration":
      return `a duration as 500ms, 60s, 5m or 1h30m, from ${formatDuration(field.minMs)} to ${formatDuration(field.maxMs ?? TIMER_MS_MAX)}`;
    case "choice":
      return `one of ${field.choices.join(", ")}`;
    case "address":
      return `an address as ${field.default === "off" ? `${field.scheme}://0.0.0.0:443` : field.default}, or off`;
    case "text":
      return "text";
    case "url":
      return "an address as https://api.example.com/webhook";
    case "list":
      return "a list";
    case "networks":
      return "a list of networks as 10.0.0.0/8 or fd00::/8, or of addresses";
    case "accounts":
      return "a list of users as name:password:* or name:password:[resource:rw,other:r], without blanks";
  }
}

/** Go's notation: one or more numbers with a unit each. A bare number is no duration, 0 is. In milliseconds. */
function readDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "0") return 0;
  if (!/^([0-9]+(\.[0-9]*)?(ns|us|µs|μs|ms|s|m|h))+$/.test(trimmed)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of trimmed.matchAll(/([0-9.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    totalMs += Number(amount) * (DURATION_UNITS_MS[unit ?? ""] ?? Number.NaN);
  }
  return Math.round(totalMs);
}

function readBoolean(text: string): boolean | undefined {
  switch (text.trim().toLowerCase()) {
    case "true":
    case "yes":
    case "on":
    case "1":
      return true;
    case "false":
    case "no":
    case "off":
    case "0":
      return false;
    default:
      return undefined;
  }
}

function readInteger(text: string): number | undefined {
  return /^[0-9]{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}

function readBytes(text: string): number | undefined {
  const match = /^([0-9]{1,15}) ?([kmg]ib|)$/i.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * (BYTE_UNITS[(match[2] ?? "").toLowerCase()] ?? Number.NaN);
}

/** `[scheme://]host:port`, `:port` for all interfaces, `off` for no listener. */
function readAddress(text: string, scheme: string): ListenAddress | null | undefined {
  const trimmed = text.trim();
  if (trimmed.toLowerCase() === "off") return null;
  const match = /^(?:([a-z]+):\/\/)?(\[[0-9a-f:.%]+\]|[a-z0-9._-]*):([0-9]{1,5})\/?$/i.exec(trimmed);
  if (match === null) return undefined;
  const [, givenScheme, host = "", port] = match;
  if (givenScheme !== undefined && givenScheme.toLowerCase() !== scheme) return undefined;
  if (Number(port) > 65_535) return undefined;
  return { host: host === "" ? "0.0.0.0" : host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

function readUrl(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const url = URL.parse(trimmed);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") ? trimmed : undefined;
}

/** As WuKongIM splits lists in the environment: at spaces; commas do as well. */
function readList(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((item) => item !== "");
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

function formatDuration(durationMs: number): string {
  for (const [unit, size] of [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const) {
    if (durationMs >= size && durationMs % size === 0) return `${durationMs / size}${unit}`;
  }
  return `${durationMs}ms`;
}
