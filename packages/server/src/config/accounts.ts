/**
 * The users of the manager port as `auth.users` names them: `name:password:*` for everything, or
 * `name:password:[resource:actions,…]`. Actions are `r`, `w` or both, or `*`; `read` and `write` are understood too.
 * The password may hold colons.
 */

export type Action = "r" | "w";

export interface Permission {
  /** `*` is every resource. */
  readonly resource: string;
  readonly actions: "r" | "w" | "rw" | "*";
}

export interface Account {
  readonly name: string;
  readonly password: string;
  readonly permissions: readonly Permission[];
}

export const EVERYTHING: readonly Permission[] = [{ resource: "*", actions: "*" }];

const ACTIONS: Readonly<Record<string, Permission["actions"]>> = {
  r: "r",
  read: "r",
  w: "w",
  write: "w",
  rw: "rw",
  wr: "rw",
  "*": "*",
};

/** undefined: this is no user. */
export function parseAccount(text: string): Account | undefined {
  const [, name = "", password = "", granted = ""] = /^([^:]+):(.+):(\*|\[[^\]]*\])$/.exec(text) ?? [];
  if (name === "") return undefined;
  if (granted === "*") return { name, password, permissions: EVERYTHING };
  const permissions: Permission[] = [];
  for (const part of granted.slice(1, -1).split(",")) {
    if (part === "" && granted === "[]") break;
    const [resource = "", word = "", ...more] = part.split(":");
    const actions = Object.hasOwn(ACTIONS, word) ? ACTIONS[word] : undefined;
    if (resource === "" || actions === undefined || more.length > 0) return undefined;
    permissions.push({ resource, actions });
  }
  return { name, password, permissions };
}
