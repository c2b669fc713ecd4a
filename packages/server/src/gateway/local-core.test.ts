import { expect, test } from "vitest";
import { Presence } from "../delivery/presence.ts";
import { IdGenerator } from "../messaging/ids.ts";
import type { Entrant } from "./core.ts";
import { GATEWAY_DEFAULTS } from "./gateway-options.ts";
import { LocalCore } from "./local-core.ts";
import { HandSending, HandTime, NO_TRAIL } from "./test-kit.ts";

test("however a session ends, its acknowledgements are forgotten once and before the trail hears that it has left", () => {
  const time = new HandTime();
  const told: string[] = [];
  const core = new LocalCore({
    users: { login: () => ({ reason: 1, level: "master" }) },
    sending: new HandSending(),
    presence: new Presence(),
    acks: { acked: () => undefined, forget: (id) => void told.push(`forget ${id}`) },
    commands: { received: () => undefined, receivedById: () => undefined },
    trail: {
      ...NO_TRAIL,
      opened: ({ id }) => void told.push(`opened ${id}`),
      left: ({ id }, reason) => void told.push(`left ${id} ${reason}`),
    },
    ids: new IdGenerator(time, 1),
    failed: () => undefined,
    closed: () => undefined,
    options: GATEWAY_DEFAULTS,
  });
  // As a connection does when it is told to go.
  core.attach({
    outbound: {
      recv: () => undefined,
      disconnect(ids) {
        for (const id of ids) core.left(id, "kicked");
      },
    },
  });
  const entrant = (id: number): Entrant => ({
    session: { id, uid: "u", deviceId: `d${id}`, deviceFlag: 0, version: 5, connectedAtMs: 0 },
    token: "",
    agreeOnKeys: () => 1,
    decided: ({ kind }) => void told.push(`${kind} ${id}`),
  });
  core.enter(entrant(1));
  core.enter(entrant(2));
  core.left(1, "client_closed");
  core.left(2, "idle");
  core.left(3, "idle");
  expect(told).toEqual([
    "opened 1",
    "welcome 1",
    "opened 2",
    "forget 1",
    "left 1 kicked",
    "welcome 2",
    "forget 2",
    "left 2 idle",
  ]);
});
