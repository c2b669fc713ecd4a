/** What threads say to each other beside rows: rare, so plain objects that are copied. */
import type { ConnectionPage, LiveConnection } from "../../delivery/live-connections.ts";
import { BadCertificate, type TlsCertificate } from "../../world/world.ts";
import type { GatewayOptions } from "../gateway-options.ts";
import type { GatewayStats } from "../gateway-stats.ts";
import type { GatewayAddresses, GatewayPorts } from "../listening.ts";

/** What a worker is started with. */
export interface WorkerData {
  readonly options: GatewayOptions;
  /** Rows that are on their way to the core. */
  readonly queueBytesMax: number;
}

/** What is asked of a worker. */
export interface WorkerCalls {
  listen(addresses: GatewayAddresses): Promise<GatewayPorts>;
  stop(nothing: undefined): Promise<void>;
  replaceCertificate(change: {
    readonly name: "tls" | "wss";
    readonly certificate: TlsCertificate;
  }): void | Promise<void>;
  named(sessionIds: readonly number[]): readonly LiveConnection[];
  stats(nothing: undefined): GatewayStats;
  page(at: { readonly after: number; readonly count: number }): ConnectionPage;
}

export type CallName = keyof WorkerCalls;

export interface Call {
  readonly call: number;
  readonly name: CallName;
  readonly argument: unknown;
}

export type FromWorker =
  | { readonly kind: "answer"; readonly call: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly call: number; readonly error: PlainError }
  /** Something that should not have thrown did. */
  | { readonly kind: "failure"; readonly error: PlainError }
  | { readonly kind: "stats"; readonly stats: GatewayStats };

/** An error, which loses all but its text when it is copied. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** `code`, `syscall`, `address` and the like. */
  readonly details: Readonly<Record<string, string | number>>;
}

export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: "", details: {} };
  const details: Record<string, string | number> = {};
  for (const [key, value] of Object.entries(error)) {
    if (typeof value === "string" || typeof value === "number") details[key] = value;
  }
  const { name, message, stack = "" } = error;
  return { name, message, stack, details };
}

export function errorOf({ name, message, stack, details }: PlainError): Error {
  const error = name === "BadCertificate" ? new BadCertificate(message) : new Error(message);
  return Object.assign(error, details, { stack });
}
