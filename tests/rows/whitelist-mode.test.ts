/** Person chats with whitelistOffOfPerson=false. */
import { test } from "vitest";

test.todo("H-17: only the receiver lists the sender: the offline receiver has the chat");
test.todo("H-18: the list filled by set instead of add gives the rows too");
test.todo("H-19: a message of a system account or the HTTP API from a uid in no list gives the row");
test.todo("H-20: switching whitelistOffOfPerson in either direction loses no chat");
test.todo("R-68: after removal from the allow list the next send is refused with the allow list's reason");
