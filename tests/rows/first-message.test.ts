/** The first message of a person chat makes the chat visible to both, in every way it can be sent. */
import { test } from "vitest";

test.todo("H-01: a first message to an offline user is in his list with unread 1");
test.todo("H-02: second and third message before the first sync give unread 3");
test.todo("H-03: a channel with messages but without rows gets its rows with the next message");
test.todo("H-04: a row that was removed is written again by the message with seq 57");
test.todo("H-05: a NoPersist message before the first stored one does not hide the chat");
test.todo("H-06: several first messages in one read give a row for both and no unread for the sender");
test.todo("H-07: first messages sent at the same moment from two connections give one row and the right unread");
test.todo("H-07b: a send that was answered with an error and then retried is stored once and is in the list");
test.todo("H-08: a first message of a system account with a uid of its own is in the list, one of ____system is not");
test.todo("H-09: a first message to oneself is one row and one RECV per other device");
test.todo("R-01: with only the receiver's allow list filled, an offline receiver finds the chat with unread 1");
test.todo("R-28: 64 concurrent first messages to the same chat are one row");
test.todo("H-16: a group with NoPersist messages only is in nobody's list");
