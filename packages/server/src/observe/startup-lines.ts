/**
 * What the operator reads when the server has started: where it listens, where the data is, what is insecure. At most
 * fourteen lines. And the one line that says why it has not started.
 */
import type { ListenAddress } from "../config/field.ts";
import { FIRST_USER, managerAddress } from "../config/manager-access.ts";
import type { Config } from "../config/schema.ts";
import { StoreOpenError } from "../store/engine.ts";
import { BadCertificate } from "../world/world.ts";

/** Shorter ones can be found by trying. */
const JWT_SECRET_CHARACTERS_MIN = 16;

/** The actual ports of a started server; undefined: no such listener. */
export interface ListeningPorts {
  readonly tcpPort: number | undefined;
  readonly tlsPort: number | undefined;
  readonly websocketPort: number | undefined;
  readonly wssPort: number | undefined;
  readonly httpPort: number | undefined;
  readonly managerPort: number | undefined;
}

export interface Startup {
  readonly version: string;
  readonly nodeVersion: string;
  readonly config: Config;
  readonly ports: ListeningPorts;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly configFile: string | undefined;
  /** Of the first user of the manager port, absolute; undefined when users are configured. */
  readonly passwordFile: string | undefined;
  readonly warnings: readonly string[];
  readonly readyMs: number;
}

export function startupLines(startup: Startup): string[] {
  const { config, ports } = startup;
  const tcp = listening(config.addr, ports.tcpPort);
  const tls = listening(config.tlsAddr, ports.tlsPort);
  const websocket = listening(config.wsAddr, ports.websocketPort);
  const wss = listening(config.wssAddr, ports.wssPort);
  const http = listening(config.httpAddr, ports.httpPort);
  const manager = listening(managerAddress(config), ports.managerPort);
  const shown: (readonly [string, string])[] = [];
  const tcpShown = tcp === undefined ? [] : [`tcp://${hostAndPort(tcp)}`];
  if (tls !== undefined) tcpShown.push(`tls://${hostAndPort(tls)}`);
  const webSocketShown = websocket === undefined ? [] : [`ws://${hostAndPort(websocket)}`];
  if (wss !== undefined) webSocketShown.push(`wss://${hostAndPort(wss)}`);
  if (tcpShown.length > 0) shown.push(["TCP", tcpShown.join(" ")]);
  if (webSocketShown.length > 0) shown.push(["WebSocket", webSocketShown.join(" ")]);
  if (http !== undefined) shown.push(["HTTP API", `http://${hostAndPort(http)}`]);
  if (manager !== undefined) shown.push(["manager", `http://${hostAndPort(manager)}${firstLogin(startup)}`]);
  shown.push(["data", startup.dataDirectory]);
  if (startup.configFile !== undefined) shown.push(["config", startup.configFile]);
  return [
    `wukong-ts ${startup.version} on Node ${startup.nodeVersion}, node id ${config.cluster.nodeId}, ready in ${Math.ceil(startup.readyMs)} ms`,
    ...shown.map(([name, value]) => `  ${name.padEnd(10)} ${value}`),
    ...startup.warnings.map((warning) => `warning: ${warning}`),
    ...insecurities(config, [tcp, websocket, http, manager], http !== undefined).map((text) => `insecure: ${text}`),
  ];
}

/** The password itself stands in the file alone. */
function firstLogin({ passwordFile }: Startup): string {
  return passwordFile === undefined ? "" : `, user ${FIRST_USER}, password in ${passwordFile}`;
}

function insecurities(config: Config, at: readonly (ListenAddress | undefined)[], hasHttp: boolean): string[] {
  const found: string[] = [];
  if (!config.tokenAuthOn) found.push("tokenAuthOn is false: anyone can connect as any user");
  if (config.customerService.visitorsOn && config.tokenAuthOn) {
    found.push(`customerService.visitorsOn: uids that end in ${config.customerService.visitorsSuffix} need no token`);
  }
  if (config.managerToken === "" && hasHttp) {
    found.push("managerToken is not set: whoever reaches the HTTP API can read and send everything");
  }
  const [tcp, websocket] = at;
  if (config.disableEncryption && (tcp !== undefined || websocket !== undefined))
    found.push("disableEncryption: messages travel as plain text");
  if (config.jwt.secret !== "" && config.jwt.secret.length < JWT_SECRET_CHARACTERS_MIN) {
    found.push("jwt.secret is so short that it can be guessed, and logins to the manager port with it");
  }
  if (config.trustedProxies.some((network) => /\/0+$/.test(network))) {
    found.push("trustedProxies has every address: any client can claim to be any address");
  }
  if (at.some((address) => address !== undefined && isEveryInterface(address))) {
    found.push("listening on all interfaces without TLS: keep it behind a firewall or a TLS proxy");
  }
  return found;
}

/** One line for whatever kept the server from starting; undefined when it is a bug and the stack is wanted. */
export function startFailureLine(error: unknown): string | undefined {
  if (error instanceof StoreOpenError || error instanceof BadCertificate) return error.message;
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  const code = String(error.code);
  if (error.syscall === "listen" || error.syscall === "bind") {
    const at =
      "address" in error && "port" in error
        ? hostAndPort({ host: String(error.address), port: Number(error.port) })
        : "the configured address";
    const why = LISTEN_PROBLEMS[code] ?? error.message;
    return `cannot listen on ${at}: ${why} (${code})`;
  }
  if (error.syscall === "getaddrinfo" && "hostname" in error) {
    return `cannot listen on ${String(error.hostname)}: no such host (${code})`;
  }
  return error.message;
}

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program uses this port",
  EADDRNOTAVAIL: "this machine does not have that address",
  EACCES: "not permitted",
};

function listening(configured: ListenAddress | null, port: number | undefined): ListenAddress | undefined {
  return configured === null || port === undefined ? undefined : { host: configured.host, port };
}

function hostAndPort({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function isEveryInterface(at: ListenAddress): boolean {
  return at.host === "0.0.0.0" || at.host === "::";
}
