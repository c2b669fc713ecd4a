/** Of the messages that a session does not acknowledge only the newest are sent again, so often as configured. */
import { expect, test } from "vitest";
import { GROUP } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { staysQuiet, uniqueId } from "../harness/waiting.ts";

const WAITING_MAX = 100;
const MESSAGES = 300;
const RESENDS = 2;

const shared = sharedServer({
  settings: {
    "limits.pendingAcksMax": WAITING_MAX,
    "messageRetry.interval": "2s",
    "messageRetry.scanInterval": "200ms",
    "messageRetry.maxCount": RESENDS,
  },
});

test("R-32: beyond the bound the oldest are not sent again, and history keeps them", async () => {
  const server = shared.current;
  const [group, sender, silent, polite] = [uniqueId("g"), uniqueId("s"), uniqueId("silent"), uniqueId("polite")];
  await server.backEnd.createGroup(group, [sender, silent, polite]);
  using client = await server.connect(sender);
  using quiet = await server.connect(silent, { acknowledges: false });
  using nice = await server.connect(polite);
  const answers = await client.burst(
    Array.from({ length: MESSAGES }, (_, index) => ({ to: group, type: GROUP, payload: `${index}` })),
  );
  for (const answer of answers) expect(answer).toMatchObject({ reason: 1 });

  const all = Array.from({ length: MESSAGES }, (_, index) => index + 1);
  const first = await quiet.takeSome(MESSAGES);
  expect(first.slice(0, MESSAGES).map((message) => message.messageSeq)).toEqual(all);
  const again = first.slice(MESSAGES);
  again.push(...(await quiet.takeSome(WAITING_MAX * RESENDS - again.length, 30_000)));
  const newest = all.slice(-WAITING_MAX);
  expect(again.map((message) => message.messageSeq).toSorted((a, b) => a - b)).toEqual(
    newest.flatMap((seq) => [seq, seq]),
  );
  // The same message, with nothing that would tell an old client that it is a second one.
  for (const message of again) expect(message).toEqual(first[message.messageSeq - 1]);
  expect(await staysQuiet(() => quiet.received.length > 0, 2_500), "no third time").toBe(true);
  expect(
    nice.take().map((message) => message.messageSeq),
    "who acknowledges gets each once",
  ).toEqual(all);
  expect(await server.backEnd.history(silent, group, GROUP)).toHaveLength(MESSAGES);
});
