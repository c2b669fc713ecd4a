/** A message is stored once however often it is sent. */
import { test } from "vitest";

test.todo("R-26: ten retries without the answers being read store one message with ten equal answers");
test.todo("R-26: a retry after a reconnect and after a restart gets the first answer");
test.todo("R-26: the same over HTTP");
test.todo("INV-3: 100 copies over 10 connections at once are one message with 100 equal answers");
test.todo("INV-3: another payload under the same number is refused with reason 28 and nothing is stored");
test.todo("INV-3: messages with an empty number are never taken for copies");
test.todo("INV-3: a removed member's retry still gets his first answer");
