/** What the API needs of the rest of the server. */
import type { LiveConnections } from "../delivery/live-connections.ts";
import type { Outbound } from "../delivery/outbound.ts";
import type { Session } from "../delivery/session.ts";
import type { Webhooks } from "../hooks/webhooks.ts";
import type { Channels } from "../messaging/channels.ts";
import type { ChatList } from "../messaging/chat-list.ts";
import type { Commands } from "../messaging/commands.ts";
import type { History } from "../messaging/history.ts";
import type { ChannelKey, Mark } from "../messaging/message.ts";
import type { MessageBrowser } from "../messaging/message-browser.ts";
import type { RowBrowser } from "../messaging/row-browser.ts";
import type { Sending } from "../messaging/send.ts";
import type { UserBrowser } from "../messaging/user-browser.ts";
import type { Users } from "../messaging/users.ts";
import type { Explainer } from "../observe/explainer.ts";
import type { HttpRequest, World } from "../world/world.ts";
import type { FailedLogins } from "./failed-logins.ts";
import type { ManagerAuth } from "./manager-auth.ts";
import type { MetricsRouteDeps } from "./routes/metrics.ts";
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
  readonly presence: {
    of(uid: string): readonly Session[];
    session(id: number): Session | undefined;
    readonly count: number;
    readonly userCount: number;
  };
  readonly outbound: Pick<Outbound, "disconnect">;
  readonly connections: LiveConnections;
  readonly webhooks: Pick<Webhooks, "state" | "replay" | "retry" | "deadLetters">;
  readonly explainer: Pick<Explainer, "explain">;
  /** undefined: there is no /metrics. */
  readonly metrics: MetricsRouteDeps | undefined;
  readiness(): Readiness;
  readonly status: ServerStatus;
  /** What is durable, page by page. */
  readonly browsing: Browsing;
  /** Whether the channel is in memory. */
  isLoaded(channel: ChannelKey): boolean;
  readonly auth: ManagerAuth;
  readonly failedLogins: FailedLogins;
  /** For the log. `user` is undefined when the name or the password was wrong. */
  loginTried(user: string | undefined, ip: string): void;
  /** A handler failed with something other than an unavailable store: the caller has got a 500. */
  handlerFailed(error: unknown, request: Pick<HttpRequest, "method" | "path">): void;
  readonly options: ApiOptions;
}

export interface ServerStatus {
  /** Of the program; "" when it is not known. */
  readonly version: string;
  /** Where the manager port listens, as host:port; "" when it is off. */
  readonly managerAddress: string;
  uptimeMs(): number;
  usage(): { readonly residentBytes: number; readonly cpuPercent: number };
  /** Pushed messages that wait for RECVACK. */
  unacknowledged(): number;
}

export interface Browsing {
  readonly rows: Pick<RowBrowser, "channels" | "channelsNamed" | "devices" | "conversations">;
  readonly users: Pick<UserBrowser, "page" | "has">;
  readonly messages: Pick<MessageBrowser, "all" | "log">;
}

export interface Readiness {
  readonly ready: boolean;
  /** "" when ready. */
  readonly reason: string;
}

export interface ApiOptions {
  /** Blank: the API is open. */
  readonly managerToken: string;
  readonly managerUid: string;
  /** Serves /bench/v1. */
  readonly benchOn: boolean;
  readonly bodyBytesMax: number;
  readonly payloadBytesMax: number;
  readonly onlineCommandChannelId: string;
  /** `disableCMDMessageSync` */
  readonly commandSyncOff: boolean;
  readonly addresses: RouteAddresses;
  readonly nodeId: number;
}
