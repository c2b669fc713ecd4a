/** Ids of every shape, over HTTP and the wire: a clear answer, and the process lives. */
import { test } from "vitest";

test.todo("R-51: every id field of every route with hostile ids answers 200 or 4xx and the process lives");
test.todo("R-51: every id field of the wire with hostile ids is answered or closed and the process lives");
test.todo("R-51: after hostile ids the server restarts cleanly");
test.todo("hostile ids: lone surrogates in JSON are refused");
test.todo("hostile ids: invalid UTF-8 on the wire is refused");
