/** A disk that fails: answered, said so, healed without a restart. */
import { test } from "vitest";

test.todo(
  "failed commits: a full disk answers every send with reason 15, keeps reading, and takes sends again once there is space",
);
test.todo(
  "failed commits: an I/O error in the middle of a burst loses no acknowledged message, skips no seq and stores no retry twice",
);
