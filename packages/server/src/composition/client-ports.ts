/** The ports that clients connect to, and the certificates of two of them, which may change while they are open. */
import { type CertificateFiles, certificateFiles } from "../config/certificate-files.ts";
import { CertificateWatch, readCertificate } from "../gateway/certificate-watch.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { TlsCertificate } from "../world/world.ts";
import type { Foundation } from "./foundation.ts";

/** Rejects when an address is taken or a certificate cannot be used. */
export async function openClientPorts(
  { config, world, log }: Foundation,
  gateway: Gateway,
): Promise<readonly CertificateWatch[]> {
  const read = ({ certFile, keyFile }: CertificateFiles): Promise<TlsCertificate> =>
    readCertificate(world.files, certFile, keyFile);
  const tlsFiles = certificateFiles(config, "tlsConfig");
  const wssFiles = certificateFiles(config, "wssConfig");
  const tls = config.tlsAddr === null ? undefined : { ...config.tlsAddr, certificate: await read(tlsFiles) };
  const wss = config.wssAddr === null ? undefined : { ...config.wssAddr, certificate: await read(wssFiles) };
  await gateway.start({
    ...(config.addr === null ? {} : { tcp: config.addr }),
    ...(config.wsAddr === null ? {} : { websocket: config.wsAddr }),
    ...(tls === undefined ? {} : { tls }),
    ...(wss === undefined ? {} : { wss }),
  });
  const watch = (name: "tls" | "wss", files: CertificateFiles, current: TlsCertificate): CertificateWatch => {
    const deps = {
      files: world.files,
      timers: world.timers,
      ...files,
      replace: (certificate: TlsCertificate) => gateway.replaceCertificate(name, certificate),
      log: {
        replaced: (source: string) =>
          log.info("a new certificate is in use", { event: "certificate.replaced", source }),
        refused: (because: string) =>
          log.error("a new certificate is refused, the old one stays", { event: "certificate.refused", because }),
      },
    };
    return new CertificateWatch(deps, current);
  };
  return [
    ...(tls === undefined ? [] : [watch("tls", tlsFiles, tls.certificate)]),
    ...(wss === undefined ? [] : [watch("wss", wssFiles, wss.certificate)]),
  ];
}
