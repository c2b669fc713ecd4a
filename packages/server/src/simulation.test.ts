/**
 * The whole server in one process, from a seed: three users who chat, retry, join, leave, read and delete, while the
 * process crashes, writes fail and the clock is set back. What was promised is checked against the users' own records.
 *
 *   WK_SEEDS=20000 vitest run --project unit packages/server/src/simulation.test.ts     more seeds
 *   WK_SEED=17 vitest run …                                                            one seed again
 */
import { encodeFrame, FrameDecoder, int64ToText, Reason } from "@wukong-ts/protocol";
import { expect, test } from "vitest";
import { defaultConfig } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import { silentLog } from "./observe/log.ts";
import { createServer } from "./server.ts";
import { createSimulatedWorld, type Simulation } from "./world/simulated/simulated-world.ts";
import type { Socket } from "./world/world.ts";

const TCP_PORT = 5100;
const HTTP_PORT = 5001;
const USERS = ["ann", "ben", "cat"] as const;
const GROUP = "team";
const TEXT = new TextEncoder();
const STEPS = 60;

type Chat = { readonly type: 1; readonly id: string } | { readonly type: 2; readonly id: typeof GROUP };

/** What a sender remembers of one message. */
interface Sent {
  readonly from: string;
  readonly chat: Chat;
  readonly no: string;
  readonly isCounted: boolean;
  readonly isPersisted: boolean;
  /** Copies on the wire: with more than one, a refused copy may be followed by one that is accepted. */
  attempts: number;
  state: "unknown" | "acknowledged" | "refused";
  id: string;
  seq: number;
}

/** What the API shows of one. */
interface Shown {
  readonly message_idstr: string;
  readonly message_seq: number;
  readonly client_msg_no: string;
  readonly from_uid: string;
  readonly header: { readonly red_dot: number };
}
interface ShownChat {
  readonly channel_id: string;
  readonly channel_type: number;
  readonly unread: number;
  readonly last_msg_seq: number;
  readonly readed_to_msg_seq: number;
}

/** A user's device: connects, sends, acknowledges, and connects again when the line breaks. */
class Device {
  readonly uid: string;
  readonly #simulation: Simulation;
  readonly #waiting = new Map<number, Sent>();
  #socket: Socket | undefined;
  #isReady = false;
  #clientSeq = 0;
  /** Of this connection: ids by channel log in the order they came. */
  #seen = new Map<string, { lastSeq: number; ids: Set<string> }>();

  constructor(uid: string, simulation: Simulation) {
    this.uid = uid;
    this.#simulation = simulation;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  connect(): void {
    const socket = this.#simulation.connect(TCP_PORT);
    const decoder = new FrameDecoder({ frameBytesMax: 1 << 20, version: 5 });
    this.#socket = socket;
    this.#isReady = false;
    this.#seen = new Map();
    socket.bind({
      bytes: (chunk) => {
        decoder.push(chunk);
        for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) this.#frame(frame);
      },
      drained: () => undefined,
      closed: () => {
        if (this.#socket !== socket) return;
        this.#socket = undefined;
        this.#isReady = false;
        this.#waiting.clear();
      },
    });
    const connect = {
      type: 1,
      version: 5,
      deviceFlag: 0,
      deviceId: "d",
      uid: this.uid,
      token: "",
      clientTimestamp: 0n,
      clientKey: "",
    } as const;
    socket.write([encodeFrame(connect, 5)]);
  }

  connectIfNeeded(): void {
    if (this.#socket === undefined) this.connect();
  }

  cut(): void {
    if (this.#socket !== undefined) this.#simulation.cut(this.#socket);
  }

  /** In one write. */
  send(messages: readonly Sent[]): void {
    if (!this.#isReady) return;
    const frames = messages.map((sent) => {
      const clientSeq = ++this.#clientSeq;
      this.#waiting.set(clientSeq, sent);
      sent.attempts++;
      const flags = (sent.isCounted ? 2 : 0) | (sent.isPersisted ? 0 : 1);
      const { type, id } = sent.chat;
      return encodeFrame(
        {
          type: 3,
          flags,
          setting: 0,
          clientSeq,
          clientMsgNo: sent.no,
          channelId: id,
          channelType: type,
          expire: 0,
          msgKey: "",
          topic: "",
          payload: TEXT.encode(sent.no),
        },
        5,
      );
    });
    this.#socket?.write(frames);
  }

  #frame(frame: ReturnType<FrameDecoder["next"]>): void {
    if (frame === undefined) return;
    if (frame.type === 2) this.#isReady = frame.reason === Reason.success;
    else if (frame.type === 4)
      this.#answered(frame.clientSeq, frame.reason, int64ToText(frame.messageId), frame.messageSeq);
    else if (frame.type === 5) {
      const key = `${frame.channelType}/${frame.channelId}`;
      const seen = this.#seen.get(key) ?? { lastSeq: 0, ids: new Set<string>() };
      this.#seen.set(key, seen);
      const id = int64ToText(frame.messageId);
      if (frame.messageSeq > 0 && !seen.ids.has(id)) {
        expect(frame.messageSeq, `${this.uid} sees ${key} in order`).toBeGreaterThan(seen.lastSeq);
        seen.lastSeq = frame.messageSeq;
        seen.ids.add(id);
      }
      this.#socket?.write([
        encodeFrame({ type: 6, flags: frame.flags, messageId: frame.messageId, messageSeq: frame.messageSeq }, 5),
      ]);
    }
  }

  #answered(clientSeq: number, reason: number, id: string, seq: number): void {
    const sent = this.#waiting.get(clientSeq);
    if (sent === undefined) return;
    this.#waiting.delete(clientSeq);
    record(sent, reason, id, seq);
  }
}

function record(sent: Sent, reason: number, id: string, seq: number): void {
  if (reason === Reason.success) {
    if (sent.state === "acknowledged" && sent.isPersisted)
      expect({ id, seq }, `${sent.no} is answered alike`).toEqual({ id: sent.id, seq: sent.seq });
    sent.state = "acknowledged";
    sent.id = id;
    sent.seq = seq;
    // 15 and 22 leave it open whether it is stored; all other reasons are a refusal of a message never stored before.
  } else if (reason !== Reason.systemError && reason !== Reason.rateLimit) {
    expect(reason === Reason.idempotencyConflict, `${sent.no} has one payload`).toBe(false);
    // A copy that overtook the first one may be refused; once the first was answered, every copy gets its answer.
    if (sent.state === "acknowledged")
      expect(sent.attempts, `${sent.no} is not refused after it was acknowledged`).toBeGreaterThan(1);
    else sent.state = "refused";
  }
}

/** One seed's run. */
class Run {
  readonly seed: number;
  readonly simulation: Simulation;
  readonly #config: Config;
  readonly #devices: readonly Device[];
  readonly #sent: Sent[] = [];
  readonly #calls = new Set<Promise<unknown>>();
  #stop: () => Promise<void> = async () => undefined;
  #count = 0;

  constructor(seed: number, trace?: (line: string) => void) {
    this.seed = seed;
    this.simulation = createSimulatedWorld({ seed, ...(trace === undefined ? {} : { trace }) });
    const { random } = this.simulation;
    const config = defaultConfig();
    this.#config = {
      ...config,
      dataDir: "/data",
      disableEncryption: true,
      whitelistOffOfPerson: random.chance(0.7),
      addr: { host: "10.0.0.9", port: TCP_PORT },
      wsAddr: null,
      httpAddr: { host: "10.0.0.9", port: HTTP_PORT },
      // Small caches in some runs, so that objects are evicted and loaded again.
      limits: random.chance(0.5)
        ? config.limits
        : { ...config.limits, channelCacheMax: 2, conversationCacheUsersMax: 1 },
    };
    this.#devices = USERS.map((uid) => new Device(uid, this.simulation));
  }

  async play(): Promise<void> {
    await this.#start();
    for (let step = 0; step < STEPS; step++) {
      await this.#act();
      await this.simulation.run(this.simulation.random.below(8));
    }
    await this.#check();
    await this.simulation.settle(this.#stop());
  }

  async #start(): Promise<void> {
    const server = createServer({ config: this.#config, world: this.simulation.world, log: silentLog });
    await this.simulation.settle(server.start());
    this.#stop = () => server.stop();
  }

  async #restart(): Promise<void> {
    this.simulation.restart();
    this.#calls.clear();
    await this.#start();
  }

  async #act(): Promise<void> {
    const { random } = this.simulation;
    for (const device of this.#devices) if (random.chance(0.6)) device.connectIfNeeded();
    const device = this.#pick(this.#devices);
    const peer = this.#pick(USERS);
    const dice = random.below(100);
    if (dice < 40) this.#sendSome(device);
    else if (dice < 50) this.#retrySome(device);
    else if (dice < 58)
      this.#post("/channel/subscriber_add", { channel_id: GROUP, channel_type: 2, subscribers: this.#some(USERS) });
    else if (dice < 62)
      this.#post("/channel/subscriber_remove", { channel_id: GROUP, channel_type: 2, subscribers: [peer] });
    else if (dice < 66) {
      const call = this.#pick([
        "/channel/whitelist_add",
        "/channel/whitelist_set",
        "/channel/blacklist_add",
        "/channel/blacklist_remove",
      ]);
      this.#post(call, { channel_id: device.uid, channel_type: 1, uids: [peer] });
    } else if (dice < 72) this.#sendByApi(device.uid, peer);
    else if (dice < 78) this.#post("/conversation/sync", { uid: device.uid, msg_count: 3 });
    else if (dice < 84) this.#mark(device.uid, peer);
    else if (dice < 87) this.simulation.stepWallClock(-random.below(100_000));
    else if (dice < 90) this.simulation.failNextWrite();
    else if (dice < 94) device.cut();
    else if (dice < 97) await this.#crash();
  }

  /** At any moment: with writes in flight, calls unanswered, connections half open. */
  async #crash(): Promise<void> {
    this.simulation.crash();
    await this.#restart();
    if (this.simulation.random.chance(0.5)) await this.#check();
  }

  #sendSome(device: Device): void {
    const { random } = this.simulation;
    const count = 1 + random.below(4);
    const messages = Array.from({ length: count }, () =>
      this.#newMessage(device.uid, this.#someChat(), random.chance(0.93)),
    );
    device.send(messages);
  }

  #newMessage(from: string, chat: Chat, isPersisted: boolean): Sent {
    const no = `${this.seed}-${++this.#count}`;
    const isCounted = this.simulation.random.chance(0.8);
    const sent: Sent = { from, chat, no, isCounted, isPersisted, attempts: 0, state: "unknown", id: "", seq: 0 };
    this.#sent.push(sent);
    return sent;
  }

  /** What is open, and now and then what was answered long ago. */
  #retrySome(device: Device): void {
    const mine = this.#sent.filter((sent) => sent.from === device.uid && sent.isPersisted && sent.state !== "refused");
    const { random } = this.simulation;
    device.send(mine.filter((sent) => sent.state === "unknown" || random.chance(0.2)));
  }

  #sendByApi(from: string, to: string): void {
    const sent = this.#newMessage(from, { type: 1, id: to }, true);
    const body = {
      from_uid: from,
      channel_id: to,
      channel_type: 1,
      client_msg_no: sent.no,
      header: { red_dot: sent.isCounted ? 1 : 0 },
      payload: btoa(sent.no),
    };
    sent.attempts++;
    this.#post("/message/send", body, (answer) => {
      const data = answer.body as { data: { message_id: number; message_seq: number; reason: number } };
      const id = /"message_id":(\d+)/.exec(answer.text)?.[1] ?? "";
      record(sent, data.data.reason, id, data.data.message_seq);
    });
  }

  #mark(uid: string, peer: string): void {
    const { random } = this.simulation;
    const chat = random.chance(0.6) ? { channel_id: peer, channel_type: 1 } : { channel_id: GROUP, channel_type: 2 };
    const call = this.#pick(["/conversations/clearUnread", "/conversations/setUnread", "/conversations/delete"]);
    this.#post(call, { uid, ...chat, unread: random.below(5) });
  }

  /** Not waited for: calls overlap with everything else. */
  #post(path: string, body: unknown, answered?: (answer: { body: unknown; text: string }) => void): void {
    const call = this.#call(path, body).then((answer) => {
      this.#calls.delete(call);
      if (answer === undefined) return;
      expect([200, 503], `${path} ${answer.text}`).toContain(answer.status);
      if (answer.status === 200) answered?.(answer);
    });
    this.#calls.add(call);
  }

  async #call(path: string, body: unknown): Promise<{ status: number; body: unknown; text: string } | undefined> {
    const answer = await this.simulation.request(HTTP_PORT, { method: "POST", url: path, body: JSON.stringify(body) });
    if (answer === undefined) return undefined;
    const text = typeof answer.body === "string" ? answer.body : new TextDecoder().decode(answer.body);
    return { status: answer.status, body: text === "" ? undefined : JSON.parse(text), text };
  }

  async #must(path: string, body: unknown): Promise<unknown> {
    let answer = await this.simulation.settle(this.#call(path, body));
    // A write that was told to fail may still be to come.
    for (let tries = 0; tries < 5 && answer?.status === 503; tries++) {
      await this.simulation.run(10_000);
      answer = await this.simulation.settle(this.#call(path, body));
    }
    expect(answer?.status, `${path} ${answer?.text}`).toBe(200);
    return answer?.body;
  }

  /** Quiet comes, what is open is sent again until it is answered, and then the promises must hold. */
  async #check(): Promise<void> {
    await this.#settleDown();
    const acknowledged = this.#sent.filter((sent) => sent.state === "acknowledged" && sent.isPersisted);
    const histories = new Map<string, readonly Shown[]>();
    for (const chat of this.#chats())
      histories.set(chatText(chat.viewer, chat.chat), await this.#history(chat.viewer, chat.chat));
    for (const sent of acknowledged) {
      const history = histories.get(chatText(sent.from, sent.chat)) ?? [];
      const found = history.filter((shown) => shown.client_msg_no === sent.no && shown.from_uid === sent.from);
      expect(
        found.map((shown) => ({ id: shown.message_idstr, seq: shown.message_seq })),
        `${sent.no} is stored once, as acknowledged`,
      ).toEqual([{ id: sent.id, seq: sent.seq }]);
    }
    for (const sent of this.#sent.filter((each) => each.state === "refused" && each.attempts < 2)) {
      const history = histories.get(chatText(sent.from, sent.chat)) ?? [];
      expect(
        history.filter((shown) => shown.client_msg_no === sent.no),
        `${sent.no} was refused`,
      ).toEqual([]);
    }
    for (const [name, history] of histories) {
      expect(
        history.map((shown) => shown.message_seq),
        `${name} is dense`,
      ).toEqual(history.map((_, index) => index + 1));
      const ids = history.map((shown) => BigInt(shown.message_idstr));
      expect(
        ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? 0n)),
        `${name}: ids grow`,
      ).toBe(true);
    }
    for (const uid of USERS) await this.#checkList(uid, histories);
    for (const uid of USERS) await this.#checkUnreadFromHere(uid);
  }

  async #settleDown(): Promise<void> {
    await this.simulation.until(() => this.#calls.size === 0);
    for (let round = 0; round < 50; round++) {
      const open = this.#sent.filter((sent) => sent.state === "unknown" && sent.isPersisted);
      // The store may be read-only: it comes back by itself.
      if (open.length === 0 && (await this.#isReadyAgain())) return;
      for (const device of this.#devices) device.connectIfNeeded();
      await this.simulation.run(100);
      for (const device of this.#devices) device.send(open.filter((sent) => sent.from === device.uid));
      await this.simulation.run(400);
    }
    throw new Error("a message is never answered");
  }

  async #isReadyAgain(): Promise<boolean> {
    const answer = await this.simulation.settle(this.simulation.request(HTTP_PORT, { method: "GET", url: "/readyz" }));
    return answer?.status === 200;
  }

  /** Every chat of the three users with messages in it, unread as defined, and nothing else. */
  async #checkList(uid: string, histories: ReadonlyMap<string, readonly Shown[]>): Promise<void> {
    const before = (await this.#must("/conversation/sync", { uid, msg_count: 1 })) as readonly ShownChat[];
    for (const peer of USERS) {
      const history = histories.get(chatText(uid, { type: 1, id: peer })) ?? [];
      if (history.length === 0) continue;
      const last = history.length;
      const listed = before.find((chat) => chat.channel_type === 1 && chat.channel_id === peer);
      // Deleted up to the last message: the next one must bring it back, which other steps of other seeds check.
      const [view] = (await this.#must("/conversation/syncByChannels", {
        uid,
        channels: [{ channel_id: peer, channel_type: 1 }],
      })) as readonly ShownChat[];
      if (view?.last_msg_seq !== 0) {
        expect(listed?.last_msg_seq, `${uid} finds the chat with ${peer}`).toBe(last);
        expect(listed?.unread, `${uid} sees one unread number for ${peer}`).toBe(view?.unread);
      } else expect(listed, `${uid} has deleted the chat with ${peer}`).toBeUndefined();
    }
    const members = (await this.#members()).includes(uid);
    const group = before.find((chat) => chat.channel_type === 2);
    const length = histories.get(chatText(uid, { type: 2, id: GROUP }))?.length ?? 0;
    if (!members) expect(group, `${uid} is no member and does not see the group`).toBeUndefined();
    else if (length > 0) {
      const [view] = (await this.#must("/conversation/syncByChannels", {
        uid,
        channels: [{ channel_id: GROUP, channel_type: 2 }],
      })) as readonly ShownChat[];
      expect(group?.last_msg_seq ?? 0, `${uid} finds the group`).toBe(view?.last_msg_seq);
    }
  }

  async #members(): Promise<readonly string[]> {
    const url = `/cluster/channels/${GROUP}/2/subscribers`;
    const answer = await this.simulation.settle(this.simulation.request(HTTP_PORT, { method: "GET", url }));
    expect(answer?.status).toBe(200);
    return JSON.parse(
      typeof answer?.body === "string" ? answer.body : new TextDecoder().decode(answer?.body),
    ) as readonly string[];
  }

  /** From a known place on, the number is the count of red dots after it, or after the own last message. */
  async #checkUnreadFromHere(uid: string): Promise<void> {
    const peer = USERS.find((each) => each !== uid) ?? uid;
    await this.#must("/channel/whitelist_add", { channel_id: uid, channel_type: 1, uids: [peer] });
    await this.#must("/conversations/clearUnread", { uid, channel_id: peer, channel_type: 1 });
    let expected = 0;
    const count = this.simulation.random.below(4);
    for (let i = 0; i < count; i++) {
      const sent = this.#newMessage(peer, { type: 1, id: uid }, true);
      const body = {
        from_uid: peer,
        channel_id: uid,
        channel_type: 1,
        client_msg_no: sent.no,
        header: { red_dot: sent.isCounted ? 1 : 0 },
        payload: btoa(sent.no),
      };
      const { data } = (await this.#must("/message/send", body)) as { data: { reason: number; message_seq: number } };
      if (data.reason !== 1) return;
      const [stored] = (await this.#history(uid, { type: 1, id: peer })).slice(-1);
      record(sent, 1, stored?.message_idstr ?? "", data.message_seq);
      if (sent.isCounted) expected++;
    }
    const list = (await this.#must("/conversation/sync", { uid, msg_count: 1 })) as readonly ShownChat[];
    const chat = list.find((each) => each.channel_type === 1 && each.channel_id === peer);
    if (count > 0) expect(chat?.unread, `${uid} has read all but ${expected} of ${peer}`).toBe(expected);
  }

  async #history(viewer: string, chat: Chat): Promise<readonly Shown[]> {
    const body = {
      login_uid: viewer,
      channel_id: chat.id,
      channel_type: chat.type,
      start_message_seq: 0,
      end_message_seq: 0,
      limit: 10_000,
    };
    return ((await this.#must("/channel/messagesync", body)) as { messages: readonly Shown[] }).messages;
  }

  #chats(): { viewer: string; chat: Chat }[] {
    const persons = USERS.flatMap((viewer) => USERS.map((id) => ({ viewer, chat: { type: 1, id } as const })));
    return [...persons, ...USERS.map((viewer) => ({ viewer, chat: { type: 2, id: GROUP } as const }))];
  }

  #someChat(): Chat {
    return this.simulation.random.chance(0.5) ? { type: 1, id: this.#pick(USERS) } : { type: 2, id: GROUP };
  }

  #some<Item>(items: readonly Item[]): Item[] {
    const chosen = items.filter(() => this.simulation.random.chance(0.5));
    return chosen.length > 0 ? chosen : [this.#pick(items)];
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[this.simulation.random.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }
}

function chatText(viewer: string, chat: Chat): string {
  return chat.type === 2 ? `group ${chat.id}` : `${viewer} with ${chat.id}`;
}

async function play(seed: number, trace?: (line: string) => void): Promise<void> {
  try {
    await new Run(seed, trace).play();
  } catch (error) {
    throw new Error(
      `seed ${seed} (again with WK_SEED=${seed}): ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

const only = process.env["WK_SEED"];
const seeds = Number(process.env["WK_SEEDS"] ?? 1000);

test(only === undefined
  ? `promises 1 to 5 hold after every crash of ${seeds} seeds`
  : `promises 1 to 5 hold after every crash of seed ${only}`, { timeout: 3_600_000 }, async () => {
  if (only !== undefined) await play(Number(only));
  else for (let seed = 1; seed <= seeds; seed++) await play(seed);
});

test("the same seed gives the same run, event by event", async () => {
  const traces = [[] as string[], [] as string[]] as const;
  for (const trace of traces) await play(4711, (line) => trace.push(line));
  expect(traces[0].length).toBeGreaterThan(400);
  expect(traces[1]).toEqual(traces[0]);
});
