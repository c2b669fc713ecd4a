import { describe, expect, test } from "vitest";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import type { Refusal } from "./dead-letters.ts";
import type { Outcome } from "./outcome.ts";
import { Receiver, type ReceiverOptions } from "./receiver.ts";
import { type WebhookEvent, WebhookStopped } from "./webhook.ts";

const TAKEN: Outcome = { kind: "taken" };
const DOWN: Outcome = { kind: "down", reason: "refused" };
const ERROR: Outcome = { kind: "error", reason: "HTTP 500" };
const REFUSED: Outcome = { kind: "refused", reason: "HTTP 400" };

class Bench {
  readonly simulation: Simulation = createSimulatedWorld({ seed: 1 });
  readonly tried: { readonly id: string; readonly atMs: number }[] = [];
  readonly taken: string[] = [];
  readonly letters: Refusal[] = [];
  readonly log: string[] = [];
  readonly done: string[] = [];
  readonly stopped: string[] = [];
  hasRoom = true;
  atOnce = 0;
  atOnceMost = 0;
  react: (id: string) => Outcome = () => TAKEN;
  answerMs = 10;
  readonly receiver: Receiver;

  constructor(options: Partial<ReceiverOptions> = {}) {
    const { world } = this.simulation;
    this.receiver = new Receiver({
      world,
      transport: (event) => this.#try(event),
      deadLetters: {
        add: async (refusal) => {
          if (this.hasRoom) this.letters.push(refusal);
          return this.hasRoom;
        },
      },
      told: {
        down: (reason) => this.log.push(`down: ${reason}`),
        up: () => this.log.push("up"),
        laidAside: ({ id }) => this.log.push(`laid aside ${id}`),
        full: ({ id }) => this.log.push(`full ${id}`),
      },
      options: {
        name: "webhook",
        wants: () => true,
        requestsMax: 4,
        triesMax: 3,
        pauseLongestMs: 8_000,
        ...options,
      },
    });
  }

  deliver(...ids: string[]): void {
    for (const id of ids)
      this.receiver.deliver({ name: "msg.notify", id, body: new Uint8Array(0) }).then(
        () => void this.done.push(id),
        (error: unknown) => {
          if (!(error instanceof WebhookStopped)) throw error;
          this.stopped.push(id);
        },
      );
  }

  #try({ id }: WebhookEvent): Promise<Outcome> {
    this.tried.push({ id, atMs: this.simulation.nowMs });
    this.atOnceMost = Math.max(this.atOnceMost, ++this.atOnce);
    return new Promise((resolve) =>
      this.simulation.world.timers.after(this.answerMs, () => {
        this.atOnce--;
        const outcome = this.react(id);
        if (outcome.kind === "taken") this.taken.push(id);
        resolve(outcome);
      }),
    );
  }
}

describe("a receiver that takes events", () => {
  test("gets a few at a time, in the order in which they came", async () => {
    const bench = new Bench();
    const ids = Array.from({ length: 30 }, (_, index) => `e${index}`);
    bench.deliver(...ids);
    await bench.simulation.run(1_000);
    expect(bench.tried.map(({ id }) => id)).toEqual(ids);
    expect(bench.done).toHaveLength(30);
    expect(bench.atOnceMost).toBe(4);
    expect(bench.receiver.state).toMatchObject({ isDown: false, taken: 30, failedTries: 0, requests: 0, waiting: 0 });
  });
});

describe("a receiver that is down", () => {
  test("is asked by one event at a time, with growing pauses, by each in its turn, and loses none", async () => {
    const bench = new Bench();
    bench.react = () => DOWN;
    const ids = Array.from({ length: 6 }, (_, index) => `e${index}`);
    bench.deliver(...ids);
    await bench.simulation.run(3_600_000);
    expect(bench.done).toEqual([]);
    expect(bench.letters).toEqual([]);
    expect(bench.log).toEqual(["down: refused"]);
    const later = bench.tried.slice(4);
    const pauses = later.slice(1).map(({ atMs }, index) => atMs - later[index]!.atMs);
    expect(Math.max(...pauses)).toBeLessThan(8_100);
    // Half of a pause is chance.
    expect(Math.min(...pauses.slice(6))).toBeGreaterThan(4_000);
    expect(later.length).toBeLessThan(3_600_000 / 4_000 + 10);
    expect(new Set(later.slice(0, 6).map(({ id }) => id)).size).toBe(6);
    expect(bench.receiver.state).toMatchObject({ isDown: true, reason: "refused", waiting: 6 });

    bench.react = () => TAKEN;
    await bench.simulation.run(9_000);
    expect(bench.done.toSorted()).toEqual(ids);
    expect(bench.log).toEqual(["down: refused", "up"]);
    expect(bench.receiver.state).toMatchObject({ isDown: false, reason: "", waiting: 0 });
  });

  test("in itself is not taken for one that refuses", async () => {
    const bench = new Bench();
    bench.react = () => ERROR;
    bench.deliver("e1", "e2");
    await bench.simulation.run(3_600_000);
    expect(bench.letters).toEqual([]);
    bench.react = () => TAKEN;
    await bench.simulation.run(9_000);
    expect(bench.done.toSorted()).toEqual(["e1", "e2"]);
  });

  test("from whom nothing more is wanted: what waits is given up at once, what is under way a little later", async () => {
    const bench = new Bench({ requestsMax: 1 });
    bench.answerMs = 60_000;
    bench.deliver("e1", "e2");
    await bench.simulation.run(10);
    bench.receiver.stop();
    await bench.simulation.run(10);
    expect(bench.stopped).toEqual(["e2"]);
    await bench.simulation.run(2_000);
    expect(bench.stopped).toEqual(["e2", "e1"]);
    bench.deliver("e3");
    await bench.simulation.run(10);
    expect(bench.stopped).toEqual(["e2", "e1", "e3"]);
  });
});

describe("an event that is refused", () => {
  test("is tried as often as configured and laid aside, and holds up no other", async () => {
    const bench = new Bench();
    bench.react = (id) => (id === "bad" ? REFUSED : TAKEN);
    bench.deliver("bad", "e1", "e2");
    await bench.simulation.run(100);
    expect(bench.done).toEqual(["e1", "e2"]);
    await bench.simulation.run(10_000);
    expect(bench.done).toEqual(["e1", "e2", "bad"]);
    expect(bench.tried.filter(({ id }) => id === "bad")).toHaveLength(3);
    expect(bench.letters).toMatchObject([{ receiver: "webhook", reason: "HTTP 400", tries: 3 }]);
    expect(bench.log).toEqual(["laid aside bad"]);
    expect(bench.receiver.state).toMatchObject({ laidAside: 1, failedTries: 3 });
  });

  test("waits as long as there is no room for it", async () => {
    const bench = new Bench();
    bench.react = () => REFUSED;
    bench.hasRoom = false;
    bench.deliver("bad");
    await bench.simulation.run(60_000);
    expect(bench.done).toEqual([]);
    expect(bench.log).toEqual(["full bad"]);
    bench.hasRoom = true;
    await bench.simulation.run(10_000);
    expect(bench.done).toEqual(["bad"]);
    expect(bench.letters).toHaveLength(1);
  });

  test("with an error while others are taken is laid aside after more tries", async () => {
    const bench = new Bench();
    bench.react = (id) => (id === "bad" ? ERROR : TAKEN);
    bench.deliver("bad");
    for (let n = 0; n < 4_000; n++) {
      bench.deliver(`e${n}`);
      await bench.simulation.run(100);
    }
    expect(bench.letters).toMatchObject([{ reason: "HTTP 500" }]);
    const tries = bench.tried.filter(({ id }) => id === "bad").length;
    expect(tries).toBeGreaterThanOrEqual(12);
    expect(tries).toBeLessThan(40);
    expect(bench.taken).toHaveLength(4_000);
  });

  test("for want of time is never laid aside", async () => {
    const bench = new Bench();
    bench.react = (id) => (id === "slow" ? DOWN : TAKEN);
    bench.deliver("slow");
    for (let n = 0; n < 4_000; n++) {
      bench.deliver(`e${n}`);
      await bench.simulation.run(100);
    }
    await bench.simulation.run(1_000);
    expect(bench.letters).toEqual([]);
    expect(bench.taken).toHaveLength(4_000);
    // It paces itself: others are not held up for it again and again.
    expect(bench.tried.filter(({ id }) => id === "slow").length).toBeLessThan(200);
  });
});
