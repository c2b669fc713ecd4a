/** What the API needs of the rest of the server. */
import type { LiveConnections } from "../delivery/live-connections.ts";
import type { Outbound } from "../delivery/outbound.ts";
import type { Presence } from "../delivery/presence.ts";
import type { Channels } from "../messaging/channels.ts";
import type { ChatList } from "../messaging/chat-list.ts";
import type { Commands } from "../messaging/commands.ts";
import type { History } from "../messaging/history.ts";
import type { ChannelKey, Mark } from "../messaging/message.ts";
import type { Sending } from "../messaging/send.ts";
import type { Users } from "../messaging/users.ts";
import type { HttpRequest, World } from "../world/world.ts";
import type { RouteAddresses } from "./routes/routing.ts";

export interface ApiDeps {
  readonly world: Pick<World, "clock" | "random" | "timers">;
  readonly users: Users;
  readonly channels: Channels;
  readonly history: History;
  readonly chatList: ChatList;
  readonly commands: Commands;
  readonly sending: Sending;
  /** Where a user's own last message stands in a channel, durable. */
  readonly conversations: { ownLastIn(uid: string, channel: ChannelKey): Mark };
  readonly presence: Pick<Presence, "of" | "session">;
  readonly outbound: Pick<Outbound, "disconnect">;
  readonly connections: LiveConnections;
  readiness(): Readiness;
  /** A handler failed with something other than an unavailable store: the caller has got a 500. */
  handlerFailed(error: unknown, request: Pick<HttpRequest, "method" | "path">): void;
  readonly options: ApiOptions;
}

export interface Readiness {
  readonly ready: boolean;
  /** "" when ready. */
  readonly reason: string;
}

export interface ApiOptions {
  /** Blank: the API is open. */
  readonly managerToken: string;
  readonly bodyBytesMax: number;
  readonly payloadBytesMax: number;
  readonly onlineCommandChannelId: string;
  /** `disableCMDMessageSync` */
  readonly commandSyncOff: boolean;
  readonly addresses: RouteAddresses;
  readonly nodeId: number;
}
