/** The published SDK sends again what it has no answer for. The first time arrived, so the second must not make a copy. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { LossyProxy } from "../harness/lossy-proxy.ts";
import { SdkClient, SdkStatus } from "../harness/sdk-client.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, staysQuiet, uniqueId } from "../harness/waiting.ts";

const shared = sharedServer({ settings: { tokenAuthOn: true } });
const WEB = 1;
const SLAVE = 0;

beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => undefined); // the SDK tells every step
});
afterAll(() => {
  vi.restoreAllMocks();
});

async function login(uid: string, wsPort: number): Promise<SdkClient> {
  const token = uniqueId("token");
  await shared.current.backEnd.setToken(uid, token, WEB, SLAVE);
  return SdkClient.connect({ uid, token, wsPort });
}

test.each([PERSON, GROUP])(
  "R-26: what is sent again after a reconnect is one message, channel type %i",
  async (type) => {
    const server = shared.current;
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    const to = type === PERSON ? b : uniqueId("g");
    if (type === GROUP) await server.backEnd.createGroup(to, [a, b]);
    using proxy = await LossyProxy.start(server.wsPort);
    using alice = await login(a, proxy.port);
    using bob = await login(b, server.wsPort);
    expect(await alice.sendText(to, type, "answered")).toEqual({ reason: 1, messageSeq: 1 });

    proxy.losesAnswers = true;
    const list = ["lost 1", "lost 2", "lost 3"];
    const answers = Promise.all(list.map((text) => alice.sendText(to, type, text)));
    await eventually(
      async () => (await server.backEnd.history(b, type === PERSON ? a : to, type)).length === 4,
      "stored",
    );
    proxy.cut();
    proxy.losesAnswers = false;
    // It comes back by itself, with another key, and sends all three again.
    expect(await answers).toEqual([2, 3, 4].map((messageSeq) => ({ reason: 1, messageSeq })));
    expect(alice.status).toBe(SdkStatus.connected);

    const received = await bob.receive(4);
    expect(received.map((message) => [message.messageSeq, message.text])).toEqual(
      ["answered", ...list].map((text, index) => [index + 1, text]),
    );
    expect(await staysQuiet(() => bob.received.length > 0), "no copy is pushed").toBe(true);
    const history = texts(await server.backEnd.history(b, type === PERSON ? a : to, type));
    expect(history.map((text) => (JSON.parse(text) as { readonly content: string }).content)).toEqual([
      "answered",
      ...list,
    ]);
    expect(await server.backEnd.chatOf(b, type === PERSON ? a : to, type)).toMatchObject({
      unread: 4,
      last_msg_seq: 4,
    });
  },
);
