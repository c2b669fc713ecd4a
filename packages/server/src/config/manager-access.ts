/** Where the manager port listens, and where what it makes for itself is kept. */
import type { ListenAddress } from "./field.ts";
import type { Config } from "./schema.ts";

/** Who may log in while nobody is configured. */
export const FIRST_USER = "admin";

export function managerAddress({ manager }: Pick<Config, "manager">): ListenAddress | null {
  return manager.on ? manager.addr : null;
}

/** Of `FIRST_USER`; undefined when others are configured. */
export function managerPasswordFile({ auth, dataDir }: Pick<Config, "auth" | "dataDir">): string | undefined {
  return auth.users.length === 0 ? `${dataDir}/manager-password` : undefined;
}

/** undefined when one is configured. */
export function jwtSecretFile({ jwt, dataDir }: Pick<Config, "jwt" | "dataDir">): string | undefined {
  return jwt.secret.trim() === "" ? `${dataDir}/jwt-secret` : undefined;
}
