/** The published wukongimjssdk against a real process. */
import { test } from "vitest";

test.todo("real SDK: connects with a token, sends and receives encrypted text");
test.todo("real SDK: a group message reaches all members");
test.todo("real SDK: after a reconnect the missed messages are in the list and in history");
test.todo("real SDK: a kicked device learns the reason");
test.todo("real SDK: 1,000 reconnects leave no ghosts");
