/** Who may log in to the manager port by the configuration, with the secrets that the server makes for itself. */
import { type Account, EVERYTHING, parseAccount } from "../config/accounts.ts";
import { keptSecret } from "../config/kept-secret.ts";
import { FIRST_USER, jwtSecretFile, managerPasswordFile } from "../config/manager-access.ts";
import type { Config } from "../config/schema.ts";
import type { World } from "../world/world.ts";
import { ManagerAuth } from "./manager-auth.ts";

export interface ManagerAccess {
  readonly config: Config;
  readonly world: Pick<World, "clock" | "files" | "random">;
  /** A secret could not be kept in its file. */
  readonly notKept: (file: string, error: unknown) => void;
}

export async function openManagerAuth(access: ManagerAccess): Promise<ManagerAuth> {
  const { config, world } = access;
  const secretFile = jwtSecretFile(config);
  const passwordFile = managerPasswordFile(config);
  return new ManagerAuth(world.clock, {
    accounts: passwordFile === undefined ? configured(config) : [await firstAccount(access, passwordFile)],
    managerUid: config.managerUID,
    managerToken: config.managerToken,
    jwt: {
      secret: secretFile === undefined ? config.jwt.secret : await secretIn(access, secretFile),
      issuer: config.jwt.issuer,
      expireMs: config.jwt.expireMs,
    },
  });
}

function configured({ auth }: Config): readonly Account[] {
  return auth.users.flatMap((text) => parseAccount(text) ?? []);
}

async function firstAccount(access: ManagerAccess, file: string): Promise<Account> {
  return { name: FIRST_USER, password: await secretIn(access, file), permissions: EVERYTHING };
}

async function secretIn({ world, notKept }: ManagerAccess, file: string): Promise<string> {
  const secret = await keptSecret(file, world.files, world.random);
  if (secret.notKept !== undefined) notKept(file, secret.notKept);
  return secret.text;
}
