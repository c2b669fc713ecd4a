/** Users and channels as the rest of the server sees them: the stored ones, or with a datasource in front of them. */
import type { Config } from "../config/schema.ts";
import type { ChannelCache } from "../messaging/channel-cache.ts";
import type { Channels } from "../messaging/channels.ts";
import type { OutsideLists } from "../messaging/outside-lists.ts";
import type { Users } from "../messaging/users.ts";
import type { Log } from "../observe/log.ts";
import type { Store } from "../store/store.ts";
import type { World } from "../world/world.ts";
import { Datasource } from "./datasource.ts";
import { SourcedChannels } from "./sourced-channels.ts";
import { sourcedLists } from "./sourced-lists.ts";
import { SourcedUsers } from "./sourced-users.ts";

export interface SourcesDeps {
  readonly config: Config;
  readonly world: Pick<World, "clock" | "http">;
  readonly log: Log;
  readonly store: Store;
  readonly cache: ChannelCache;
  readonly users: Users;
  readonly channels: Channels;
}

export interface Sources {
  readonly users: Users;
  readonly channels: Channels;
  /** undefined: nothing is kept outside. */
  readonly outside: OutsideLists | undefined;
}

const QUESTIONS_MAX = 64;

export function createSources({ config, world, log, store, cache, users, channels }: SourcesDeps): Sources {
  const { datasource: keys, limits } = config;
  if (keys.addr === "") return { users, channels, outside: undefined };
  const { clock } = world;
  const datasource = new Datasource({
    clock,
    http: world.http,
    stateChanged: (because) => {
      if (because === null) log.info("the datasource answers again", { event: "datasource.up" });
      else log.error("the datasource does not answer", { event: "datasource.down", because });
    },
    options: {
      url: keys.addr,
      timeoutMs: keys.timeoutMs,
      answerBytesMax: limits.datasourceAnswerBytesMax,
      questionsMax: QUESTIONS_MAX,
    },
  });
  const times = { freshMs: keys.cacheTimeMs, staleMs: keys.staleTimeMs };
  const sourcedUsers = new SourcedUsers({ clock, users, datasource, options: times });
  const sourcedChannels = new SourcedChannels({
    clock,
    store,
    channels: cache,
    admin: channels,
    datasource,
    options: {
      ...times,
      asksInfo: keys.channelInfoOn,
      asksMembers: keys.subscribersOn,
      asksDenyList: keys.blacklistOn,
      asksAllowList: keys.whitelistOn,
      personAllowListOff: config.whitelistOffOfPerson,
      channelTypes: new Set(keys.channelTypes.map(Number)),
      cacheMax: limits.datasourceCacheMax,
      cacheBytesMax: limits.datasourceCacheBytesMax,
    },
  });
  return { users: sourcedUsers, channels: sourcedChannels, outside: sourcedLists(sourcedUsers, sourcedChannels) };
}
