/** What a connection has sent and not been answered: while that is too much, its socket is not read. */
import type { GatewayOptions } from "./gateway-options.ts";

/** What an unanswered SEND costs beyond its payload. */
const REQUEST_COST_BYTES = 256;

export function costOfSend(payload: Uint8Array): number {
  return payload.length + REQUEST_COST_BYTES;
}

export class SendWindow {
  readonly #options: Pick<GatewayOptions, "unansweredSendsMax" | "unansweredBytesMax">;
  #sends = 0;
  #bytes = 0;

  constructor(options: Pick<GatewayOptions, "unansweredSendsMax" | "unansweredBytesMax">) {
    this.#options = options;
  }

  accepted(payload: Uint8Array): void {
    this.#sends++;
    this.#bytes += costOfSend(payload);
  }

  answered(payload: Uint8Array): void {
    this.#sends--;
    this.#bytes -= costOfSend(payload);
  }

  /** With so much more than what is unanswered already. */
  isFull(sends: number, bytes: number): boolean {
    const { unansweredSendsMax, unansweredBytesMax } = this.#options;
    return this.#sends + sends >= unansweredSendsMax || this.#bytes + bytes >= unansweredBytesMax;
  }

  /** At half, so that a pipelining client is not stopped and started for each answer. */
  get hasRoomAgain(): boolean {
    const { unansweredSendsMax, unansweredBytesMax } = this.#options;
    return this.#sends * 2 <= unansweredSendsMax && this.#bytes * 2 <= unansweredBytesMax;
  }
}
