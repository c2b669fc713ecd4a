/** The chats of one seed: the three users' person chats, a group, and some channels of other kinds. */
import type { SeededRandom } from "../world/simulated/seeded-random.ts";

export const USERS = ["ann", "ben", "cat"] as const;

export interface Chat {
  /** Of this chat among all, for people. */
  readonly name: string;
  readonly type: number;
  /** Who belongs to it whatever lists say. */
  readonly implied: readonly string[];
  /** Has a list of members that changes. */
  readonly isListed: boolean;
  readonly isInChatList: boolean;
  /** Its members are set with /tmpchannel/subscriber_set, and no client may send. */
  readonly isTemporary: boolean;
  /** Whoever is no member may send too. */
  readonly isOpen: boolean;
  /** Lists and bans of persons, groups and the like decide too. */
  readonly hasMoreRules: boolean;
  /** As this user addresses and reads it; undefined: he cannot. */
  idFor(uid: string): string | undefined;
}

const GROUP = channel("team", 2);

/** Of these each seed has some. */
const OTHERS: readonly Chat[] = [
  channel("ann|shop", 3, { implied: ["ann"], isOpen: true, hasMoreRules: false }),
  channel("commune", 4),
  channel("passing", 8, { isInChatList: false, isTemporary: true }),
  channel("ben", 10, { implied: ["ben"], hasMoreRules: false }),
  channel("ann@cat", 11, { implied: ["ann", "cat"], isListed: false, hasMoreRules: false }),
  channel("robots", 12),
];
const OTHERS_PER_SEED = 2;

export function chatsOfSeed(random: SeededRandom): readonly Chat[] {
  const first = random.below(OTHERS.length);
  const others = OTHERS.filter((_, index) => (index - first + OTHERS.length) % OTHERS.length < OTHERS_PER_SEED);
  return [person("ann", "ben"), person("ann", "cat"), person("ben", "cat"), person("ben", "ben"), GROUP, ...others];
}

function person(a: string, b: string): Chat {
  return {
    name: `${a} with ${b}`,
    type: 1,
    implied: a === b ? [a] : [a, b],
    isListed: false,
    isInChatList: true,
    isTemporary: false,
    isOpen: false,
    hasMoreRules: true,
    idFor: (uid) => (uid === a ? b : uid === b ? a : undefined),
  };
}

function channel(id: string, type: number, differences: Partial<Omit<Chat, "idFor">> = {}): Chat {
  return {
    name: `${id} of type ${type}`,
    type,
    implied: [],
    isListed: true,
    isInChatList: true,
    isTemporary: false,
    isOpen: false,
    hasMoreRules: true,
    idFor: () => id,
    ...differences,
  };
}

/** What the server makes of a command that names its receivers itself. */
export function chatOfSubscribers(subscribers: readonly string[], id: string): Chat {
  return channel(id, 8, {
    name: `only ${subscribers.join()}`,
    implied: subscribers,
    isListed: false,
    isInChatList: false,
  });
}
