/** One `listen` for both transports. */
import type { Timers, World } from "../world.ts";
import { listenTcp } from "./tcp-network.ts";
import { listenWebSocket } from "./websocket-network.ts";

export function createNetwork(timers: Timers): World["network"] {
  return {
    listen: (at, accept) =>
      at.transport === "tcp" ? listenTcp(at, accept, timers) : listenWebSocket(at, accept, timers),
  };
}
