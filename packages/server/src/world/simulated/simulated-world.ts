/**
 * A whole world in one process: virtual time, a network, a disk that survives. The same seed gives the same run. `crash`
 * ends one life of the server: each of its callbacks still to come is dropped; `restart` gives the next life the same disk.
 *
 *     const simulation = createSimulatedWorld({ seed });
 *     const server = createServer({ world: simulation.world, … });
 *     await simulation.settle(server.start());
 *     const client = simulation.connect(port);
 *     await simulation.run(1_000);
 *     simulation.crash();
 *     const next = createServer({ world: simulation.restart(), … });
 */
import { CallFailed, type HttpAnswer, type Socket, type World } from "../world.ts";
import { SimulatedDisk } from "./disk.ts";
import { type EngineFaults, openSimulatedEngine, type SimulatedEngine } from "./engine.ts";
import { EventLoop, type Owner } from "./event-loop.ts";
import { createSimulatedFiles } from "./files.ts";
import { SimulatedHttp, type SimulatedReceiver, type SimulatedRequest } from "./http-serving.ts";
import { SimulatedNetwork } from "./network.ts";
import { simulatedRuntime } from "./runtime.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Of each write: it fails, with an unknown outcome. Default 0. */
  readonly writeFailureChance?: number;
  /** Of each delivery on a connection: it breaks there. Default 0. */
  readonly cutChance?: number;
  /** Usual longest times; one in twenty takes up to ten times as long. */
  readonly writeDelayMs?: number;
  readonly readDelayMs?: number;
  readonly networkDelayMs?: number;
  /** What a connection holds before its sender's bytes count as buffered. */
  readonly kernelBytes?: number;
  /** Wall time at the start. */
  readonly startMs?: number;
  /** One line per event, for comparing two runs. */
  readonly trace?: (line: string) => void;
}

export interface Simulation {
  /** For the test's own choices: drawing from it changes nothing in the world. */
  readonly random: SeededRandom;
  /** Of the present life. */
  readonly world: World;
  readonly nowMs: number;
  run(forMs: number): Promise<void>;
  /** Until nothing is planned; throws if that never comes. */
  runUntilIdle(): Promise<void>;
  /** Throws if it does not come true within so much virtual time (default a minute). */
  until(condition: () => boolean, withinMs?: number): Promise<void>;
  settle<Value>(promise: Promise<Value>, withinMs?: number): Promise<Value>;
  /** The far end of a new connection; nobody listening closes it. */
  connect(port: number, fromIp?: string): Socket;
  /** undefined: no answer came; whether the server acted is unknown. */
  request(port: number, request: SimulatedRequest): Promise<HttpAnswer | undefined>;
  /** Who answers what the process posts to others, whatever the URL; undefined: the call fails. Without one all fail. */
  receive(receiver: SimulatedReceiver): void;
  /** Breaks a connection in the middle; each end learns of it in its own time. */
  cut(client: Socket): void;
  stepWallClock(byMs: number): void;
  failNextWrite(): void;
  /** All open engines fail now, with what they are writing. */
  failEngines(): void;
  setDiskFull(isFull: boolean): void;
  setWriteFailureChance(chance: number): void;
  crash(): void;
  restart(): World;
}

const DEFAULT_START_MS = 1_767_225_600_000;

export function createSimulatedWorld(options: SimulationOptions): Simulation {
  return new SimulatedWorld(options);
}

class SimulatedWorld implements Simulation {
  readonly random: SeededRandom;
  readonly #loop: EventLoop;
  readonly #outside: Owner = { isAlive: true };
  readonly #disk: SimulatedDisk = new SimulatedDisk();
  readonly #network: SimulatedNetwork;
  readonly #http: SimulatedHttp;
  readonly #diskRandom: SeededRandom;
  readonly #lifeRandom: SeededRandom;
  readonly #faults: EngineFaults;
  readonly #readDelayMs: number;
  #wallOffsetMs: number;
  #owner: Owner = { isAlive: true };
  #engines: SimulatedEngine[] = [];
  #world: World;

  constructor(options: SimulationOptions) {
    const root = new SeededRandom(options.seed);
    this.random = root.fork();
    this.#diskRandom = root.fork();
    this.#lifeRandom = root.fork();
    this.#loop = new EventLoop(root.fork(), options.trace);
    this.#readDelayMs = options.readDelayMs ?? 1;
    this.#faults = {
      writeDelayMs: options.writeDelayMs ?? 3,
      readDelayMs: this.#readDelayMs,
      writeFailureChance: options.writeFailureChance ?? 0,
      failingWrites: 0,
    };
    this.#wallOffsetMs = options.startMs ?? DEFAULT_START_MS;
    const delayMs = options.networkDelayMs ?? 2;
    this.#network = new SimulatedNetwork({
      loop: this.#loop,
      random: root.fork(),
      network: this.#outside,
      conditions: { delayMs, kernelBytes: options.kernelBytes ?? 64 * 1024, cutChance: options.cutChance ?? 0 },
    });
    this.#http = new SimulatedHttp({
      loop: this.#loop,
      random: root.fork(),
      delayMs,
      network: this.#network,
      outside: this.#outside,
    });
    this.#world = this.#begin();
  }

  get world(): World {
    return this.#world;
  }

  get nowMs(): number {
    return this.#loop.nowMs;
  }

  run(forMs: number): Promise<void> {
    return this.#loop.run(forMs);
  }

  runUntilIdle(): Promise<void> {
    return this.#loop.runUntilIdle();
  }

  until(condition: () => boolean, withinMs?: number): Promise<void> {
    return this.#loop.until(condition, withinMs);
  }

  settle<Value>(promise: Promise<Value>, withinMs?: number): Promise<Value> {
    return this.#loop.settle(promise, withinMs);
  }

  connect(port: number, fromIp = "10.0.0.1"): Socket {
    return this.#network.connect(port, fromIp, this.#outside);
  }

  request(port: number, request: SimulatedRequest): Promise<HttpAnswer | undefined> {
    return this.#http.request(port, request);
  }

  receive(receiver: SimulatedReceiver): void {
    this.#http.receive(receiver);
  }

  cut(client: Socket): void {
    this.#network.cut(client);
  }

  stepWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  failNextWrite(): void {
    this.#faults.failingWrites += 1;
  }

  failEngines(): void {
    for (const engine of this.#engines) engine.fail();
  }

  setDiskFull(isFull: boolean): void {
    this.#disk.isFull = isFull;
  }

  setWriteFailureChance(chance: number): void {
    this.#faults.writeFailureChance = chance;
  }

  crash(): void {
    if (!this.#owner.isAlive) return;
    this.#owner.isAlive = false;
    for (const engine of this.#engines) engine.crash();
    this.#engines = [];
    this.#disk.unlockAll();
    this.#network.crash();
    this.#http.crash();
  }

  restart(): World {
    this.crash();
    this.#owner = { isAlive: true };
    this.#world = this.#begin();
    return this.#world;
  }

  #begin(): World {
    const owner = this.#owner;
    const loop = this.#loop;
    return {
      clock: {
        wallMs: () => Math.floor(this.#wallOffsetMs + loop.nowMs),
        monotonicMs: () => loop.nowMs,
      },
      timers: {
        after: (delayMs, run) => loop.after(delayMs, "timer", owner, run),
        soon: (run) => loop.soon(owner, run),
      },
      random: this.#lifeRandom.fork(),
      network: this.#network.for(owner),
      http: this.#http.for(owner),
      grpc: { call: () => Promise.reject(new CallFailed("there is no gRPC in this world")) },
      processUsage: () => ({ cpuMs: 0, residentBytes: 0, heapBytes: 0 }),
      files: createSimulatedFiles({
        loop,
        owner,
        random: this.#diskRandom,
        disk: this.#disk,
        delayMs: this.#readDelayMs,
      }),
      runtime: simulatedRuntime,
      openEngine: (directory) => this.#openEngine(directory, owner),
    };
  }

  async #openEngine(directory: string, owner: Owner): Promise<SimulatedEngine> {
    const engine = await openSimulatedEngine(directory, {
      loop: this.#loop,
      owner,
      random: this.#diskRandom,
      disk: this.#disk,
      faults: this.#faults,
    });
    this.#engines.push(engine);
    return engine;
  }
}
