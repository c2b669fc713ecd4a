/** Why a change did not become durable, as data for the decide side and as an error for callers that wait. */
export interface CommitFailure {
  /** "refused": nothing was written. "unknown": the write failed and may or may not be on disk. */
  readonly outcome: "refused" | "unknown";
  readonly code: "overloaded" | "read_only" | "store_failed";
  readonly cause: unknown;
}

/** Thrown (or rejected with) where a caller waits for the store. HTTP answers it with 503. */
export class StoreUnavailable extends Error {
  readonly code: CommitFailure["code"];
  readonly outcome: CommitFailure["outcome"];
  constructor(failure: CommitFailure) {
    super(TEXT[failure.code], { cause: failure.cause });
    this.name = "StoreUnavailable";
    this.code = failure.code;
    this.outcome = failure.outcome;
  }
}

const TEXT = {
  overloaded: "too many writes are waiting, try again",
  read_only: "the store is read-only at the moment, try again",
  store_failed: "the store failed to write, try again",
} as const;
