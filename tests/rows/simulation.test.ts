/** The whole server on a simulated disk, clock and network. */
import { test } from "vitest";

test.todo(
  "simulation: 1,000 seeds of sends, retries, list changes, syncs, reads, crashes and failed writes keep promises 1 to 5",
);
test.todo("simulation: a failing seed replays identically");
