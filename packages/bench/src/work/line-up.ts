/** Connections of users who neither send nor are written to. */
import type { Transport } from "../scenario/scenario.ts";
import type { HostPort } from "../server/target.ts";
import { Connection, type ConnectionEvents } from "../traffic/connection.ts";
import { PERSON, type Share } from "../traffic/layout.ts";
import { Outgoing } from "../traffic/outgoing.ts";
import { localAddressOf } from "../traffic/traffic-run.ts";

export interface LineUpPlan {
  readonly run: string;
  readonly transport: Transport;
  readonly address: HostPort;
  readonly version: number;
  /** undefined: no tokens. */
  readonly token: string | undefined;
}

const UNINTERESTED: ConnectionEvents = {
  acknowledged: () => undefined,
  received: () => undefined,
  foreign: () => undefined,
  lost: () => undefined,
};

export function uidOf(run: string, index: number): string {
  return `${run}u${index}`;
}

/** Not logged in yet. */
export function lineUp(plan: LineUpPlan, users: number, share: Share): readonly Connection[] {
  const outgoing = new Outgoing();
  const connections: Connection[] = [];
  for (let index = share.index; index < users; index += share.count) {
    const seat = {
      uid: uidOf(plan.run, index),
      flow: 0,
      channelId: "",
      channelType: PERSON,
      stream: -1,
      streamBase: 0,
      streamCount: 0,
      isStalled: false,
    };
    const { transport, address, version, run } = plan;
    const localAddress = localAddressOf(connections.length, address.host);
    const options = { transport, address, localAddress, version, token: plan.token ?? "", recvacks: false, run };
    connections.push(new Connection(seat, options, outgoing, UNINTERESTED));
  }
  return connections;
}
