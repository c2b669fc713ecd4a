/** The explainer over real rows: how it finds messages and refusals. Verdicts and sessions have tests of their own. */
import { describe, expect, test } from "vitest";
import { session } from "../api/test-kit.ts";
import type { ChannelKey } from "../messaging/message.ts";
import { MessageStandings } from "../messaging/message-standing.ts";
import { Removals } from "../messaging/removals.ts";
import { Messaging } from "../messaging/test-kit.ts";
import { Explainer } from "./explainer.ts";
import { NotKeptMessages } from "./not-kept-messages.ts";
import { Trail } from "./trail.ts";
import type { WebhookState } from "./webhook-trail.ts";

const GROUP = { type: 2, id: "team" } as const;

async function bench() {
  const messaging = await Messaging.open();
  const { store, channels, conversations, history, ids, simulation } = messaging;
  const { clock, timers } = simulation.world;
  const limits = { usersMax: 100, waitingMax: 100, waitingBytesMax: 1 << 20 };
  const trail = new Trail({ store, clock, ids, timers, failed: (error) => messaging.failures.push(error), limits });
  const removals = new Removals(store, clock);
  const options = { showSystem: false, countAll: false };
  const b = {
    messaging,
    trail,
    notKept: new NotKeptMessages(10),
    webhook: "off" as WebhookState,
    online: [session("ben", 7, 0)],
    explain: (uid: string, message: Parameters<Explainer["explain"]>[0]["message"], fromUid = "") =>
      messaging.done(explainer.explain({ uid, message, fromUid })),
  };
  const explainer = new Explainer({
    clock,
    standings: new MessageStandings({ store, channels, conversations, history, removals, options }),
    trail,
    notKept: b.notKept,
    acks: { stateOf: () => undefined },
    fanOut: { isBusy: () => false },
    presence: { of: (uid) => b.online.filter((each) => each.uid === uid) },
    devices: async () => [],
    webhook: { stateOf: () => b.webhook },
    time: (ms) => `${ms}`,
    options: { isCommandSyncOff: false, resendsMax: 5, pendingAcksMax: 1024 },
  });
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  return b;
}
const numbered = (channel: ChannelKey, clientMsgNo: string) => ({ channel, log: undefined, clientMsgNo });

describe("what a webhook has made of a message", () => {
  test.each(["delivered", "waiting", "dead", "off"] as const)("%s", async (webhook) => {
    const b = await bench();
    const { id } = await b.messaging.send("ann", GROUP);
    b.webhook = webhook;
    const { facts } = await b.explain("ben", { id });
    expect(facts.map(({ code }) => code)).toContain(`webhook_${webhook}`);
  });
});

test("an open session of which no note is left is known from presence", async () => {
  const b = await bench();
  for (const each of b.online) b.trail.opened(each);
  // Others' news have dropped it from the disk.
  for (let n = 0; n < 300; n++) {
    b.trail.opened(session(`u${n}`, 100 + n, 0));
    if (n % 50 === 0) await b.messaging.simulation.run(3_000);
  }
  await b.messaging.simulation.run(20_000);
  expect(b.trail.of("ben").sessions).toEqual([]);
  const { id } = await b.messaging.send("ann", GROUP);
  expect(await b.explain("ben", { id })).toMatchObject({ verdict: "acknowledged", sessions: [{ note: { id: 7 } }] });
});

test("of a session that is gone, and whose end found no room, nothing is concluded", async () => {
  const b = await bench();
  const [ben] = b.online;
  b.trail.opened(ben!);
  await b.messaging.simulation.run(3_000);
  const { id } = await b.messaging.send("ann", GROUP);
  for (let n = 0; n < 100; n++) b.trail.opened(session(`u${n}`, 100 + n, 0));
  b.online = [];
  b.trail.left(ben!, "idle");
  expect(b.trail.dropped).toBeGreaterThan(0);
  expect(await b.explain("ben", { id })).toMatchObject({
    verdict: "acknowledgement_unknown",
    sessions: [{ state: "not_noted" }],
  });
});

test("a refused send is found by its sender, its number and its channel as he named it", async () => {
  const b = await bench();
  const refused = { fromUid: "cid", addressedTo: { type: 1, id: "ben" }, flags: 2, clientMsgNo: "n" };
  b.trail.refused(refused, { high: 1, low: 2 }, 4, "deny_list");
  const chat = { type: 1, id: "cid@ben" };
  const other = { type: 1, id: "ben@cid" };
  const verdicts = [];
  for (const channel of [chat, other]) verdicts.push((await b.explain("ben", numbered(channel, "n"))).verdict);
  expect(verdicts, "the stored id of the two").toContain("refused_deny_list");
  expect((await b.explain("ben", numbered(GROUP, "n"), "cid")).verdict, "in another channel").toBe("message_unknown");
  expect((await b.explain("ben", { id: { high: 1, low: 2 } }, "cid")).verdict).toBe("refused_deny_list");
  expect((await b.explain("ben", { id: { high: 1, low: 2 } })).verdict, "without its sender").toBe("message_unknown");
});
