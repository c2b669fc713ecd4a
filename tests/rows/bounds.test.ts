/** Whatever outsiders can grow has a bound. */
import { test } from "vitest";

test.todo("bounds: 200,000 sends at once on a slow disk are each answered with 1, 15 or 22 in bounded memory");
test.todo("bounds: the list of a user with 5,000 chats is exact while all heads move");
