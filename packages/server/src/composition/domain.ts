/** The domain and what stands around it: channels, users, rows, history, commands, and where the back end keeps lists. */
import { createSources, type Sources } from "../hooks/sources.ts";
import { ChannelAdmin } from "../messaging/channel-admin.ts";
import { ChannelCache } from "../messaging/channel-cache.ts";
import { ChatListReader } from "../messaging/chat-list-reader.ts";
import { CommandCursors } from "../messaging/command-cursors.ts";
import { CommandSync } from "../messaging/command-sync.ts";
import { Conversations } from "../messaging/conversations.ts";
import { EarlyAcks } from "../messaging/early-acks.ts";
import { HandOuts } from "../messaging/hand-outs.ts";
import { IdGenerator } from "../messaging/ids.ts";
import { MessageHistory } from "../messaging/message-history.ts";
import { MessageStandings } from "../messaging/message-standing.ts";
import { ReadMarks } from "../messaging/read-marks.ts";
import { RecentMessages } from "../messaging/recent-messages.ts";
import { Removals } from "../messaging/removals.ts";
import { UserDirectory } from "../messaging/user-directory.ts";
import type { CacheMetrics } from "../observe/metrics/cache-families.ts";
import { lastIds } from "../store/message-ids.ts";
import type { Store } from "../store/store.ts";
import type { Foundation } from "./foundation.ts";

export interface Domain {
  readonly ids: IdGenerator;
  /** The data directory held messages before this start. */
  readonly isRestart: boolean;
  readonly channels: ChannelCache;
  readonly conversations: Conversations;
  readonly users: UserDirectory;
  readonly sources: Sources;
  readonly history: MessageHistory;
  readonly cursors: CommandCursors;
  readonly chatList: ChatListReader;
  readonly commands: CommandSync;
  readonly standings: MessageStandings;
  readonly caches: () => CacheMetrics;
}

export async function openDomain({ config, world, log, store, failed }: Foundation): Promise<Domain> {
  const { limits } = config;
  const { clock } = world;
  const ids = new IdGenerator(clock, config.cluster.nodeId);
  const isRestart = await continueIds(ids, store);
  const channels = new ChannelCache(store, {
    countMax: limits.channelCacheMax,
    bytesMax: limits.channelCacheBytesMax,
  });
  const conversations = new Conversations(store, {
    countMax: limits.conversationCacheUsersMax,
    bytesMax: limits.conversationCacheBytesMax,
  });
  const users = await UserDirectory.load(store, clock, {
    tokenAuthOn: config.tokenAuthOn,
    managerUid: config.managerUID,
    managerToken: config.managerToken,
    visitorsSuffix: config.customerService.visitorsOn ? config.customerService.visitorsSuffix : undefined,
  });
  const admin = new ChannelAdmin({ clock, store, channels, conversations, ids });
  const sources = createSources({ config, world, log, store, cache: channels, users, channels: admin });
  const history = new MessageHistory(store, channels, clock);
  const early = new EarlyAcks({ countMax: limits.earlyCommandAcksMax, bytesMax: limits.earlyCommandAcksBytesMax });
  const cursors = new CommandCursors({ store, channels, conversations, early, failed });
  const handOuts = new HandOuts({ countMax: limits.commandHandOutsMax, bytesMax: limits.commandHandOutsBytesMax });
  const commands = new CommandSync({ world, store, channels, conversations, cursors, early, handOuts });
  const removals = new Removals(store, clock);
  const recents = new RecentMessages(store, history, {
    countMax: limits.recentsCacheMax,
    bytesMax: limits.recentsCacheBytesMax,
  });
  const listing = { showSystem: config.conversation.showSystem, countAll: config.conversation.countAll };
  const chatList = new ChatListReader({
    world,
    conversations,
    channels,
    recents,
    marks: new ReadMarks({ store, channels, conversations, ids }),
    removals,
    options: { ...listing, ordersMax: limits.listOrdersMax, orderBytesMax: limits.listOrdersBytesMax },
  });
  const standings = new MessageStandings({ store, channels, conversations, history, removals, options: listing });
  const caches = (): CacheMetrics => ({
    channels: channels.stats(),
    conversations: conversations.stats(),
    recents: recents.stats(),
    list_orders: chatList.orderStats(),
    command_hand_outs: handOuts.stats(),
    early_acks: early.stats(),
  });
  return {
    ids,
    isRestart,
    channels,
    conversations,
    users,
    sources,
    history,
    cursors,
    chatList,
    commands,
    standings,
    caches,
  };
}

/** Ids go on behind the greatest one stored, whatever the clock says today. Whether there was one. */
async function continueIds(ids: IdGenerator, store: Store): Promise<boolean> {
  const lasts = (await lastIds(store)).filter((last) => last !== undefined);
  for (const last of lasts) ids.continueAfter(last);
  return lasts.length > 0;
}
