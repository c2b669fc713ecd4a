/** An acknowledgement never runs ahead of the disk. */
import { test } from "vitest";

test.todo("durability: no SENDACK leaves before the sync that covers it (strace)");
test.todo("durability: five kill -9 under load lose nothing acknowledged, store nothing twice and leave no gap");
test.todo("durability: a second process on the same data directory ends with one clear line and code 1");
test.todo("durability: data of a newer format ends the start with one clear line and code 1");
test.todo("durability: an unreadable directory ends the start with one clear line and code 1");
test.todo("durability: SIGTERM answers what was accepted, closes the sessions with a reason and exits within 5 s");
