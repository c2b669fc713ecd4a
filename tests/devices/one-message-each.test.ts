/** Every device of a user is a reader of its own. */
import { expect, test } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { staysQuiet, uniqueId } from "../harness/waiting.ts";
import type { WireClient } from "../harness/wire-client.ts";

const shared = sharedServer();
const DEVICES = 20;
const FLAGS = [0, 1, 2, 99];

/** Over both transports and every flag. */
function connectDevices(uid: string): Promise<WireClient[]> {
  return Promise.all(
    Array.from({ length: DEVICES }, (_item, n) =>
      shared.current.connect(uid, {
        deviceId: `${uid}-device-${n}`,
        deviceFlag: FLAGS[n % FLAGS.length]!,
        transport: n % 2 === 0 ? "tcp" : "websocket",
      }),
    ),
  );
}

test("20 devices of one user receive one message once each", async () => {
  const [a, b, group] = [uniqueId("a"), uniqueId("b"), uniqueId("g")];
  await shared.current.backEnd.createGroup(group, [a, b]);
  using sender = await shared.current.connect(a);
  const devices = await connectDevices(b);
  try {
    await sender.sendOk({ to: b, type: PERSON, payload: "to a person" });
    await sender.sendOk({ to: group, type: GROUP, payload: "to a group" });
    for (const device of devices) {
      const received = await device.takeSome(2);
      expect(texts(received).sort()).toEqual(["to a group", "to a person"]);
    }
    expect(await staysQuiet(() => devices.some((device) => device.received.length > 0))).toBe(true);
  } finally {
    for (const device of devices) device.close();
  }
});

test("what one of 20 devices sends reaches the 19 others once each, and not itself", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const devices = await connectDevices(b);
  try {
    const [writer, ...others] = devices;
    const { messageId } = await writer!.sendOk({ to: a, type: PERSON, payload: "mine" });
    for (const other of others) {
      const received = await other.takeSome(1);
      expect(received.map((message) => message.messageId)).toEqual([messageId]);
      expect(received[0]!.channelId).toBe(a);
    }
    expect(await staysQuiet(() => devices.some((device) => device.received.length > 0))).toBe(true);
  } finally {
    for (const device of devices) device.close();
  }
});

test("onlinestatus has one entry per connection, in the order of the logins, and none for who is gone", async () => {
  const { backEnd } = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using phone = await shared.current.connect(b, { deviceFlag: 0 });
  using browser = await shared.current.connect(b, { deviceFlag: 1, transport: "websocket" });
  using tablet = await shared.current.connect(b, { deviceFlag: 0 });
  const entry = (flag: number): object => ({ uid: b, device_flag: flag, online: 1 });
  expect(await backEnd.onlineStatus([a, b])).toEqual([entry(0), entry(1), entry(0)]);
  await browser.end();
  await expect.poll(() => backEnd.onlineStatus([a, b]), { timeout: 10_000 }).toEqual([entry(0), entry(0)]);
  await phone.end();
  await tablet.end();
  await expect.poll(() => backEnd.onlineStatus([a, b]), { timeout: 10_000 }).toEqual([]);
});
