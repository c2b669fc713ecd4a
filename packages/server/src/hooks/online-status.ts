/**
 * `user.onlinestatus`: the back end is told of every session that has come or gone, in order, at least once, also across
 * restarts. After a crash it believes users to be online whose sessions ended with the process: those that have not
 * logged in again on the same kind of device when the grace time is over are told to be offline.
 *
 * An event is the text `uid-deviceFlag-online-session-deviceCount-totalCount`, the counts being those after it. A uid
 * may contain `-`: it is read from the right.
 */
import { int64ToText } from "@wukong-ts/protocol";
import type { Presence } from "../delivery/presence.ts";
import type { Session } from "../delivery/session.ts";
import type { IdGenerator } from "../messaging/ids.ts";
import { createBatch, remove } from "../store/batch.ts";
import { GLOBAL_SHARD } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { type StatusEvent, statusEventTable, type ToldOnline, tableRange, toldOnlineTable } from "../store/tables.ts";
import type { Timer, Timers } from "../world/world.ts";
import { StatusOutbox } from "./status-outbox.ts";
import { type WebhookSender, WebhookStopped } from "./webhook.ts";

export interface OnlineStatusDeps {
  readonly store: Store;
  readonly timers: Timers;
  readonly ids: IdGenerator;
  readonly presence: Pick<Presence, "of">;
  readonly webhook: Pick<WebhookSender, "deliver">;
  /** For the log. */
  readonly failed: (error: unknown) => void;
  readonly dropped: (events: number) => void;
  readonly options: { readonly eventsMax: number; readonly graceMs: number };
}

const EVENTS_PER_CALL_MAX = 500;
/** Sessions of the time before a restart that are looked at before other work gets its turn. */
const SLICE_SESSIONS = 1_000;
/** Until there is room again for the ends of such sessions. */
const ROOM_PAUSE_MS = 200;
/** How long a stop waits for the receiver to take the last events; after it they wait for the next start. */
const STOP_MS = 2_000;

export class OnlineStatus {
  readonly #deps: OnlineStatusDeps;
  readonly #outbox: StatusOutbox;
  #grace: Timer | undefined;
  #isTelling = false;
  #telling: Promise<void> = Promise.resolve();
  #isStopped = false;

  private constructor(deps: OnlineStatusDeps, outbox: (ready: () => void) => StatusOutbox) {
    this.#deps = deps;
    this.#outbox = outbox(() => this.#tellOn());
  }

  /** Before the first login. */
  static async start(deps: OnlineStatusDeps): Promise<OnlineStatus> {
    const { store, timers, options, dropped, ids } = deps;
    const before = await store.all(toldOnlineTable, tableRange(toldOnlineTable, GLOBAL_SHARD));
    const waiting = await store.all(statusEventTable, tableRange(statusEventTable, GLOBAL_SHARD));
    const last = waiting.at(-1);
    if (last !== undefined) ids.continueAfter(last.id);
    const status = new OnlineStatus(
      deps,
      (ready) => new StatusOutbox({ store, timers, ready, dropped, options }, waiting),
    );
    if (before.length > 0) status.#grace = timers.after(options.graceMs, () => void status.#endSessionsOf(before));
    status.#tellOn();
    return status;
  }

  /** A session has come or gone; presence shows it already. */
  changed({ uid, deviceFlag, id }: Session, isOnline: boolean): void {
    this.#add({ uid, deviceFlag, session: id }, isOnline);
  }

  /** When all sessions have ended: their ends are written, and told if the receiver takes them now. */
  async stop(): Promise<void> {
    this.#grace?.cancel();
    await this.#outbox.flush();
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#deps.timers.after(STOP_MS, resolve);
    });
    await Promise.race([this.#telling, late]);
    timer?.cancel();
    this.#isStopped = true;
    await this.#outbox.flush();
  }

  #add(session: ToldOnline, isOnline: boolean): void {
    const { ids, presence } = this.#deps;
    const sessions = presence.of(session.uid);
    let deviceCount = 0;
    for (const each of sessions) if (each.deviceFlag === session.deviceFlag) deviceCount++;
    this.#outbox.add({ ...session, id: ids.next(), isOnline, deviceCount, totalCount: sessions.length });
  }

  #tellOn(): void {
    if (this.#isStopped || this.#isTelling) return;
    this.#isTelling = true;
    this.#telling = this.#tellAll();
  }

  async #tellAll(): Promise<void> {
    try {
      for (let events = this.#next(); events.length > 0; events = this.#next()) {
        await this.#deps.webhook.deliver({
          name: "user.onlinestatus",
          id: `status-${int64ToText(events[0]!.id)}-${events.length}`,
          body: Buffer.from(JSON.stringify(events.map(textOf))),
        });
        this.#outbox.settle(true);
      }
    } catch (error) {
      this.#outbox.settle(false);
      if (!(error instanceof WebhookStopped)) this.#deps.failed(error);
    } finally {
      this.#isTelling = false;
    }
  }

  #next(): readonly StatusEvent[] {
    return this.#isStopped ? [] : this.#outbox.take(EVENTS_PER_CALL_MAX);
  }

  /** The process that had these sessions is gone. They wait on disk until there is room for their events. */
  async #endSessionsOf(before: readonly ToldOnline[]): Promise<void> {
    const { timers, options } = this.#deps;
    for (const [index, session] of before.entries()) {
      if (index % SLICE_SESSIONS === SLICE_SESSIONS - 1) await new Promise<void>((resolve) => timers.soon(resolve));
      while (!this.#isStopped && this.#outbox.length * 2 > options.eventsMax)
        await new Promise<void>((resolve) => timers.after(ROOM_PAUSE_MS, resolve));
      if (this.#isStopped) return;
      const now = this.#deps.presence.of(session.uid).filter(({ deviceFlag }) => deviceFlag === session.deviceFlag);
      if (now.length === 0) this.#add(session, false);
      // A session of this life may have the same number.
      else if (!now.some(({ id }) => id === session.session)) this.#outbox.setTold(session, false);
    }
  }
}

function textOf({ uid, deviceFlag, isOnline, session, deviceCount, totalCount }: StatusEvent): string {
  return `${uid}-${deviceFlag}-${isOnline ? 1 : 0}-${session}-${deviceCount}-${totalCount}`;
}

/** While nobody is to be told nothing is kept. */
export async function forgetOnlineStatus(store: Store): Promise<void> {
  const events = await store.all(statusEventTable, tableRange(statusEventTable, GLOBAL_SHARD));
  const sessions = await store.all(toldOnlineTable, tableRange(toldOnlineTable, GLOBAL_SHARD));
  if (events.length + sessions.length === 0) return;
  const batch = createBatch(GLOBAL_SHARD);
  for (const { id } of events) remove(batch, statusEventTable, id);
  for (const session of sessions) remove(batch, toldOnlineTable, session);
  await store.committed(batch);
}
