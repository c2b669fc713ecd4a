/** A pure model of unread against the server, over random operations. */
import { test } from "vitest";

test.todo("unread model: the server agrees with the model over random histories in a person chat");
test.todo("unread model: the server agrees with the model over random histories in a group with re-joins");
