/** Connections that log in and then do nothing, so that what each costs can be seen at the server. */
import { inParallel } from "../in-parallel.ts";
import type { Connection } from "../traffic/connection.ts";
import type { Share } from "../traffic/layout.ts";
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
    const connections = lineUp(plan, plan.connections, plan.share);
    await inParallel(connections, LOGINS_AT_A_TIME, (connection) => connection.login());
    return new IdleConnections(connections);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}
