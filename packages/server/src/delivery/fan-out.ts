/**
 * A message to the sessions of its receivers, online ones only: whoever is not there finds it by sync.
 *
 * One fan-out at a time per channel log, so a session sees each channel in order. A small one whose channel is loaded is
 * done on the spot. Others wait in a line per channel and go in slices: a turn gives each waiting channel a slice until
 * its time is over, the next turn goes on with the next channel. Presence is asked slice by slice. Messages that wait
 * behind each other are walked together, so that each session gets them in one write: the write costs more than the rest.
 */
import { SYSTEM_UID } from "@wukong-ts/protocol";
import { type ChannelKey, channelText, type LogName, type StoredMessage } from "../messaging/message.ts";
import type { ReceiverSet, Receivers } from "../messaging/receivers.ts";
import { COUNTS, Histogram, type HistogramSnapshot } from "../observe/histogram.ts";
import type { Clock, Timers } from "../world/world.ts";
import { Fifo } from "./fifo.ts";
import type { Outbound } from "./outbound.ts";
import type { PendingAcks } from "./pending-acks.ts";
import type { Presence } from "./presence.ts";

export interface FanOutDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly timers: Pick<Timers, "soon">;
  readonly receivers: Receivers;
  readonly presence: Pick<Presence, "of">;
  readonly outbound: Pick<Outbound, "recv">;
  readonly acks: Pick<PendingAcks, "track">;
  /** Is told of what is left to sync: cheap, and never throws. */
  readonly notPushed: (message: StoredMessage) => void;
  /** For the log: something that should not have thrown did. The message is left to sync. */
  readonly failed: (error: unknown) => void;
  readonly options: FanOutOptions;
}

export interface FanOutOptions {
  /** Up to so many receivers a loaded channel is served on the spot. */
  readonly immediateReceiversMax: number;
  /** Receivers, times the messages that are walked together. */
  readonly sliceReceiversMax: number;
  /** A turn ends its slices after this time. */
  readonly turnMs: number;
  /** Beyond these messages are not pushed but left to sync. Sends should be refused long before. */
  readonly backlogMessagesMax: number;
  readonly backlogBytesMax: number;
}

export const FAN_OUT_DEFAULTS: FanOutOptions = {
  immediateReceiversMax: 64,
  sliceReceiversMax: 100,
  turnMs: 2,
  backlogMessagesMax: 100_000,
  backlogBytesMax: 64 * 1024 * 1024,
};

export interface FanOut {
  /** Durable messages in commit order, or ones that are not kept. The array is not kept. */
  push(messages: readonly StoredMessage[]): void;
  /** Messages that wait or are under way, beyond those served on the spot. */
  readonly backlogMessages: number;
  readonly backlogBytes: number;
  /** Left to sync: no room, or their receivers could not be read. */
  readonly droppedMessages: number;
  /** Messages of this log wait or are under way. */
  isBusy(channel: ChannelKey, log: LogName): boolean;
  stats(): FanOutStats;
}

/** Plain data. All but the histogram count messages times receivers. */
export interface FanOutStats {
  /** Handed to a session. */
  readonly pushed: number;
  /** The receiver had none. */
  readonly offline: number;
  readonly recipients: HistogramSnapshot;
}

/** Receivers, times messages, between two looks at the clock. */
const CLOCK_EVERY = 64;
/** Messages of one line that are walked together, and bytes of their payloads. */
const RUN_MESSAGES_MAX = 16;
const RUN_BYTES_MAX = 64 * 1024;
/** What a waiting message costs beyond its payload. */
const MESSAGE_COST_BYTES = 256;
/** One uid of a message that names its receivers itself. */
const RECEIVER_COST_BYTES = 64;

interface Line {
  readonly key: string;
  readonly messages: Fifo<StoredMessage>;
  /** The messages under way, the first ones; taken when the walk begins. */
  run: readonly StoredMessage[];
  /** Their receivers, once known, and where the walk is. */
  set: ReceiverSet | undefined;
  walk: Iterator<string> | undefined;
}

export function createFanOut(deps: FanOutDeps): FanOut {
  return new SlicedFanOut(deps);
}

class SlicedFanOut implements FanOut {
  readonly #deps: FanOutDeps;
  /** Every channel log with a message under way. */
  readonly #lines = new Map<string, Line>();
  /** Those that can go on now; the others wait for their receivers. */
  #ready: Line[] = [];
  #isScheduled = false;
  /** Reused: the outbound does not keep it. */
  readonly #sessionIds: number[] = [];
  readonly #turn = (): void => {
    this.#isScheduled = false;
    this.#runTurn();
  };
  backlogMessages = 0;
  backlogBytes = 0;
  droppedMessages = 0;
  #pushed = 0;
  #offline = 0;
  readonly #recipients = new Histogram(COUNTS);

  constructor(deps: FanOutDeps) {
    this.#deps = deps;
  }

  push(messages: readonly StoredMessage[]): void {
    for (const message of messages) {
      // While nothing waits no key is made.
      const line = this.#lines.size === 0 ? undefined : this.#lines.get(lineKey(message.channel, message.log));
      if (line === undefined) this.#start(message);
      else if (this.#hasRoomFor(message)) line.messages.push(message);
    }
  }

  isBusy(channel: ChannelKey, log: LogName): boolean {
    return this.#lines.has(lineKey(channel, log));
  }

  stats(): FanOutStats {
    return { pushed: this.#pushed, offline: this.#offline, recipients: this.#recipients.snapshot() };
  }

  #start(message: StoredMessage): void {
    const receivers = this.#receiversOf(message);
    if (receivers === undefined) return;
    if (!(receivers instanceof Promise) && receivers.count <= this.#deps.options.immediateReceiversMax) {
      this.#deliverAtOnce(message, receivers);
      return;
    }
    if (!this.#hasRoomFor(message)) {
      release(receivers);
      return;
    }
    const line: Line = {
      key: lineKey(message.channel, message.log),
      messages: new Fifo(),
      run: [],
      set: undefined,
      walk: undefined,
    };
    line.messages.push(message);
    this.#lines.set(line.key, line);
    this.#begin(line, receivers);
  }

  #deliverAtOnce(message: StoredMessage, receivers: ReceiverSet): void {
    this.#recipients.observe(receivers.count);
    try {
      const walk = receivers.uids[Symbol.iterator]();
      // A slice is never smaller than what is served on the spot; the clock does not matter here.
      while (!this.#deliver([message], walk, Number.POSITIVE_INFINITY));
    } catch (error) {
      this.#drop([message], error);
    } finally {
      receivers.release();
    }
  }

  #drop(messages: readonly StoredMessage[], error: unknown): void {
    for (const message of messages) this.#leaveToSync(message);
    this.#deps.failed(error);
  }

  #leaveToSync(message: StoredMessage): void {
    this.droppedMessages++;
    this.#deps.notPushed(message);
  }

  /** Counts the message in when there is room. */
  #hasRoomFor(message: StoredMessage): boolean {
    const { backlogMessagesMax, backlogBytesMax } = this.#deps.options;
    if (this.backlogMessages >= backlogMessagesMax || this.backlogBytes >= backlogBytesMax) {
      this.#leaveToSync(message);
      return false;
    }
    this.backlogMessages++;
    this.backlogBytes += costOf(message);
    return true;
  }

  #receiversOf(message: StoredMessage): ReceiverSet | Promise<ReceiverSet> | undefined {
    try {
      return this.#deps.receivers.of(message);
    } catch (error) {
      this.#drop([message], error);
      return undefined;
    }
  }

  #begin(line: Line, receivers: ReceiverSet | Promise<ReceiverSet>): void {
    if (!(receivers instanceof Promise)) {
      this.#walk(line, receivers);
      return;
    }
    receivers.then(
      (set) => this.#walk(line, set),
      (error: unknown) => {
        const first = line.messages.first();
        this.#drop(first === undefined ? [] : [first], error);
        this.#next(line);
      },
    );
  }

  #walk(line: Line, set: ReceiverSet): void {
    line.set = set;
    line.walk = set.uids[Symbol.iterator]();
    this.#ready.push(line);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#ready.length === 0) return;
    this.#isScheduled = true;
    this.#deps.timers.soon(this.#turn);
  }

  #runTurn(): void {
    const untilMs = this.#deps.clock.monotonicMs() + this.#deps.options.turnMs;
    const lines = this.#ready;
    this.#ready = [];
    let served = 0;
    for (const line of lines) {
      this.#slice(line, untilMs);
      served++;
      if (this.#deps.clock.monotonicMs() >= untilMs) break;
    }
    // Who was not served comes first next time.
    if (served < lines.length) this.#ready = lines.slice(served).concat(this.#ready);
    this.#schedule();
  }

  #slice(line: Line, untilMs: number): void {
    const { walk } = line;
    if (walk === undefined) return;
    if (line.run.length === 0) {
      line.run = runOf(line.messages);
      for (let left = line.run.length; left > 0; left--) this.#recipients.observe(line.set?.count ?? 0);
    }
    let isDone = true;
    try {
      isDone = this.#deliver(line.run, walk, untilMs);
    } catch (error) {
      this.#drop(line.run, error);
    }
    if (isDone) this.#next(line);
    else this.#ready.push(line);
  }

  /** The line's first messages are done or given up: on with those behind them, or the line is at its end. */
  #next(line: Line): void {
    for (;;) {
      // Given up before the walk began: the first one.
      for (let left = Math.max(1, line.run.length); left > 0; left--) {
        const done = line.messages.shift();
        if (done === undefined) break;
        this.backlogMessages--;
        this.backlogBytes -= costOf(done);
      }
      line.run = [];
      const { set } = line;
      line.set = undefined;
      line.walk = undefined;
      set?.release();
      const message = line.messages.first();
      if (message === undefined) {
        this.#lines.delete(line.key);
        return;
      }
      const receivers = this.#receiversOf(message);
      if (receivers === undefined) continue;
      this.#begin(line, receivers);
      return;
    }
  }

  /** Walks on until the receivers, the slice or the time are at an end; true when it was the receivers. */
  #deliver(run: readonly StoredMessage[], walk: Iterator<string>, untilMs: number): boolean {
    const { presence, clock, options } = this.#deps;
    const ids = this.#sessionIds;
    ids.length = 0;
    const pause = Math.max(1, Math.floor(CLOCK_EVERY / run.length));
    let visited = 0;
    for (;;) {
      const step = walk.next();
      if (step.done === true) {
        this.#hand(run, ids);
        return true;
      }
      if (step.value !== SYSTEM_UID) {
        const sessions = presence.of(step.value);
        if (sessions.length === 0) this.#offline += run.length;
        else for (const session of sessions) ids.push(session.id);
      }
      if (++visited % pause !== 0) continue;
      this.#hand(run, ids);
      if (visited * run.length >= options.sliceReceiversMax || clock.monotonicMs() >= untilMs) return false;
    }
  }

  /** Everyone gets the messages in their order, but for what he has sent himself. */
  #hand(run: readonly StoredMessage[], ids: number[]): void {
    if (ids.length === 0) return;
    const { acks, outbound } = this.#deps;
    // All are noted before the first is sent: a session that is cut while it is being written to forgets its notes.
    for (const message of run) {
      const to = othersThanSender(message, ids);
      if (to.length > 0) acks.track(message, to);
    }
    for (const message of run) {
      const to = othersThanSender(message, ids);
      this.#pushed += to.length;
      if (to.length > 0) outbound.recv(message, to);
    }
    ids.length = 0;
  }
}

/** The very session that sent it does not get it; mostly it is not there. */
function othersThanSender(message: StoredMessage, ids: readonly number[]): readonly number[] {
  return message.session !== 0 && ids.includes(message.session) ? ids.filter((id) => id !== message.session) : ids;
}

/** As many of the first messages as have the same receivers. */
function runOf(messages: Fifo<StoredMessage>): readonly StoredMessage[] {
  const run: StoredMessage[] = [];
  let bytes = 0;
  while (run.length < RUN_MESSAGES_MAX && bytes < RUN_BYTES_MAX) {
    const message = messages.at(run.length);
    if (message === undefined || (message.receivers !== undefined && run.length > 0)) break;
    run.push(message);
    bytes += message.payload.length;
    if (message.receivers !== undefined) break;
  }
  return run;
}

function costOf(message: StoredMessage): number {
  return message.payload.length + MESSAGE_COST_BYTES + (message.receivers?.length ?? 0) * RECEIVER_COST_BYTES;
}

function lineKey(channel: ChannelKey, log: LogName): string {
  return (log === "chat" ? "m" : "c") + channelText(channel);
}

function release(receivers: ReceiverSet | Promise<ReceiverSet>): void {
  if (!(receivers instanceof Promise)) receivers.release();
  else
    receivers.then(
      (set) => set.release(),
      () => undefined,
    );
}
