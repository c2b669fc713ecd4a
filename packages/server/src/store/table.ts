/** What a table is: a number in the key, and how its keys and rows become bytes. The tables themselves are in `tables.ts`. */
export interface Table<Key, Row> {
  readonly name: string;
  readonly id: number;
  keyOf(shard: number, key: Key): Uint8Array;
  encode(row: Row): Uint8Array;
  /** `key` is the whole key as `keyOf` made it: rows need not repeat what stands there. */
  decode(value: Uint8Array, key: Uint8Array): Row;
}
