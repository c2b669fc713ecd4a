/** A new module runs slowly until the engine has compiled it well, which takes about a thousand frames. */
import type { Recv } from "@wukong-ts/protocol";
import { BLOCK_BYTES, RecvCut } from "./recv-cut.ts";
import type { Sealer } from "./sealer.ts";

const CALLS = 20;
const FRAMES_PER_CALL = 64;

const RECV: Recv = {
  type: 5,
  flags: 0,
  setting: 0,
  msgKey: "",
  fromUid: "warm-up",
  channelId: "warm-up",
  channelType: 1,
  expire: 0,
  clientMsgNo: "00000000-0000-0000-0000-000000000000",
  messageId: { high: 0x1000_0000, low: 0 },
  messageSeq: 1,
  timestamp: 0,
  topic: "",
  payload: new Uint8Array(100),
};

/** Seals for a session of its own, which is gone afterwards. Takes some milliseconds; meant for the start of a server. */
export function warmUp(sealer: Sealer): void {
  const slot = sealer.addSession(new Uint8Array(BLOCK_BYTES), new Uint8Array(BLOCK_BYTES));
  const slots = new Array<number>(FRAMES_PER_CALL).fill(slot);
  const cuts = Array.from(slots, () => new RecvCut(RECV, { version: 5 }));
  const frames = new Uint8Array(FRAMES_PER_CALL * cuts[0]!.frameBytes);
  for (let call = 0; call < CALLS; call++) {
    sealer.seal(cuts, slots, frames);
    sealer.seal(cuts.slice(0, 1), slots, frames);
  }
  sealer.release(slot);
}
