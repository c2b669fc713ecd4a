/** Where the gateway listens: its listeners by name, and what each of them asks of the network. */
import { networksContain } from "../config/ip-network.ts";
import type { ListenAt, TlsCertificate } from "../world/world.ts";
import type { GatewayOptions } from "./gateway-options.ts";

export interface PlainAddress {
  readonly host: string;
  readonly port: number;
}

export interface TlsAddress extends PlainAddress {
  readonly certificate: TlsCertificate;
}

export interface GatewayAddresses {
  readonly tcp?: PlainAddress;
  readonly tls?: TlsAddress;
  readonly websocket?: PlainAddress;
  readonly wss?: TlsAddress;
}

export type ListenerName = keyof GatewayAddresses;

export type GatewayPorts = { readonly [Name in ListenerName]?: number };

const TRANSPORTS: Readonly<Record<ListenerName, "tcp" | "websocket">> = {
  tcp: "tcp",
  tls: "tcp",
  websocket: "websocket",
  wss: "websocket",
};
const LISTENER_NAMES = ["tcp", "tls", "websocket", "wss"] as const;

/** One for each address, in an order that is always the same. */
export function listenersFor(
  addresses: GatewayAddresses,
  options: GatewayOptions,
): readonly { readonly name: ListenerName; readonly at: ListenAt }[] {
  const trusts = networksContain(options.trustedProxies);
  return LISTENER_NAMES.flatMap((name) => {
    const address: PlainAddress | TlsAddress | undefined = addresses[name];
    if (address === undefined) return [];
    const at: ListenAt = {
      ...options.transports,
      trusts,
      ...("certificate" in address ? { tls: address.certificate } : {}),
      transport: TRANSPORTS[name],
      host: address.host,
      port: address.port,
      messageBytesMax: options.webSocketMessageBytesMax,
      handshakeTimeoutMs: options.unauthenticatedMs,
      handshakesMax: options.connectionsMax,
    };
    return [{ name, at }];
  });
}
