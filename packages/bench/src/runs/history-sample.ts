/** Messages to persons who are not online: some of those acknowledged are looked for in the receivers' histories. */
import { inParallel } from "../in-parallel.ts";
import type { Flow } from "../scenario/scenario.ts";
import { HttpCaller } from "../server/http-caller.ts";
import type { HostPort } from "../server/target.ts";
import type { StreamEnd } from "../traffic/delivery-ledger.ts";
import { createLayout, PERSON, type Seat } from "../traffic/layout.ts";
import { messageNumber } from "../traffic/message-number.ts";
import { peersOf, peerText } from "../traffic/peers.ts";

const SAMPLES = 100;
const READERS = 4;
const PAGE = 1_000;

export interface HistorySample {
  readonly lookedFor: number;
  readonly notFound: number;
}

export async function sampleHistories(
  http: HostPort,
  ids: { readonly users: string; readonly run: string },
  flows: readonly Flow[],
  ends: readonly StreamEnd[],
): Promise<HistorySample> {
  const seats = createLayout(ids.users, flows, { index: 0, count: 1 }).seats.filter(
    (seat) => peersOf(flows[seat.flow]!) > 0,
  );
  const endOf = new Map(ends.map((end) => [end.stream, end]));
  const wanted: { readonly seat: Seat; readonly n: number }[] = [];
  for (let sample = 0; sample < SAMPLES && seats.length > 0; sample++) {
    const seat = seats[sample % seats.length]!;
    const end = endOf.get(seat.stream);
    const n = Math.ceil(Math.random() * (end?.sent ?? 0));
    if (n > 0 && end?.notAcknowledged.includes(n) === false) wanted.push({ seat, n });
  }
  const caller = new HttpCaller(http, READERS);
  let notFound = 0;
  try {
    await inParallel(wanted, READERS, async ({ seat, n }) => {
      const receiver = `${seat.channelId}${peerText(n % peersOf(flows[seat.flow]!))}`;
      if (!(await holds(caller, receiver, seat.uid, messageNumber(ids.run, seat.stream, n)))) notFound++;
    });
  } finally {
    caller.close();
  }
  return { lookedFor: wanted.length, notFound };
}

/** Reads the receiver's history with the sender from its newest page back. */
async function holds(caller: HttpCaller, receiver: string, sender: string, number: string): Promise<boolean> {
  for (let before = 0; ; ) {
    const page = (await caller.postJson("/channel/messagesync", {
      login_uid: receiver,
      channel_id: sender,
      channel_type: PERSON,
      start_message_seq: before,
      end_message_seq: 0,
      limit: PAGE,
      pull_mode: 0,
    })) as { messages: readonly { client_msg_no: string; message_seq: number }[] }; // The shape is the API's.
    if (page.messages.some((message) => message.client_msg_no === number)) return true;
    const first = page.messages[0]?.message_seq ?? 0;
    if (first <= 1) return false;
    before = first - 1;
  }
}
