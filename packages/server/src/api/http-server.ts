/** The HTTP API as data: all routes and the rules around them. The world mounts them on a port. */
import type { HttpRules } from "../world/world.ts";
import type { ApiDeps } from "./api-deps.ts";
import type { ApiRoute } from "./api-route.ts";
import { httpRules } from "./http-rules.ts";
import { allowListRoutes } from "./routes/allow-list.ts";
import { benchRoutes } from "./routes/bench.ts";
import { channelRoutes } from "./routes/channels.ts";
import { clusterChannelRoutes } from "./routes/cluster-channels.ts";
import { clusterConversationRoutes } from "./routes/cluster-conversations.ts";
import { clusterMessageRoutes } from "./routes/cluster-messages.ts";
import { clusterNodeRoutes } from "./routes/cluster-nodes.ts";
import { clusterUserRoutes } from "./routes/cluster-users.ts";
import { commandRoutes } from "./routes/commands.ts";
import { connectionRoutes } from "./routes/connections.ts";
import { conversationRoutes } from "./routes/conversations.ts";
import { denyListRoutes } from "./routes/deny-list.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { explainRoutes } from "./routes/explain.ts";
import { healthRoutes } from "./routes/health.ts";
import { historyRoutes } from "./routes/history.ts";
import { loginRoutes } from "./routes/login.ts";
import { memberRoutes } from "./routes/members.ts";
import { messageRoutes } from "./routes/messages.ts";
import { METRIC_SERIES } from "./routes/metric-series.ts";
import { metricsRoute } from "./routes/metrics.ts";
import { pluginRoutes } from "./routes/plugins.ts";
import { routingRoutes } from "./routes/routing.ts";
import { sendRoutes } from "./routes/send.ts";
import { serverRoutes } from "./routes/server.ts";
import { systemUserRoutes } from "./routes/system-users.ts";
import { userRoutes } from "./routes/users.ts";
import { varzRoutes } from "./routes/varz.ts";
import { webhookRoutes } from "./routes/webhooks.ts";

export interface Api {
  readonly routes: readonly ApiRoute[];
  readonly rules: HttpRules;
}

export function createApi(deps: ApiDeps): Api {
  const routes: readonly ApiRoute[] = [
    ...healthRoutes(deps),
    ...(deps.metrics === undefined ? [] : [metricsRoute(deps.metrics)]),
    ...routingRoutes(deps.options.addresses),
    ...userRoutes(deps),
    ...systemUserRoutes(deps),
    ...connectionRoutes(deps),
    ...deviceRoutes(deps),
    ...channelRoutes(deps),
    ...memberRoutes(deps),
    ...denyListRoutes(deps),
    ...allowListRoutes(deps),
    ...sendRoutes(deps),
    ...historyRoutes(deps),
    ...messageRoutes(deps),
    ...pluginRoutes(),
    ...conversationRoutes(deps),
    ...commandRoutes(deps),
    ...serverRoutes(() => [...routes, ...METRIC_SERIES]),
    ...webhookRoutes(deps),
    ...loginRoutes(deps),
    ...varzRoutes(deps),
    ...clusterNodeRoutes(deps),
    ...clusterMessageRoutes(deps),
    ...clusterChannelRoutes(deps),
    ...clusterUserRoutes(deps),
    ...clusterConversationRoutes(deps),
    ...(deps.options.benchOn ? benchRoutes(deps) : []),
    ...explainRoutes(deps),
  ];
  const openPaths = routes.filter((route) => route.description.isOpen === true).map((route) => route.path);
  return { routes, rules: httpRules(deps, openPaths) };
}
