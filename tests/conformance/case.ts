/** The recorded cases: what a case file looks like, and reading all of them. */
import { readdirSync, readFileSync } from "node:fs";
import type { Settings } from "../harness/server-process.ts";

export interface Case {
  readonly name: string;
  readonly area: string;
  readonly why: string;
  readonly config?: string;
  readonly crcDescending?: readonly string[];
  readonly slot?: Readonly<Record<string, number>>;
  readonly fnv?: readonly string[];
  readonly crashes?: boolean;
  readonly steps: readonly Step[];
}
export interface Step {
  readonly http?: HttpAction;
  readonly connect?: ConnectAction;
  readonly send?: SendAction;
  readonly burst?: { readonly as: string; readonly sends: readonly SendAction[] };
  readonly recv?: {
    readonly as: string;
    readonly count?: number;
    readonly quietMs?: number;
    readonly timeoutMs?: number;
  };
  readonly kicked?: { readonly as: string; readonly withinMs?: number };
  readonly ping?: { readonly as: string; readonly withinMs?: number };
  readonly raw?: { readonly as: string; readonly hex: string; readonly withinMs?: number };
  readonly close?: { readonly as: string };
  readonly sleep?: number;
  readonly restart?: true | { readonly config: string };
  readonly kill?: true | { readonly config: string };
  readonly each?: {
    readonly uid: string;
    readonly count: number;
    readonly path: string;
    readonly body: unknown;
    readonly value: string;
    readonly equals: unknown;
  };
  readonly drain?: { readonly uid: string; readonly limit: number; readonly maxCalls?: number };
  readonly webhook?: {
    readonly event: string;
    readonly count?: number;
    readonly quietMs?: number;
    readonly timeoutMs?: number;
  };

  readonly v225?: unknown;
  readonly ours?: unknown;
  readonly because?: string;
  readonly until?: { readonly withinMs?: number; readonly atOnce?: boolean };
  readonly unordered?: readonly string[];
  readonly pick?: readonly string[];
  readonly shape?: boolean;
  readonly lean?: boolean;
  readonly seqsOnly?: boolean;
  readonly seqsIn?: boolean;
  readonly ids?: boolean;
  readonly save?: Readonly<Record<string, string>>;
  readonly v225Only?: boolean;
  readonly timeoutMs?: number;
}
export interface HttpAction {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly showHeaders?: readonly string[];
  readonly port?: "manager";
}
export interface ConnectAction {
  readonly as: string;
  readonly uid?: string;
  readonly flag?: number;
  readonly deviceId?: string;
  readonly token?: string;
  readonly version?: number;
  readonly clientKey?: string;
  readonly silent?: boolean;
}
export interface SendAction {
  readonly as: string;
  readonly to: string;
  readonly type: number;
  readonly payload?: string;
  readonly payloadHex?: string;
  readonly no?: string;
  readonly flags?: readonly string[];
  readonly setting?: number;
  readonly expire?: number;
  readonly topic?: string;
  readonly badKey?: boolean;
  readonly plain?: boolean;
}

export interface RecordedCase {
  /** The file's name without its ending. */
  readonly area: string;
  readonly recorded: Case;
}

export function loadCases(): RecordedCase[] {
  const folder = new URL("./cases/", import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((name) => {
      // The files are part of the repository, so their form is taken as given.
      const file = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as { readonly cases: readonly Case[] };
      return file.cases.map((recorded) => ({ area: name.slice(0, -".json".length), recorded }));
    });
}

/** `hook`: the address of the webhook receiver. */
export function loadConfigurations(hook: string): Readonly<Record<string, Settings>> {
  const text = readFileSync(new URL("./configs.json", import.meta.url), "utf8").replaceAll("{hook}", hook);
  return JSON.parse(text) as Record<string, Settings>;
}

/** A case that ends the server, or ended the original's, runs when nobody else uses it. */
export function needsServerAlone(recorded: Case): boolean {
  return (
    recorded.crashes === true || recorded.steps.some((step) => step.restart !== undefined || step.kill !== undefined)
  );
}
