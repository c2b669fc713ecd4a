/** What is read is what was stored. */
import { test } from "vitest";

test.todo("H-56: the first message of every page keeps its header flags");
test.todo("H-57: a message above 1 MiB over HTTP is refused cleanly");
test.todo("H-57: a frame above the limit closes only its own connection");
