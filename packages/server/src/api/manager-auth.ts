/**
 * Who is calling the manager port, and what he may do there. Two ways in: the header `token` with the configured
 * managerToken, which makes the caller the manager, or a token that a login has given out.
 */
import type { Account, Action, Permission } from "../config/accounts.ts";
import { EVERYTHING } from "../config/accounts.ts";
import type { Clock, GatedRequest } from "../world/world.ts";
import { checkToken, signToken } from "./json-web-token.ts";
import { secretCheck } from "./secret-check.ts";

export interface ManagerAuthOptions {
  readonly accounts: readonly Account[];
  readonly managerUid: string;
  /** Blank: nobody comes in by it. */
  readonly managerToken: string;
  readonly jwt: { readonly secret: string; readonly issuer: string; readonly expireMs: number };
}

export interface ManagerUser {
  readonly name: string;
  readonly permissions: readonly Permission[];
}

export interface Login {
  readonly user: ManagerUser;
  readonly token: string;
  readonly expiresAtSeconds: number;
}

/** `problem` is the text of the 401. */
export type Caller = { readonly user: ManagerUser } | { readonly problem: string };

interface KnownUser extends ManagerUser {
  /** undefined: he cannot log in. */
  readonly isPassword: ((given: string) => boolean) | undefined;
}

const BEARER = "Bearer ";

export class ManagerAuth {
  readonly #clock: Pick<Clock, "wallMs">;
  readonly #options: ManagerAuthOptions;
  readonly #users = new Map<string, KnownUser>();
  readonly #manager: KnownUser;
  readonly #isManagerToken: ((given: string) => boolean) | undefined;
  /** What a password is compared with when there is no such user: it takes as long. */
  readonly #isNobodys: (given: string) => boolean;

  constructor(clock: Pick<Clock, "wallMs">, options: ManagerAuthOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#manager = { name: options.managerUid, permissions: EVERYTHING, isPassword: undefined };
    for (const { name, password, permissions } of options.accounts)
      this.#users.set(name, { name, permissions, isPassword: secretCheck(password) });
    this.#users.set(options.managerUid, this.#manager);
    this.#isManagerToken = options.managerToken.trim() === "" ? undefined : secretCheck(options.managerToken);
    this.#isNobodys = secretCheck(options.jwt.secret);
  }

  callerOf({ headers, query }: GatedRequest): Caller {
    if (this.#isManagerToken?.(headers["token"] ?? "")) return { user: this.#manager };
    const given = headers["authorization"] || query["Authorization"] || "";
    if (given === "") return { problem: "Authorization header is required" };
    const token = given.startsWith(BEARER) ? given.slice(BEARER.length) : given;
    if (token === "") return { problem: "Invalid token" };
    const { secret, issuer } = this.#options.jwt;
    const checked = checkToken(token, { secret, issuer, nowSeconds: this.#nowSeconds() });
    if ("problem" in checked) return checked;
    if (checked.username === "") return { problem: "Invalid jwt token, username is empty" };
    // Whoever is no longer configured is out, however long his token would last.
    const user = this.#users.get(checked.username);
    return user === undefined ? { problem: "Invalid jwt token" } : { user };
  }

  /** undefined: no such user, or not his password. */
  login(name: string, password: string): Login | undefined {
    const user = this.#users.get(name);
    const isRight = (user?.isPassword ?? this.#isNobodys)(password);
    if (user?.isPassword === undefined || !isRight) return undefined;
    const { secret, issuer, expireMs } = this.#options.jwt;
    const issuedAtSeconds = this.#nowSeconds();
    const expiresAtSeconds = issuedAtSeconds + Math.ceil(expireMs / 1000);
    const token = signToken({ issuer, username: name, issuedAtSeconds, expiresAtSeconds }, secret);
    return { user, token, expiresAtSeconds };
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.wallMs() / 1000);
  }
}

export function mayDo(user: ManagerUser, resource: string, action: Action): boolean {
  return user.permissions.some(
    (permission) =>
      (permission.resource === "*" || permission.resource === resource) &&
      (permission.actions === "*" || permission.actions.includes(action)),
  );
}

/** As the web UI of the original reads them. */
export function permissionsText(permissions: readonly Permission[]): string {
  return permissions.map(({ resource, actions }) => `${resource}:${actions}`).join(",");
}
