/** Members that come, go and come back. */
import { test } from "vitest";

test.todo("H-21: a member added after 100 messages has unread 1 after message 101");
test.todo("H-22: adding a member again leaves his 5 unread messages");
test.todo("H-22: creating the channel again with the full list leaves his 5 unread messages");
test.todo("H-23: a member added at the moment of the first message receives the next one online and offline");
test.todo("H-24: a member taken off the deny list has his chat");
test.todo("H-24b: a deny list of a person makes no junk row and leaves the real row");
test.todo("H-24c: after reset and after remove_all former members do not sync the group");
test.todo("H-24d: removing and adding a member during a burst leaves his row with the right read position");
test.todo("R-67: a removed member receives nothing more and is refused as not a member; added again he may send");
test.todo("R-40: clearing unread, then adding the member again and creating the channel again leaves unread 0");
