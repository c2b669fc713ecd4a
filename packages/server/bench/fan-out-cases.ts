/** A message to the sessions of its group: finding them, and what each of them gets, without sockets. */
import type { MicroCase } from "@wukong-ts/bench";
import { createSealer, sealedLength } from "@wukong-ts/sealing";
import { createFanOut, FAN_OUT_DEFAULTS, type FanOut } from "../src/delivery/fan-out.ts";
import { Presence } from "../src/delivery/presence.ts";
import { type OutboundItem, recvItem, recvSource } from "../src/gateway/recv-frames.ts";
import type { StoredMessage } from "../src/messaging/message.ts";
import { messageOf } from "./sample-message.ts";

type Frames = "none" | "plain" | "sealed";

export function fanOutCases(): readonly MicroCase[] {
  const cases: MicroCase[] = [];
  for (const sessions of [10, 1_000]) {
    for (const frames of ["none", "plain", "sealed"] as const) {
      const fanOut = fanOutTo(sessions, frames);
      let seq = 0;
      cases.push({
        name: `fan-out to ${sessions.toLocaleString("en-US")} sessions, frames ${frames}`,
        units: sessions,
        run: (count) => {
          for (let index = 0; index < count; index++) fanOut.push([messageOf(++seq, 100)]);
          return fanOut.backlogMessages;
        },
      });
    }
  }
  return cases;
}

function fanOutTo(sessions: number, frames: Frames): FanOut {
  const presence = new Presence();
  const uids = new Set<string>();
  const sealer = createSealer();
  const slots = [0];
  for (let id = 1; id <= sessions; id++) {
    const uid = `reader-${id}`;
    uids.add(uid);
    presence.add({ id, uid, deviceId: uid, deviceFlag: 0, deviceLevel: "slave", version: 5, connectedAtMs: 0 });
    const key = Buffer.from(String(id).padStart(16, "0"));
    slots.push(sealer.addSession(key, key));
  }
  const set = { uids, count: sessions, release: () => undefined };
  const recv = (message: StoredMessage, to: readonly number[]): void => {
    if (frames === "none") return;
    const source = recvSource(message);
    const items: OutboundItem[] = [];
    for (const id of to)
      items.push(recvItem(source, { uid: `reader-${id}`, version: 5, isSealed: frames === "sealed" }));
    const bytes = Buffer.allocUnsafe(sealedLength(items));
    sealer.seal(
      items,
      to.map((id) => slots[id] ?? 0),
      bytes,
    );
  };
  return createFanOut({
    clock: { monotonicMs: () => 0 },
    // Slices follow each other at once: there is nobody else who wants a turn.
    timers: { soon: (run) => run() },
    notPushed: () => undefined,
    receivers: { of: () => set },
    presence,
    outbound: { recv },
    acks: { track: () => undefined },
    failed: (error) => {
      throw error;
    },
    options: { ...FAN_OUT_DEFAULTS, immediateReceiversMax: sessions, sliceReceiversMax: sessions },
  });
}
