/** What the keys say about connections, in the words of `gateway`. */
import { GATEWAY_DEFAULTS, type GatewayOptions } from "../gateway/gateway-options.ts";
import type { Config } from "./schema.ts";

export function gatewayOptions(config: Config): GatewayOptions {
  const { limits, ws } = config;
  return {
    ...GATEWAY_DEFAULTS,
    nodeId: config.cluster.nodeId,
    disableEncryption: config.disableEncryption,
    disableJsonRpc: config.disableJSONRPC,
    allowNoEncrypt: config.allowNoEncrypt,
    connectionsMax: limits.connectionsMax,
    connectionsPerIpMax: limits.connectionsPerIpMax === 0 ? Number.POSITIVE_INFINITY : limits.connectionsPerIpMax,
    frameBytesMax: limits.frameBytesMax,
    transports: {
      expectsProxyHeader: config.proxyProtocol,
      ...(ws.path === "" ? {} : { path: ws.path }),
      ...(ws.origins.length === 0 ? {} : { origins: ws.origins.map(originOf) }),
    },
    trustedProxies: config.trustedProxies,
    unauthenticatedMs: limits.unauthenticatedTimeMs,
    idleMs: config.connIdleTimeMs,
    unansweredSendsMax: limits.sessionSendsMax,
    unansweredBytesMax: limits.sessionSendBytesMax,
    outboundBytesMax: limits.outboxBytesMax,
    outboundFramesMax: limits.outboxFramesMax,
  };
}

/** As browsers send it: lower case, no slash at the end. */
function originOf(text: string): string {
  return text.toLowerCase().replace(/\/$/, "");
}
