/** Every CONNECT is answered. */
import { test } from "vitest";

test.todo("connections: 2,000 logins, sequential and 50 at a time, are all answered");
test.todo("connections: a kicked session's socket is really closed");
test.todo("connections: CONNACK comes before every RECV");
