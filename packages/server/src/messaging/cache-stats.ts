/** What a bounded cache says of itself: plain data. */
export interface CacheStats {
  readonly entries: number;
  readonly countMax: number;
  /** Estimated. */
  readonly bytes: number;
  readonly bytesMax: number;
  /** Asked for and there; asked for and not there. */
  readonly hits: number;
  readonly misses: number;
  /** Given up for want of room. */
  readonly evictions: number;
}
