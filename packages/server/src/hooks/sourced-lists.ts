/** All that a decision needs of the datasource: the system accounts and the lists of a channel. */
import type { ChannelKey } from "../messaging/message.ts";
import type { OutsideLists } from "../messaging/outside-lists.ts";
import type { SourcedUsers } from "./sourced-users.ts";

export function sourcedLists(users: Pick<SourcedUsers, "bring">, channels: OutsideLists): OutsideLists {
  return {
    bring(key: ChannelKey): boolean | Promise<boolean> {
      const known = channels.bring(key);
      return users.bring()?.then(() => known) ?? known;
    },
  };
}
