/** The addresses that /route gives to clients: what is configured, else external.ip or the caller's host with the listening port. */
import type { RouteAddresses } from "../api/routes/routing.ts";
import type { Config } from "./schema.ts";

export interface ListeningPorts {
  readonly tcp?: number;
  readonly websocket?: number;
  readonly wss?: number;
}

export function routeAddresses({ external, intranet }: Config, ports: ListeningPorts): RouteAddresses {
  const at = (scheme: string, port: number | undefined): string =>
    port === undefined ? "" : `${scheme}${external.ip}:${port}`;
  return {
    tcpAddr: external.tcpAddr || at("", ports.tcp),
    wsAddr: external.wsAddr || at("ws://", ports.websocket),
    wssAddr: external.wssAddr || at("wss://", ports.wss),
    intranetTcpAddr: intranet.tcpAddr || (ports.tcp === undefined ? "" : `:${ports.tcp}`),
  };
}
