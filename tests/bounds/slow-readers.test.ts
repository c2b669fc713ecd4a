/** A client that does not read is cut off when its queue is full; nobody else notices, and it finds what it missed. */
import { expect, test } from "vitest";
import { GROUP } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import type { Received } from "../harness/wire-client.ts";

const PAYLOAD_BYTES = 16_384;
const PER_BURST = 64;
/** Far more than the operating system takes for a connection that is not read. */
const BURSTS_MAX = 60;

const shared = sharedServer({ settings: { "limits.outboxBytesMax": "2MiB" } });

function seqs(messages: readonly Received[]): number[] {
  return messages.map((message) => message.messageSeq);
}
function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

test.each(["tcp", "websocket"] as const)(
  "a slow reader over %s is cut, the others get everything",
  async (transport) => {
    const server = shared.current;
    const [group, sender, slow, fast] = [uniqueId("g"), uniqueId("s"), uniqueId("slow"), uniqueId("fast")];
    await server.backEnd.createGroup(group, [sender, slow, fast]);
    using sending = await server.connect(sender);
    using reading = await server.connect(fast, { transport });
    using stuck = await server.connect(slow, { transport });
    stuck.pauseReading();
    let sent = 0;
    let isCut = false;
    for (let burst = 0; burst < BURSTS_MAX && !isCut; burst++) {
      const payload = Buffer.alloc(PAYLOAD_BYTES, `${burst}.`);
      const answers = await sending.burst(
        Array.from({ length: PER_BURST }, () => ({ to: group, type: GROUP, payload })),
      );
      for (const answer of answers)
        expect(answer).toMatchObject({ outcome: "answered", reason: 1, messageSeq: ++sent });
      // The others take what there is before more is sent: they are not slow.
      await reading.until(() => reading.received.at(-1)?.messageSeq === sent, 20_000);
      isCut = (await server.http.post("/user/onlinestatus", [slow])).text === "[]";
    }
    expect(isCut, "the slow reader is offline").toBe(true);
    expect(seqs(reading.take())).toEqual(upTo(sent));
    expect(await reading.ping()).toBe(true);

    stuck.resumeReading();
    await eventually(() => stuck.isClosed, "the slow reader sees its connection closed");
    const got = seqs(stuck.take());
    expect(got, "what it got is a beginning without a gap").toEqual(upTo(got.length));
    expect(got.length).toBeLessThan(sent);

    using again = await server.connect(slow, { transport });
    const chat = await server.backEnd.chatOf(slow, group, GROUP, { msg_count: 1 });
    expect(chat).toMatchObject({ unread: sent, last_msg_seq: sent });
    const missed = await server.backEnd.history(slow, group, GROUP, 500);
    expect(missed.map((message) => message.message_seq)).toEqual(upTo(sent));
    await sending.sendOk({ to: group, type: GROUP, payload: "next" });
    expect(seqs(await again.takeSome(1))).toEqual([sent + 1]);
  },
);
