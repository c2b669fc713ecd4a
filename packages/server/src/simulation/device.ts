/** A user's device: connects, sends, acknowledges what it gets, and connects again when the line breaks. */
import { HeaderFlag, Reason } from "@wukong-ts/protocol";
import { expect } from "vitest";
import type { Simulation } from "../world/simulated/simulated-world.ts";
import type { Socket } from "../world/world.ts";
import {
  type ClientWire,
  createClientWire,
  type Generation,
  type Heard,
  type HeardMessage,
  type Login,
} from "./client-wire.ts";
import { noteAnswer, noteAttempt, type Sent } from "./sent-messages.ts";

export interface DeviceSurroundings {
  readonly simulation: Simulation;
  readonly port: number;
  /** Finds out what a message is and whether this user may have it. */
  arrived(device: Device, message: HeardMessage): Sent;
  /** The device says RECVACK for a command. */
  acknowledging(device: Device, sent: Sent): void;
  /** The only copy of a message was answered. */
  answered(device: Device, sent: Sent, isAccepted: boolean): void;
  kicked(device: Device): void;
}

/** Phones: with tokens they are master devices. */
export const MASTER_FLAG = 0;
/** The server sends again after a minute. */
const RESEND_MS = 50_000;

export class Device {
  readonly login: Login;
  readonly generation: Generation;
  readonly #around: DeviceSurroundings;
  readonly #waiting = new Map<number, Sent>();
  #socket: Socket | undefined;
  #isReady = false;
  #sends = 0;
  /** Of this connection: what came of each log, in the order it came. */
  #seen = new Map<string, { lastSeq: number; atMs: Map<string, number> }>();
  /** What was sent on this connection: no message comes back to the session that sent it. */
  #own = new Set<string>();
  /** Ids of all messages that ever came. */
  readonly #heard = new Set<string>();

  constructor(login: Login, generation: Generation, around: DeviceSurroundings) {
    this.login = login;
    this.generation = generation;
    this.#around = around;
  }

  get uid(): string {
    return this.login.uid;
  }

  get name(): string {
    return `${this.login.uid} on ${this.login.deviceId} (${this.generation})`;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  connectIfNeeded(): void {
    if (this.#socket === undefined) this.#connect();
  }

  cut(): void {
    if (this.#socket !== undefined) this.#around.simulation.cut(this.#socket);
  }

  /** In one write. */
  send(messages: readonly Sent[], wire: ClientWire | undefined = this.#wire): void {
    if (!this.#isReady || wire === undefined) return;
    const frames: Uint8Array[] = [];
    for (const sent of messages) {
      const id = sent.chat.idFor(this.uid);
      if (id === undefined) continue;
      const to = ++this.#sends;
      this.#waiting.set(to, sent);
      this.#own.add(sent.no);
      noteAttempt(sent, this.#around.simulation.nowMs);
      frames.push(wire.send(to, sent, id));
    }
    if (frames.length > 0) this.#socket?.write(frames);
  }

  /** Whether this message came on the present connection. */
  hasSeen(sent: Sent): boolean {
    return this.#seen.get(logName(sent))?.atMs.has(sent.id) === true;
  }

  hasEverHeard(sent: Sent): boolean {
    return this.#heard.has(sent.id);
  }

  #wire: ClientWire | undefined;

  #connect(): void {
    const { simulation, port } = this.#around;
    const socket = simulation.connect(port);
    const wire = createClientWire(this.generation);
    this.#wire = wire;
    this.#socket = socket;
    this.#isReady = false;
    this.#seen = new Map();
    this.#own = new Set();
    socket.bind({
      bytes: (chunk) => {
        wire.push(chunk);
        for (let heard = wire.next(); heard !== undefined; heard = wire.next())
          if (this.#socket === socket) this.#hear(heard, wire);
      },
      drained: () => undefined,
      closed: () => {
        if (this.#socket !== socket) return;
        this.#socket = undefined;
        this.#isReady = false;
        this.#waiting.clear();
      },
    });
    socket.write([wire.connect(this.login)]);
  }

  #hear(heard: Heard, wire: ClientWire): void {
    switch (heard.type) {
      case "welcome":
        this.#isReady = heard.reason === Reason.success;
        return;
      case "answer": {
        const sent = this.#waiting.get(heard.to);
        if (sent === undefined) return;
        this.#waiting.delete(heard.to);
        if (this.generation === 6) expect(heard.clientMsgNo, `${this.name} is told the number`).toBe(sent.no);
        noteAnswer(sent, heard.reason, heard.id, heard.seq, this.#around.simulation.nowMs);
        if (sent.attempts === 1 && sent.state !== "unknown")
          this.#around.answered(this, sent, heard.reason === Reason.success);
        return;
      }
      case "message":
        this.#receive(heard, wire);
        return;
      case "goodbye":
        this.#isReady = false;
        expect(heard.reason, `${this.name} is told why`).toBe(Reason.connectKick);
        this.#around.kicked(this);
    }
  }

  #receive(message: HeardMessage, wire: ClientWire): void {
    const { simulation } = this.#around;
    const sent = this.#around.arrived(this, message);
    if (sent.attempts === 1) expect(this.#own.has(sent.no), `${this.name} gets his own ${sent.no}`).toBe(false);
    const log = logName(sent);
    const seen = this.#seen.get(log) ?? { lastSeq: 0, atMs: new Map<string, number>() };
    this.#seen.set(log, seen);
    const before = seen.atMs.get(message.id);
    if (before !== undefined)
      expect(simulation.nowMs - before, `${this.name} gets ${sent.no} once`).toBeGreaterThan(RESEND_MS);
    else if (message.seq > 0) {
      expect(message.seq, `${this.name} sees ${log} in order`).toBeGreaterThan(seen.lastSeq);
      seen.lastSeq = message.seq;
    }
    seen.atMs.set(message.id, simulation.nowMs);
    this.#heard.add(message.id);
    const isCommand = (message.flags & HeaderFlag.syncOnce) !== 0;
    expect(isCommand, `${sent.no} says what it is`).toBe(sent.isCommand);
    // A message that is not acknowledged comes again, and a command stays to be synced.
    if (simulation.random.chance(0.25)) return;
    if (isCommand) this.#around.acknowledging(this, sent);
    this.#socket?.write([wire.received(message)]);
  }
}

function logName(sent: Sent): string {
  return `${sent.isCommand ? "commands of " : ""}${sent.chat.name}`;
}
