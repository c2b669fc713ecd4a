/** Every way a first message can happen: an acknowledged one is in the lists, a refused one nowhere. */
import { test } from "vitest";

test.todo("first-message matrix: at least 2,000 person cells, whitelistOffOfPerson true, no restart");
test.todo("first-message matrix: whitelistOffOfPerson true, after SIGTERM");
test.todo("first-message matrix: whitelistOffOfPerson true, after kill -9 at the last SENDACK");
test.todo("first-message matrix: whitelistOffOfPerson false, no restart");
test.todo("first-message matrix: whitelistOffOfPerson false, after SIGTERM");
test.todo("first-message matrix: whitelistOffOfPerson false, after kill -9 at the last SENDACK");
test.todo("first-message matrix: groups, members added before, during and after the burst");
test.todo("first-message matrix: last messages at page borders");
