/** The promises, checked in a quiet moment against the users' own records. */
import { withCommandSuffix } from "@wukong-ts/protocol";
import { expect } from "vitest";
import { type Chat, USERS } from "./chats.ts";
import { MASTER_FLAG } from "./device.ts";
import { checkExplanations } from "./explanations.ts";
import { pick } from "./picks.ts";
import type { Run } from "./run.ts";
import { noteApiAnswer, noteAttempt, type Sent, sendBody } from "./sent-messages.ts";

/** What the API shows of a message. */
interface Shown {
  readonly message_idstr: string;
  readonly message_seq: number;
  readonly client_msg_no: string;
  readonly from_uid: string;
  readonly payload: string;
}

interface ShownChat {
  readonly channel_id: string;
  readonly channel_type: number;
  readonly unread: number;
  readonly last_msg_seq: number;
}

const LOGS = ["chat", "command"] as const;

export async function checkPromises(run: Run): Promise<void> {
  const lengths = new Map<string, number>();
  for (const chat of run.chats) {
    for (const log of LOGS) {
      const history = await historyOf(run, chat, log);
      checkLog(run, chat, log, history);
      if (log === "chat") lengths.set(chat.name, history.length);
    }
    if (chat.isListed) await checkMembers(run, chat);
  }
  for (const uid of USERS) await checkList(run, uid, lengths);
  for (const inbox of run.inboxes.values()) await inbox.drain(1 + run.simulation.random.below(20));
  await checkUnreadFromHere(run, pick(run.simulation.random, USERS));
  await checkSessions(run);
  await checkPush(run);
  await checkWebhook(run);
  await checkExplanations(run);
  await checkOnlineStatus(run);
}

/** Told of every message that is kept, as it is, in the order of its log. */
async function checkWebhook({ simulation, webhook }: Run): Promise<void> {
  for (let round = 0; round < 100 && webhook.missing.length > 0; round++) await simulation.run(300);
  webhook.check();
}

/** What the back end is told of sessions ends up true, whatever was lost on the way. */
async function checkOnlineStatus({ simulation, webhook, devices }: Run): Promise<void> {
  const ready = devices.filter(({ isReady }) => isReady).map(({ login }) => `${login.uid} ${login.deviceFlag}`);
  const truth = [...Map.groupBy(ready, (key) => key)].map(([key, { length }]) => `${key}: ${length}`).sort();
  const believed = (): readonly string[] => [...webhook.online].map(([key, count]) => `${key}: ${count}`).sort();
  for (let round = 0; round < 100 && believed().join() !== truth.join(); round++) await simulation.run(300);
  expect(believed(), "the webhook is told who is online").toEqual(truth);
}

/** Stored once as acknowledged, dense, ordered, and nothing that was refused. */
function checkLog(run: Run, chat: Chat, log: (typeof LOGS)[number], history: readonly Shown[]): void {
  const name = `${log} log of ${chat.name}`;
  expect(
    history.map((shown) => shown.message_seq),
    `${name} is dense`,
  ).toEqual(history.map((_, index) => index + 1));
  const ids = history.map((shown) => BigInt(shown.message_idstr));
  expect(
    ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? 0n)),
    `${name}: ids grow`,
  ).toBe(true);
  const places = new Map<string, { id: string; seq: number }[]>();
  for (const shown of history) {
    const no = atob(shown.payload);
    const sent = run.sent.find(no);
    expect({ from: shown.from_uid, no: shown.client_msg_no }, `${no} as it was sent`).toEqual({ from: sent.from, no });
    expect(sent.chat.name, `${no} is where it was sent`).toBe(chat.name);
    expect(sent.isCommand ? "command" : "chat", `${no} is in its log`).toBe(log);
    places.set(no, [...(places.get(no) ?? []), { id: shown.message_idstr, seq: shown.message_seq }]);
  }
  for (const sent of run.sent.all()) {
    if (sent.chat !== chat || sent.isCommand !== (log === "command")) continue;
    const found = places.get(sent.no) ?? [];
    if (sent.state === "acknowledged" && sent.isPersisted)
      expect(found, `${sent.no} is stored once, as acknowledged`).toEqual([{ id: sent.id, seq: sent.seq }]);
    if (!sent.isPersisted) expect(found, `${sent.no} is not kept`).toEqual([]);
    if (sent.state === "refused" && sent.attempts < 2) expect(found, `${sent.no} was refused`).toEqual([]);
  }
}

async function historyOf(run: Run, chat: Chat, log: (typeof LOGS)[number]): Promise<readonly Shown[]> {
  const viewer = pick(
    run.simulation.random,
    USERS.filter((uid) => chat.idFor(uid) !== undefined),
  );
  const id = chat.idFor(viewer) ?? "";
  const { body } = await run.backend.must("/channel/messagesync", {
    login_uid: viewer,
    channel_id: log === "chat" ? id : withCommandSuffix(id),
    channel_type: chat.type,
    limit: 10_000,
  });
  return (body as { messages: readonly Shown[] }).messages;
}

async function membersOf(run: Run, chat: Chat): Promise<readonly string[]> {
  const id = encodeURIComponent(chat.idFor("") ?? "");
  return (await run.backend.mustGet(`/cluster/channels/${id}/${chat.type}/subscribers`)) as readonly string[];
}

async function checkMembers(run: Run, chat: Chat): Promise<void> {
  const members = await membersOf(run, chat);
  for (const uid of USERS) {
    if (chat.implied.includes(uid)) continue;
    const standing = run.membership.now(chat, uid);
    if (standing !== "unsure")
      expect(members.includes(uid) ? "member" : "none", `${uid} in ${chat.name}`).toBe(standing);
  }
}

/** Every chat with messages that he belongs to, with one unread number everywhere, and nothing else. */
async function checkList(run: Run, uid: string, lengths: ReadonlyMap<string, number>): Promise<void> {
  const chats = run.chats.filter((chat) => chat.idFor(uid) !== undefined);
  const { body } = await run.backend.must("/conversation/sync", { uid, msg_count: 1 });
  const listed = body as readonly ShownChat[];
  const asked = chats.map((chat) => ({ channel_id: chat.idFor(uid), channel_type: chat.type }));
  const views = (await run.backend.must("/conversation/syncByChannels", { uid, channels: asked }))
    .body as readonly ShownChat[];
  for (const chat of chats) {
    const isThis = (shown: ShownChat): boolean =>
      shown.channel_type === chat.type && shown.channel_id === chat.idFor(uid);
    const found = listed.find(isThis);
    const view = views.find(isThis);
    const length = lengths.get(chat.name) ?? 0;
    const standing = run.membership.now(chat, uid);
    if (standing === "none" || !chat.isInChatList || length === 0)
      expect(found, `${uid} does not see ${chat.name}`).toBeUndefined();
    if (standing !== "member" || !chat.isInChatList || length === 0) continue;
    // Deleted up to the last message: the next one must bring it back.
    const isDeleted = view?.last_msg_seq === 0 && run.deleted.has(`${uid} ${chat.name}`);
    if (isDeleted) expect(found, `${uid} has deleted ${chat.name}`).toBeUndefined();
    else {
      expect(found?.last_msg_seq, `${uid} finds ${chat.name}`).toBe(length);
      expect(found?.unread, `${uid} sees one unread number for ${chat.name}`).toBe(view?.unread);
    }
  }
  const known = listed.filter((shown) => asked.some((each) => each.channel_id === shown.channel_id));
  expect(known.length, `${uid} sees no other chat`).toBe(listed.length);
}

/** From a known place on, the number is the count of red dots after it, or after his own last message. */
async function checkUnreadFromHere(run: Run, uid: string): Promise<void> {
  const { random } = run.simulation;
  const chats = run.chats.filter(
    (chat) => chat.isInChatList && chat.idFor(uid) !== undefined && run.membership.now(chat, uid) === "member",
  );
  const chat = pick(random, chats);
  const peer = USERS.find((each) => each !== uid && chat.idFor(each) !== undefined);
  if (peer === undefined) return;
  const place = { channel_id: chat.idFor(uid), channel_type: chat.type };
  await run.backend.must("/conversations/clearUnread", { uid, ...place });
  let expected = 0;
  const count = random.below(5);
  for (let i = 0; i < count; i++) {
    const from = random.chance(0.2) ? uid : peer;
    const sent = run.newMessage(from, chat, { isCommand: random.chance(0.3), isPersisted: true });
    await sendNow(run, sent);
    if (sent.state !== "acknowledged" || sent.isCommand) continue;
    if (from === uid) expected = 0;
    else if (sent.isCounted) expected++;
  }
  const { body } = await run.backend.must("/conversation/syncByChannels", { uid, channels: [place] });
  const [view] = body as readonly ShownChat[];
  expect(view?.unread, `${uid} has read all but ${expected} of ${chat.name}`).toBe(expected);
}

async function sendNow(run: Run, sent: Sent): Promise<void> {
  noteAttempt(sent, run.simulation.nowMs);
  const { text } = await run.backend.must("/message/send", sendBody(sent));
  noteApiAnswer(sent, text, run.simulation.nowMs);
}

/** Who the server says is online is who believes so. */
async function checkSessions(run: Run): Promise<void> {
  const { body } = await run.backend.must("/user/onlinestatus", USERS);
  const online = body as readonly { readonly uid: string; readonly device_flag: number }[];
  const shown = online.map((each) => `${each.uid} ${each.device_flag}`).sort();
  const ready = run.devices.filter((device) => device.isReady);
  if (run.hasTokens)
    for (const uid of USERS) {
      const masters = shown.filter((each) => each === `${uid} ${MASTER_FLAG}`);
      expect(masters.length, `${uid} has one phone`).toBeLessThanOrEqual(1);
    }
  expect(shown, "who is online").toEqual(ready.map(({ login }) => `${login.uid} ${login.deviceFlag}`).sort());
}

/** Each open device of each member gets a message, and no one else does. */
async function checkPush(run: Run): Promise<void> {
  const { random } = run.simulation;
  const chat = pick(random, run.chats);
  const senders = USERS.filter((uid) => chat.idFor(uid) !== undefined);
  const sent = run.newMessage(pick(random, senders), chat, { isCommand: random.chance(0.3), isPersisted: true });
  await sendNow(run, sent);
  if (sent.state !== "acknowledged") return;
  await run.simulation.run(300);
  const members = chat.isListed ? await membersOf(run, chat) : [];
  for (const device of run.devices) {
    if (!device.isReady) continue;
    const isReceiver = chat.implied.includes(device.uid) || members.includes(device.uid);
    expect(device.hasSeen(sent), `${device.name} gets ${sent.no} of ${chat.name}`).toBe(isReceiver);
  }
}
