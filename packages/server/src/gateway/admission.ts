/** How many connections there are, in all and from each address. */
import type { CloseReason } from "./close-reasons.ts";

export interface AdmissionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerIpMax: number;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #perIp = new Map<string, number>();
  #count = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Counts one in; a reason: there is no room for it. */
  open(ip: string): CloseReason | undefined {
    const fromIp = this.#perIp.get(ip) ?? 0;
    if (this.#count >= this.#limits.connectionsMax) return "too_many_connections";
    if (fromIp >= this.#limits.connectionsPerIpMax) return "too_many_connections_from_ip";
    this.#count++;
    this.#perIp.set(ip, fromIp + 1);
    return undefined;
  }

  /** One that was counted in has ended. */
  close(ip: string): void {
    this.#count--;
    const left = (this.#perIp.get(ip) ?? 1) - 1;
    if (left === 0) this.#perIp.delete(ip);
    else this.#perIp.set(ip, left);
  }
}
