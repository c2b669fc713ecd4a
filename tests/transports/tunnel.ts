/**
 * A load balancer in small: takes plain connections and passes them to a port of the server, with bytes of its own in
 * front (a PROXY header) and under TLS when told. So every client of the tests speaks every transport unchanged.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface TunnelOptions {
  readonly to: number;
  readonly tls?: boolean;
  readonly header?: Uint8Array;
  /** The header leaves in two parts, cut behind so many bytes. */
  readonly splitAt?: number;
}

export interface Tunnel extends AsyncDisposable {
  readonly port: number;
  /** The subject of the certificate that the server has shown last. */
  readonly certificateName: string;
}

export async function openTunnel(options: TunnelOptions): Promise<Tunnel> {
  const sockets = new Set<Socket>();
  const state = { certificateName: "" };
  const keep = <S extends Socket>(socket: S): S => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };
  const server: Server = createServer({ noDelay: true }, (near) => {
    keep(near);
    const raw = keep(connect({ host: "127.0.0.1", port: options.to, noDelay: true }));
    near.once("close", () => raw.destroy());
    raw.once("connect", () => {
      sendHeader(raw, options, () => {
        const far = options.tls === true ? keep(connectTls({ socket: raw, rejectUnauthorized: false })) : raw;
        if (far !== raw && "getPeerCertificate" in far) {
          far.once("secureConnect", () => {
            state.certificateName = String(far.getPeerCertificate().subject.CN);
          });
        }
        near.pipe(far).pipe(near);
        far.once("close", () => near.destroy());
      });
    });
    raw.once("close", () => near.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get certificateName() {
      return state.certificateName;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function sendHeader(raw: Socket, { header, splitAt }: TunnelOptions, done: () => void): void {
  if (header === undefined) done();
  else if (splitAt === undefined || splitAt >= header.length) raw.write(header, done);
  else {
    raw.write(header.subarray(0, splitAt), () => {
      // Two turns are two packets, because the sockets have no delay.
      setImmediate(() => raw.write(header.subarray(splitAt), done));
    });
  }
}
