/** Chat lists of any length and any sync parameter. */
import { test } from "vitest";

test.todo("H-30: the oldest of 1200 groups is listed after a new message");
test.todo("H-31: msg_count 0 answers an empty list");
test.todo("R-50: msg_count 0 and below answer an empty list");
test.todo("H-32: paging while chats change gives every chat once");
test.todo("H-33: a store that cannot read answers an error, never a shorter list");
test.todo("H-34: channel ids with colon and pipe sync without loss");
test.todo("R-48: 5,000 chats are all returned by paging, in stable order, while messages arrive");
test.todo("R-49: the version parameter of old clients is accepted and never hides a changed chat");
test.todo(
  "R-02: right after the acknowledgement the chat is in both lists, newest first, over concurrent sends and syncs",
);
