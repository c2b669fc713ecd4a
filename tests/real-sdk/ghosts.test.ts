/** Sessions that come and go by the hundred, as phones do: with goodbye, without, and with a new device id each time. */
import { expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";

const LOGINS = 1_000;
const AT_ONCE = 50;
const shared = sharedServer();

test(`${LOGINS} logins of one user, ${AT_ONCE} at a time, leave nobody online, and the next one gets his messages once`, async () => {
  const server = shared.current;
  const [uid, peer] = [uniqueId("u"), uniqueId("p")];
  await inParallel(Array.from({ length: LOGINS }), AT_ONCE, async (_, index) => {
    const client = await server.connect(uid, { transport: index % 2 === 0 ? "websocket" : "tcp" });
    if (index % 3 === 0) await client.end();
    else if (index % 3 === 1) client.close();
    else {
      // In the middle of something.
      const sending = client.send({ to: peer, type: PERSON, payload: `${index}` });
      client.close();
      await sending;
    }
  });
  await eventually(async () => (await server.http.post("/user/onlinestatus", [uid])).text === "[]", "nobody is online");
  using last = await server.connect(uid);
  expect(await server.backEnd.onlineStatus([uid])).toHaveLength(1);
  await server.backEnd.send({ from: peer, to: uid, type: PERSON, text: "once" });
  // What he sent himself just before he went may reach him, too, when it is stored only now.
  const fromPeer = () =>
    last.received.filter((message) => message.fromUid === peer).map(({ payload }) => payload.toString());
  expect(await last.until(() => fromPeer().length > 0, 10_000)).toBe(true);
  expect(await last.ping()).toBe(true);
  expect(fromPeer()).toEqual(["once"]);
  expect(last.faults).toEqual([]);
});
