/**
 * System accounts that the back end keeps. Its answer replaces the stored list: asked for before the first decision,
 * then in the background when it is older than `freshMs`. While none can be had the last one counts for up to `staleMs`,
 * and the stored list where there is none. A change by the API counts at once, and the back end is asked again.
 */
import { SYSTEM_UID } from "@wukong-ts/protocol";
import type { Device, KnownDevice, LoginRequest, LoginVerdict, Users } from "../messaging/users.ts";
import type { Clock } from "../world/world.ts";
import type { Datasource } from "./datasource.ts";

export interface SourcedUsersDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly users: Users;
  readonly datasource: Pick<Datasource, "systemUids">;
  readonly options: { readonly freshMs: number; readonly staleMs: number };
}

/** After a failure nothing is asked for so long. */
const REST_AFTER_FAILURE_MS = 1_000;

export class SourcedUsers implements Users {
  readonly #deps: SourcedUsersDeps;
  #answer: { readonly uids: ReadonlySet<string>; readonly askedMs: number } | undefined;
  #asking: Promise<void> | undefined;
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  /** Of the list by the API: an answer that one of them has overtaken is asked for again. */
  #changes = 0;

  constructor(deps: SourcedUsersDeps) {
    this.#deps = deps;
  }

  /** undefined: nothing to wait for. Never rejects. */
  bring(): Promise<void> | undefined {
    if (this.#asking === undefined && this.#deps.clock.monotonicMs() >= this.#restsUntilMs) this.#ask();
    return this.#answer === undefined ? this.#asking : undefined;
  }

  isSystem(uid: string): boolean {
    if (uid === SYSTEM_UID) return true;
    const answer = this.#usable();
    return answer === undefined ? this.#deps.users.isSystem(uid) : answer.has(uid);
  }

  systemUids(): readonly string[] {
    const answer = this.#usable();
    return answer === undefined ? this.#deps.users.systemUids() : [...answer];
  }

  async addSystemUids(uids: readonly string[]): Promise<void> {
    await this.#deps.users.addSystemUids(uids);
    this.#changed((known) => new Set([...known, ...uids]));
  }

  async removeSystemUids(uids: readonly string[]): Promise<void> {
    await this.#deps.users.removeSystemUids(uids);
    this.#changed((known) => new Set([...known].filter((uid) => !uids.includes(uid))));
  }

  login(request: LoginRequest): LoginVerdict {
    return this.#deps.users.login(request);
  }
  setToken(uid: string, deviceFlag: number, device: Device): Promise<number> {
    return this.#deps.users.setToken(uid, deviceFlag, device);
  }
  quitDevice(uid: string, deviceFlag: number): Promise<boolean> {
    return this.#deps.users.quitDevice(uid, deviceFlag);
  }
  devices(uid: string): Promise<readonly KnownDevice[]> {
    return this.#deps.users.devices(uid);
  }

  #usable(): ReadonlySet<string> | undefined {
    if (this.#answer === undefined) return undefined;
    const ageMs = this.#deps.clock.monotonicMs() - this.#answer.askedMs;
    return ageMs <= this.#deps.options.staleMs ? this.#answer.uids : undefined;
  }

  #changed(change: (known: ReadonlySet<string>) => ReadonlySet<string>): void {
    this.#changes++;
    this.#restsUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#answer !== undefined) this.#answer = { ...this.#answer, uids: change(this.#answer.uids) };
  }

  #ask(): void {
    const { clock, datasource, options } = this.#deps;
    const askedMs = clock.monotonicMs();
    const changes = this.#changes;
    this.#asking = datasource.systemUids().then(
      (uids) => {
        this.#asking = undefined;
        if (changes !== this.#changes) return;
        this.#answer = { uids: new Set(uids), askedMs };
        this.#restsUntilMs = askedMs + options.freshMs;
      },
      () => {
        // The datasource has reported it.
        this.#asking = undefined;
        this.#restsUntilMs = clock.monotonicMs() + REST_AFTER_FAILURE_MS;
      },
    );
  }
}
