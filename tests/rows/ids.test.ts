/** Which ids are refused and which work. */
import { test } from "vitest";

test.todo("H-41: plumless and buckeroo, with equal checksums, chat both ways in one channel");
test.todo("H-42: a person message to an empty id or an id with @ is refused");
test.todo("H-43: a group id with & is refused or works like any other");
