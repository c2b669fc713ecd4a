/** What was acknowledged is in the lists after any end of the process. */
import { test } from "vitest";

test.todo("H-35: a first message acknowledged right before kill -9 is in both lists after the restart");
test.todo("H-36: a message acknowledged right before kill -9 is found and a later one is delivered");
test.todo("H-37: a graceful stop in the middle of a burst loses no acknowledged chat");
test.todo("H-38: graceful stop, start and kill -9 at once loses no chat");
test.todo("H-39: a damaged file beside the store does not stop the start");
test.todo("H-40: 150 new person chats within seconds are all listed, also after kill -9");
test.todo("H-40b: a message to a group of 250 members is in 250 lists");
test.todo("H-40c: rows written while others are being written are all kept");
test.todo("H-40d: a member change between two messages loses nobody's row");
test.todo("H-40e: a burst larger than every pool is answered message by message and nothing acknowledged is lost");
test.todo("H-40f: removing members during a burst does not end the process");
test.todo("H-40g: a failed commit is answered as failed and its retry makes the row");
test.todo("H-40i: the last of many queued deletes and creates of one row wins");
test.todo("R-03: a first message and kill -9 after a random delay: both lists contain the chat");
test.todo("R-04: 120 new person chats give 240 rows");
