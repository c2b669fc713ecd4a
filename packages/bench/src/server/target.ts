/** Where the server under load listens. Load goes to loopback only. */
import type { Transport } from "../scenario/scenario.ts";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export type Target = Readonly<Partial<Record<Transport | "http", HostPort>>>;

class TargetError extends Error {
  override readonly name = "TargetError";
}

const LOOPBACK = /^(127(\.\d+){3}|localhost|\[?::1\]?)$/;

/** `tcp://host:port,ws://host:port,http://host:port`, in any order, also tls and wss. */
export function parseTarget(text: string): Target {
  const target: Partial<Record<Transport | "http", HostPort>> = {};
  for (const part of text.split(",")) {
    const match = /^(tcp|tls|wss?|http):\/\/(.+):(\d+)\/?$/.exec(part.trim());
    if (match === null) throw new TargetError(`${part}: expected tcp, tls, ws, wss or http and ://host:port`);
    const [, scheme, host, port] = match;
    if (!LOOPBACK.test(host!)) throw new TargetError(`${part}: load is put on loopback addresses only`);
    target[scheme as Transport | "http"] = { host: host!.replace(/^\[|\]$/g, ""), port: Number(port) };
  }
  return target;
}

export function addressOf(target: Target, scheme: Transport | "http"): HostPort {
  const address = target[scheme];
  if (address === undefined) throw new TargetError(`the target has no ${scheme}:// address, which the scenario needs`);
  return address;
}
