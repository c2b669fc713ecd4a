/**
 * The way to one receiver. There is no queue that could overflow while it is down: whoever has an event waits here until
 * it is delivered, and the messages behind it wait on disk.
 *
 * A receiver that is down is asked by one event at a time, each time another one, with growing pauses. One event that is
 * refused while others are taken gets a few tries of its own and is then laid aside as a dead letter.
 */
import { StoreUnavailable } from "../store/commit-failure.ts";
import type { World } from "../world/world.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Transport } from "./http-transport.ts";
import type { Outcome } from "./outcome.ts";
import { type EventName, type WebhookEvent, type WebhookSender, WebhookStopped } from "./webhook.ts";

export interface ReceiverOptions {
  /** Of its dead letters: never renamed. */
  readonly name: string;
  readonly wants: (name: EventName) => boolean;
  readonly requestsMax: number;
  /** Refusals of one event until it is laid aside. */
  readonly triesMax: number;
  readonly pauseLongestMs: number;
}

export interface ReceiverDeps {
  readonly world: Pick<World, "clock" | "timers" | "random">;
  readonly transport: Transport;
  readonly deadLetters: Pick<DeadLetters, "add">;
  /** Told when it begins and ends to be down, and of each dead letter. */
  readonly told: {
    down(reason: string): void;
    up(): void;
    laidAside(event: WebhookEvent, reason: string): void;
    /** Once for each event for which there is no room among the dead letters: it waits, and what is behind it. */
    full(event: WebhookEvent): void;
  };
  readonly options: ReceiverOptions;
}

/** Numbers since the start of the process. */
export interface ReceiverState {
  readonly name: string;
  readonly isDown: boolean;
  /** Of the last failed try; "" after one that was taken. */
  readonly reason: string;
  readonly taken: number;
  readonly failedTries: number;
  readonly laidAside: number;
  readonly requests: number;
  readonly waiting: number;
}

const PAUSE_FIRST_MS = 500;
/** A failure inside the receiver may be its passing trouble: an event gets more tries before it is blamed. */
const ERROR_PATIENCE = 4;
/** A request that is under way when the server stops may take so long. */
const STOP_MS_MAX = 1_500;

export class Receiver implements WebhookSender {
  readonly #deps: ReceiverDeps;
  readonly #line: { readonly go: () => void; readonly stop: () => void }[] = [];
  /** Rejects whoever waits for a pause or, after a while, for an answer. */
  readonly #pausing = new Set<() => void>();
  readonly #asking = new Set<() => void>();
  #requests = 0;
  /** In a row, over all events. */
  #failures = 0;
  #isPaused = false;
  #isStopped = false;
  #reason = "";
  #taken = 0;
  #failedTries = 0;
  #laidAside = 0;

  constructor(deps: ReceiverDeps) {
    this.#deps = deps;
  }

  get state(): ReceiverState {
    return {
      name: this.#deps.options.name,
      isDown: this.#failures > 0,
      reason: this.#reason,
      taken: this.#taken,
      failedTries: this.#failedTries,
      laidAside: this.#laidAside,
      requests: this.#requests,
      waiting: this.#line.length + this.#pausing.size,
    };
  }

  wants(name: EventName): boolean {
    return this.#deps.options.wants(name);
  }

  async deliver(event: WebhookEvent): Promise<void> {
    const { options, told } = this.#deps;
    let refusals = 0;
    let errors = 0;
    let failures = 0;
    let isToldFull = false;
    for (;;) {
      const takenBefore = this.#taken;
      const outcome = await this.try(event);
      if (outcome.kind === "taken") return;
      // Nothing else was taken meanwhile: the receiver is to blame, not the event, and it paces all alike.
      if (outcome.kind !== "refused" && this.#taken === takenBefore) continue;
      failures++;
      if (outcome.kind === "refused") refusals++;
      else if (outcome.kind === "error") errors++;
      if (refusals >= options.triesMax || errors >= options.triesMax * ERROR_PATIENCE) {
        if (await this.#layAside(event, outcome.reason, failures)) return;
        if (!isToldFull) told.full(event);
        isToldFull = true;
      }
      await this.#pause(this.#pauseMs(failures));
    }
  }

  /** Once, when it is its turn. Rejects with `WebhookStopped`. */
  async try(event: WebhookEvent): Promise<Outcome> {
    await this.#turn();
    const failuresBefore = this.#failures;
    let outcome: Outcome;
    try {
      outcome = await this.#ask(event);
    } finally {
      this.#requests--;
    }
    if (outcome.kind === "taken") this.#taken++;
    else this.#failedTries++;
    this.#note(outcome, failuresBefore);
    this.#admit();
    return outcome;
  }

  /** What waits is given up at once, what is under way a little later. */
  stop(): void {
    this.#isStopped = true;
    for (const { stop } of this.#line.splice(0)) stop();
    for (const stop of this.#pausing) stop();
    this.#deps.world.timers.after(STOP_MS_MAX, () => {
      for (const stop of this.#asking) stop();
    });
  }

  #note(outcome: Outcome, failuresBefore: number): void {
    const { told, world } = this.#deps;
    if (outcome.kind === "taken" || outcome.kind === "refused") {
      if (this.#failures > 0) told.up();
      this.#failures = 0;
      this.#reason = outcome.kind === "taken" ? "" : outcome.reason;
      return;
    }
    this.#reason = outcome.reason;
    // Of several that fail together one is enough.
    if (this.#failures !== failuresBefore || this.#isPaused) return;
    if (this.#failures === 0) told.down(outcome.reason);
    this.#failures++;
    this.#isPaused = true;
    world.timers.after(this.#pauseMs(this.#failures), () => {
      this.#isPaused = false;
      this.#admit();
    });
  }

  #turn(): Promise<void> {
    if (this.#isStopped) return Promise.reject(new WebhookStopped());
    return new Promise((resolve, reject) => {
      this.#line.push({ go: resolve, stop: () => reject(new WebhookStopped()) });
      this.#admit();
    });
  }

  #admit(): void {
    const max = this.#failures > 0 ? 1 : this.#deps.options.requestsMax;
    while (!this.#isPaused && this.#requests < max) {
      const next = this.#line.shift();
      if (next === undefined) return;
      this.#requests++;
      next.go();
    }
  }

  #ask(event: WebhookEvent): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(new WebhookStopped());
      this.#asking.add(stop);
      this.#deps
        .transport(event)
        .then(resolve, reject)
        .finally(() => this.#asking.delete(stop));
    });
  }

  async #layAside(event: WebhookEvent, reason: string, tries: number): Promise<boolean> {
    const { deadLetters, options, told } = this.#deps;
    try {
      if (!(await deadLetters.add({ receiver: options.name, event, reason, tries }))) return false;
    } catch (error) {
      if (error instanceof StoreUnavailable) return false;
      throw error;
    }
    this.#laidAside++;
    told.laidAside(event, reason);
    return true;
  }

  /** Growing, with half of it left to chance. */
  #pauseMs(failures: number): number {
    const { world, options } = this.#deps;
    const pauseMs = Math.min(PAUSE_FIRST_MS * 2 ** Math.min(failures - 1, 20), options.pauseLongestMs);
    return pauseMs / 2 + (pauseMs / 2) * (world.random.uint32() / 2 ** 32);
  }

  #pause(delayMs: number): Promise<void> {
    if (this.#isStopped) return Promise.reject(new WebhookStopped());
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        timer.cancel();
        this.#pausing.delete(stop);
        reject(new WebhookStopped());
      };
      const timer = this.#deps.world.timers.after(delayMs, () => {
        this.#pausing.delete(stop);
        resolve();
      });
      this.#pausing.add(stop);
    });
  }
}
