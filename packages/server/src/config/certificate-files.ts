/** Where the certificates of the listeners with TLS lie: tlsAddr may share those of wssAddr. */
import type { Config } from "./schema.ts";

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export function certificateFiles(config: Config, group: "tlsConfig" | "wssConfig"): CertificateFiles {
  return {
    certFile: config[group].certFile || config.wssConfig.certFile,
    keyFile: config[group].keyFile || config.wssConfig.keyFile,
  };
}
