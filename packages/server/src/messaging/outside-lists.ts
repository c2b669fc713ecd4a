/** Where the lists of a channel are kept outside, by the back end: what a decision needs of them is brought in by gather. */
import type { ChannelKey } from "./message.ts";

export interface OutsideLists {
  /**
   * Brings the stored members, lists and flags of this channel (or person's own record) up to what the back end says,
   * members with their rows. true: they are, nothing is to be waited for. false: what they are cannot be known now, so
   * nothing may be decided. Never rejects.
   */
  bring(key: ChannelKey): boolean | Promise<boolean>;
}
