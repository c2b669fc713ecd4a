/** Connections that log in and then do nothing, so that what each costs can be seen at the server. */
import { inParallel } from "../in-parallel.ts";
import type { Connection } from "../traffic/connection.ts";
import type { Share } from "../traffic/layout.ts";
import { loginPersistently } from "../traffic/persistent-login.ts";
import { type LineUpPlan, lineUp } from "./line-up.ts";

export interface IdlePlan extends LineUpPlan {
  readonly connections: number;
  readonly share: Share;
}

const LOGINS_AT_A_TIME = 64;

export class IdleConnections {
  readonly #connections: readonly Connection[];

  private constructor(connections: readonly Connection[]) {
    this.#connections = connections;
  }

  static async open(plan: IdlePlan): Promise<IdleConnections> {
    const connections: Connection[] = [];
    await inParallel(lineUp(plan, plan.connections, plan.share), LOGINS_AT_A_TIME, async (connection) => {
      connections.push(await loginPersistently(connection));
    });
    return new IdleConnections(connections);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}
