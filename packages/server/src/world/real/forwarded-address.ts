/**
 * The client's address as an HTTP proxy tells it. Each proxy adds to X-Forwarded-For the peer it saw, at the end; so the
 * list is read from the end, and only as far as the tellers are trusted: everything before that anyone can have written.
 */
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import type { Socket } from "../world.ts";
import { plainIp } from "./listen.ts";

type Remote = Socket["remote"];

export function forwardedRemote(peer: Remote, headers: IncomingHttpHeaders, trusts: (ip: string) => boolean): Remote {
  if (!trusts(peer.ip)) return peer;
  const forwarded = textOf(headers["x-forwarded-for"]);
  if (forwarded !== undefined) {
    let told: string | undefined;
    for (const part of forwarded.split(",").reverse()) {
      const ip = addressIn(part);
      if (ip === undefined) break;
      told = ip;
      if (!trusts(ip)) break;
    }
    return told === undefined ? peer : { ip: told, port: 0 };
  }
  const ip = addressIn(textOf(headers["x-real-ip"]) ?? "");
  if (ip === undefined) return peer;
  const port = Number(textOf(headers["x-real-port"]) ?? 0);
  return { ip, port: Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0 };
}

/** Some proxies write the port, too: `1.2.3.4:5678`, `[::1]:5678`. */
function addressIn(text: string): string | undefined {
  const trimmed = text.trim();
  const withPort = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?$/i.exec(trimmed);
  const ip = withPort?.[1] ?? withPort?.[2] ?? trimmed;
  return isIP(ip) === 0 || ip.includes("%") ? undefined : plainIp(ip.toLowerCase());
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}
