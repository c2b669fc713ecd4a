/** Who is pushed to, and that what was not pushed is found. */
import { expect, test } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { Seeded } from "../harness/seeded.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { staysQuiet, uniqueId } from "../harness/waiting.ts";
import { NO_PERSIST, RED_DOT, SYNC_ONCE, type WireClient } from "../harness/wire-client.ts";

const shared = sharedServer();

test("R-06: after a reset and more members each member receives the next message, 100 times", async () => {
  const { backEnd } = shared.current;
  const [a, b, c] = [uniqueId("a"), uniqueId("b"), uniqueId("c")];
  using first = await shared.current.connect(a);
  using second = await shared.current.connect(b);
  using third = await shared.current.connect(c, { transport: "websocket" });
  for (let round = 0; round < 100; round++) {
    const group = uniqueId("g");
    await backEnd.createGroup(group, [a], { reset: 1 });
    await backEnd.addMembers(group, [b, c]);
    await first.sendOk({ to: group, type: GROUP, payload: `round ${round}` });
    for (const reader of [second, third]) {
      const received = await reader.takeSome(1);
      expect(received.map(({ channelId }) => channelId)).toEqual([group]);
    }
    await backEnd.createGroup(group, [b], { reset: 1 });
    await second.sendOk({ to: group, type: GROUP, payload: "alone" });
  }
  expect(await staysQuiet(() => first.received.length + third.received.length > 0), "no former member").toBe(true);
});

test("R-07: a member added after the channel was made gets its commands, online and offline", async () => {
  const { backEnd, http } = shared.current;
  const [x, y, group] = [uniqueId("x"), uniqueId("y"), uniqueId("g")];
  using online = await shared.current.connect(x);
  await backEnd.createGroup(group, []);
  await backEnd.addMembers(group, [x, y]);
  await backEnd.send({ to: group, type: GROUP, text: "do it", header: { sync_once: 1 } });
  expect(texts(await online.takeSome(1))).toEqual(["do it"]);
  const found = await http.ask<{ payload: string }[]>("/message/sync", { uid: y, limit: 100 });
  expect(texts(found)).toEqual(["do it"]);
});

test("R-17: a message over HTTP is pushed once to each device, whatever its header flags and the type of its channel", async () => {
  const { backEnd, http } = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using phone = await shared.current.connect(b, { deviceFlag: 0 });
  using browser = await shared.current.connect(b, { deviceFlag: 1, transport: "websocket" });
  for (const type of [1, 2, 4, 5, 6, 7, 8, 9]) {
    const to = type === PERSON ? b : uniqueId("c");
    if (type !== PERSON) await http.ask("/channel", { channel_id: to, channel_type: type, subscribers: [a, b] });
    for (let flags = 0; flags < 8; flags++) {
      const text = `type ${type}, flags ${flags}`;
      const header = {
        no_persist: flags & NO_PERSIST ? 1 : 0,
        red_dot: flags & RED_DOT ? 1 : 0,
        sync_once: flags & SYNC_ONCE ? 1 : 0,
      };
      await backEnd.send({ from: a, to, type, text, header });
      for (const device of [phone, browser]) {
        const received = await device.takeSome(1);
        expect(texts(received)).toEqual([text]);
        expect(received[0]!.flags, text).toBe(flags);
      }
    }
  }
  expect(await staysQuiet(() => phone.received.length + browser.received.length > 0)).toBe(true);
});

test("R-18: after a reconnect what was pushed before, what sync brings and what is pushed then are all messages, each once", async () => {
  const { backEnd } = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await shared.current.connect(a);
  const send = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) await sender.sendOk({ to: b, type: PERSON, payload: `m${n}` });
  };
  const reader = await shared.current.connect(b);
  await send(0, 10);
  const before = await reader.takeSome(10);
  await reader.end();
  await send(10, 40);
  using again = await shared.current.connect(b);
  const chat = await backEnd.chatOf(b, a, PERSON, { last_msg_seqs: `${a}:1:10` });
  expect(chat.last_msg_seq).toBe(40);
  const missed = (await backEnd.history(b, a, PERSON)).filter(({ message_seq }) => message_seq > 10);
  await send(40, 45);
  const after = await again.takeSome(5);
  expect([...texts(before), ...texts(missed), ...texts(after)]).toEqual(
    Array.from({ length: 45 }, (_item, n) => `m${n}`),
  );
});

test("R-30: after 1,000 random logins and goodbyes the presence of every user and device is the truth", async () => {
  const { seed } = new Seeded();
  console.log(`seed ${seed}: WK_SEED=${seed}`);
  const users = Array.from({ length: 20 }, () => uniqueId("u"));
  const open = users.map(() => new Map<number, WireClient>());
  await inParallel(users, users.length, async (uid, index) => {
    const random = new Seeded(seed + index);
    for (let flap = 0; flap < 50; flap++) {
      const flag = random.below(3);
      const known = open[index]!.get(flag);
      open[index]!.delete(flag);
      if (known !== undefined && random.chance(0.5)) await known.end();
      else {
        // The same device, maybe before the server has seen its old connection go.
        const options = { deviceFlag: flag, deviceId: `${uid}-${flag}` };
        open[index]!.set(flag, await shared.current.connect(uid, options));
        known?.close();
      }
    }
  });
  const sessions = (): Promise<string[]> =>
    shared.current.backEnd
      .onlineStatus(users)
      .then((shown) => shown.map(({ uid, device_flag }) => `${uid} ${device_flag}`).toSorted());
  const truth = users.flatMap((uid, index) => [...open[index]!.keys()].map((flag) => `${uid} ${flag}`)).toSorted();
  await expect.poll(sessions, { timeout: 10_000 }).toEqual(truth);
  for (const clients of open) for (const client of clients.values()) client.close();
  await expect.poll(sessions, { timeout: 10_000 }).toEqual([]);
}, 60_000);
