/** Bytes, bodies and connections meant to hurt: other clients do not notice. */
import { test } from "vitest";

test.todo("R-60: mutated frames never end the process");
test.todo("R-60: malformed PROXY headers never end the process");
test.todo("hostile input: 10,000 random byte streams leave the server answering");
test.todo("hostile input: bodies over the limit are refused");
test.todo("hostile input: connections that never finish CONNECT are closed in time");
test.todo("hostile input: a reader that does not read is cut and others do not notice");
test.todo("P8: reserved uids and device ids are refused at CONNECT");
test.todo("P8: a wrong manager token on CONNECT is answered and the server lives");
