/** Things at the same moment. */
import { test } from "vitest";

test.todo("races: a session that connects while 1,000 messages are sent has all of them, pushed or synced");
test.todo("races: a member removed while a burst is under way receives nothing after the answer");
test.todo("races: two bursts into a channel of 5,000 members are seen by each connection in one ascending order");
test.todo("races: 64 simultaneous group creations and adds leave one consistent member list");
