/** INV-6 for lists and bans: when the call has returned the next message is judged by it, and none slips through later. */
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import type { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer();
const BURSTS = 20;
const PER_BURST = 20;
const ACCEPTED = 1;

interface Rule {
  readonly name: string;
  readonly type: number;
  /** What a send is answered with while the rule holds. */
  readonly reason: number;
  set(server: ServerProcess, channel: string, sender: string): Promise<unknown>;
  unset(server: ServerProcess, channel: string, sender: string): Promise<unknown>;
}

function flag(name: "ban" | "disband", reason: number): Rule {
  const put = (server: ServerProcess, id: string, value: 0 | 1): Promise<unknown> =>
    server.http.ask("/channel/info", { channel_id: id, channel_type: GROUP, [name]: value });
  return {
    name,
    type: GROUP,
    reason,
    set: (server, channel) => put(server, channel, 1),
    unset: (server, channel) => put(server, channel, 0),
  };
}

const RULES: readonly Rule[] = [
  {
    name: "deny list of a person",
    type: PERSON,
    reason: 4,
    set: (server, channel, sender) => server.backEnd.editList("blacklist", "add", channel, PERSON, [sender]),
    unset: (server, channel) => server.backEnd.clearList("blacklist", channel, PERSON),
  },
  {
    name: "deny list of a group",
    type: GROUP,
    reason: 4,
    set: (server, channel, sender) => server.backEnd.editList("blacklist", "set", channel, GROUP, [sender]),
    unset: (server, channel, sender) => server.backEnd.editList("blacklist", "remove", channel, GROUP, [sender]),
  },
  {
    name: "allow list of a group without him",
    type: GROUP,
    reason: 13,
    set: (server, channel) => server.backEnd.editList("whitelist", "add", channel, GROUP, ["somebody"]),
    unset: (server, channel) => server.backEnd.editList("whitelist", "remove", channel, GROUP, ["somebody"]),
  },
  {
    name: "removal from a group",
    type: GROUP,
    reason: 3,
    set: (server, channel, sender) => server.backEnd.removeMembers(channel, [sender]),
    unset: (server, channel, sender) => server.backEnd.addMembers(channel, [sender]),
  },
  {
    name: "send_ban of the sender",
    type: PERSON,
    reason: 25,
    set: (server, _, sender) =>
      server.http.ask("/channel/info", { channel_id: sender, channel_type: PERSON, send_ban: 1 }),
    unset: (server, _, sender) =>
      server.http.ask("/channel/info", { channel_id: sender, channel_type: PERSON, send_ban: 0 }),
  },
  flag("ban", 19),
  flag("disband", 24),
];

test.each(RULES)("$name during a burst: accepted before, refused after, accepted again once undone", async (rule) => {
  const server = shared.current;
  const [channel, sender] = [uniqueId("c"), uniqueId("s")];
  if (rule.type === GROUP) await server.backEnd.createGroup(channel, [sender, "somebody"]);
  using client = await server.connect(sender);
  const reasons: number[] = [];
  const accepted: string[] = [];
  const sendOnce = async (): Promise<void> => {
    const burst = Array.from({ length: PER_BURST }, (_, index) => ({
      to: channel,
      type: rule.type,
      payload: `${reasons.length + index}`,
    }));
    for (const [index, answer] of (await client.burst(burst)).entries()) {
      const reason = answer.outcome === "answered" ? answer.reason : -1;
      if (reason === ACCEPTED) accepted.push(burst[index]?.payload ?? "");
      reasons.push(reason);
    }
  };
  await sendOnce();
  expect(reasons.every((reason) => reason === ACCEPTED)).toBe(true);

  const sending = (async (): Promise<void> => {
    for (let burst = 0; burst < BURSTS; burst++) await sendOnce();
  })();
  await rule.set(server, channel, sender);
  await sending;
  const firstRefused = reasons.indexOf(rule.reason);
  const expected = reasons.map((_, index) => (firstRefused >= 0 && index >= firstRefused ? rule.reason : ACCEPTED));
  expect(reasons, "once refused, always refused").toEqual(expected);
  await sendOnce();
  expect(reasons.slice(-PER_BURST).every((reason) => reason === rule.reason)).toBe(true);

  await rule.unset(server, channel, sender);
  await sendOnce();
  expect(reasons.slice(-PER_BURST).every((reason) => reason === ACCEPTED)).toBe(true);
  const history = await server.backEnd.history(sender, channel, rule.type);
  expect(history.map((message) => Buffer.from(message.payload, "base64").toString())).toEqual(accepted);
  expect(history.map((message) => message.message_seq)).toEqual(accepted.map((_, index) => index + 1));
});
