/** INV-6: members who come and go while messages are sent have exactly the messages of their time. */
import { expect, test } from "vitest";
import { findChat, GROUP } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { createRandom } from "../harness/random.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import type { Received, WireClient } from "../harness/wire-client.ts";

const shared = sharedServer();
const PER_BURST = 25;
/** A small group is served on the spot, a large one in slices. */
const SIZES = [2, 500];

function seqs(messages: readonly Received[]): number[] {
  return messages.map((message) => message.messageSeq);
}
function fromTo(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

/** Sends burst after burst until told to stop; the seq of the last acknowledged message. */
function sendUntilStopped(client: WireClient, group: string): { acknowledged: number; stop(): Promise<number> } {
  const state = { isOn: true };
  const stream = {
    acknowledged: 0,
    async stop(): Promise<number> {
      state.isOn = false;
      return running;
    },
  };
  const running = (async (): Promise<number> => {
    while (state.isOn) {
      const burst = Array.from({ length: PER_BURST }, () => ({ to: group, type: GROUP, payload: "x" }));
      for (const answer of await client.burst(burst)) {
        expect(answer).toMatchObject({ outcome: "answered", reason: 1 });
        if (answer.outcome === "answered") stream.acknowledged = answer.messageSeq;
      }
    }
    return stream.acknowledged;
  })();
  return stream;
}

/** Enough for a burst or two. */
function someMore(stream: { readonly acknowledged: number }, client: WireClient): Promise<boolean> {
  const wanted = stream.acknowledged + 2 * PER_BURST;
  return client.until(() => stream.acknowledged >= wanted, 20_000);
}

test.each(SIZES)(
  "a member of %i who is removed during a burst has the beginning of it, without a gap",
  async (size) => {
    const server = shared.current;
    const [group, sender, member] = [uniqueId("g"), uniqueId("s"), uniqueId("m")];
    const others = Array.from({ length: size - 2 }, (_, index) => `${group}m${index}`);
    await server.backEnd.createGroup(group, [sender, ...others, member]);
    using client = await server.connect(sender);
    using leaving = await server.connect(member);
    const stream = sendUntilStopped(client, group);
    await leaving.until(() => leaving.received.length > PER_BURST, 20_000);
    const before = stream.acknowledged;
    await server.backEnd.removeMembers(group, [member]);
    const after = stream.acknowledged;
    await client.until(() => stream.acknowledged >= after + 2 * PER_BURST, 20_000);
    const last = await stream.stop();
    expect(await leaving.ping()).toBe(true);
    const got = seqs(leaving.take());
    expect(got).toEqual(fromTo(1, got.length));
    expect(got.length).toBeGreaterThanOrEqual(size === 2 ? before : PER_BURST);
    // What was not yet acknowledged at the answer may be decided just before the removal: two bursts at most.
    expect(got.length).toBeLessThanOrEqual(after + 2 * PER_BURST);
    expect(got.length).toBeLessThan(last);
    expect(findChat(await server.backEnd.sync(member), group, GROUP)).toBeUndefined();
  },
);

test.each(SIZES)(
  "a member of %i who is added during a burst has all of it from there on, pushed and listed",
  async (size) => {
    const server = shared.current;
    const [group, sender, member] = [uniqueId("g"), uniqueId("s"), uniqueId("m")];
    const others = Array.from({ length: size - 2 }, (_, index) => `${group}m${index}`);
    await server.backEnd.createGroup(group, [sender, ...others]);
    using client = await server.connect(sender);
    using joining = await server.connect(member);
    const stream = sendUntilStopped(client, group);
    await someMore(stream, client);
    const before = stream.acknowledged;
    await server.backEnd.addMembers(group, [member]);
    const after = stream.acknowledged;
    await client.until(() => stream.acknowledged >= after + 2 * PER_BURST, 20_000);
    const last = await stream.stop();
    await joining.until(() => joining.received.at(-1)?.messageSeq === last, 20_000);
    const chat = await server.backEnd.chatOf(member, group, GROUP);
    expect(chat.unread + chat.readed_to_msg_seq).toBe(last);
    expect(chat.readed_to_msg_seq).toBeGreaterThanOrEqual(before);
    expect(chat.readed_to_msg_seq).toBeLessThanOrEqual(after + 2 * PER_BURST);
    const got = seqs(joining.take());
    expect(got, "no gap and nothing twice").toEqual(fromTo(got[0] ?? 0, last));
    expect(got[0], "all that counts as unread was pushed").toBeLessThanOrEqual(chat.readed_to_msg_seq + 1);
  },
);

test("adding and removing the same users at the same time leaves lists that agree with the members", async () => {
  const { backEnd, http } = shared.current;
  const random = createRandom();
  console.log(`members at the same time: seed ${random.seed} (WK_SEED=${random.seed} runs it again)`);
  const [group, founder] = [uniqueId("g"), uniqueId("f")];
  const users = Array.from({ length: 6 }, (_, index) => `${group}u${index}`);
  await backEnd.createGroup(group, [founder]);
  const calls = Array.from({ length: 300 }, () => ({ uid: random.pick(users), what: random.integer(4) }));
  await inParallel(calls, 32, async ({ uid, what }) => {
    if (what === 0) await backEnd.removeMembers(group, [uid]);
    else if (what === 1) await backEnd.addMembers(group, [uid]);
    else if (what === 2) await backEnd.createGroup(group, [uid, founder]);
    else await backEnd.send({ from: founder, to: group, type: GROUP, text: "x" });
  });
  const count = (await backEnd.history(founder, group, GROUP)).length;
  const members = (await http.get(`/cluster/channels/${group}/${GROUP}/subscribers`)).body;
  expect(members).toContain(founder);
  for (const restart of ["none", "SIGKILL"] as const) {
    if (restart !== "none") await shared.current.restart(restart);
    for (const uid of users) {
      const chat = findChat(await backEnd.sync(uid), group, GROUP);
      expect(chat !== undefined, `${uid} lists the group, ${restart}`).toBe((members as string[]).includes(uid));
      if (chat !== undefined) expect(chat.unread + chat.readed_to_msg_seq).toBe(count);
    }
  }
});
