/** What became of the sends, as plain numbers that only grow. */
const REASONS = 32;

export interface SendingStats {
  /** By reason: SENDs of clients. */
  readonly client: readonly number[];
  /** By reason: sends of the back end. */
  readonly server: readonly number[];
  /** Of those: sent before, and answered with the first id. */
  readonly repeated: number;
}

export class SendingCounters {
  readonly #client = new Float64Array(REASONS);
  readonly #server = new Float64Array(REASONS);
  #repeated = 0;

  answered(isClient: boolean, reason: number, repeated: boolean): void {
    if (isClient) this.#client[reason]!++;
    else this.#server[reason]!++;
    if (repeated) this.#repeated++;
  }

  snapshot(): SendingStats {
    return { client: [...this.#client], server: [...this.#server], repeated: this.#repeated };
  }
}
