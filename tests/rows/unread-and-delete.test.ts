/** The unread number and the deletion of chats. */
import { test } from "vitest";

test.todo("H-25: delete with 10 unread, then one message: unread 1 and only the new message");
test.todo("H-26: a deleted message is not returned to a client that asks from just before it");
test.todo("H-27: setUnread 3 on an empty channel is unread 0 and later messages count");
test.todo("H-28: setUnread 2 after reading everything is unread 2");
test.todo("H-29: a chat deleted right after its first message stays deleted");
test.todo("H-29b: own messages from one device are no unread on the other, also when the peer answers");
test.todo("H-29c: a deleted chat stays deleted in later syncs after other changes");
test.todo("H-29d: clearUnread on one device is seen at once by the sync of another");
test.todo("R-05: a deleted chat comes back with the peer's next message, alone, unread 1");
test.todo("R-38: three own messages and two of the peer are unread 2, also interleaved");
test.todo("R-39: unread is right in both directions for random exchanges");
test.todo("R-41: unread is never below the true number while messages arrive");
test.todo("R-42: setUnread n gives min(n, visible) for n = 0, 1, 5, last, last + 1");
test.todo("R-43: a chat with unread cleared stays in the full sync and its read state is in the incremental one");
test.todo("R-44: a second device learns in its incremental sync that the first one read the chat");
test.todo("R-45: a deleted chat with 0, 1, 2 unread is absent with only_unread 0 and 1");
test.todo("R-46: only_unread returns exactly the chats with unread messages");
test.todo("R-47: messages without red dot raise no unread");
