/** One seed's run: a server that crashes, users with several devices each, and a back end that changes lists meanwhile. */
import { fnv1a64 } from "@wukong-ts/protocol";
import { expect } from "vitest";
import { defaultConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { silentLog } from "../observe/log.ts";
import { createServer } from "../server.ts";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import { Backend } from "./backend.ts";
import { type Chat, chatOfSubscribers, chatsOfSeed, USERS } from "./chats.ts";
import { checkPromises } from "./checks.ts";
import { GENERATIONS, type HeardMessage } from "./client-wire.ts";
import { CommandInbox } from "./command-inbox.ts";
import { Device, MASTER_FLAG } from "./device.ts";
import { Membership } from "./membership.ts";
import { pick, some } from "./picks.ts";
import { noteApiAnswer, noteAttempt, type Sent, SentMessages, sendBody } from "./sent-messages.ts";
import { WebhookReceiver } from "./webhook-receiver.ts";

const TCP_PORT = 5100;
const HTTP_PORT = 5001;
const STEPS = 50;
/** Two phones and a browser. With tokens a phone is a master device: the second one ends the first one's session. */
const DEVICES = [
  { deviceId: "phone", deviceFlag: 0 },
  { deviceId: "other phone", deviceFlag: 0 },
  { deviceId: "browser", deviceFlag: 1 },
] as const;
const TOKEN = "secret";

export class Run {
  readonly simulation: Simulation;
  readonly backend: Backend;
  readonly chats: readonly Chat[];
  readonly devices: readonly Device[];
  readonly sent: SentMessages;
  readonly webhook: WebhookReceiver;
  readonly membership: Membership = new Membership();
  readonly inboxes: ReadonlyMap<string, CommandInbox>;
  /** Chats that a user has deleted at some time: `uid name`. */
  readonly deleted: Set<string> = new Set();
  /** Phones are master devices then. */
  readonly hasTokens: boolean;
  readonly #config: Config;
  readonly #ofSubscribers = new Map<string, Chat>();
  /** Devices whose token may be gone, as `uid flag`: they cannot log in. */
  readonly #loggedOut = new Set<string>();
  #stop: () => Promise<void> = async () => undefined;

  constructor(seed: number, trace?: (line: string) => void) {
    this.simulation = createSimulatedWorld({ seed, ...(trace === undefined ? {} : { trace }) });
    const { random } = this.simulation;
    this.backend = new Backend(this.simulation, HTTP_PORT);
    this.sent = new SentMessages(String(seed));
    this.webhook = new WebhookReceiver(random, this.sent);
    this.simulation.receive((request) => this.webhook.receive(request));
    this.chats = chatsOfSeed(random);
    const config = defaultConfig();
    this.hasTokens = random.chance(0.4);
    this.#config = {
      ...config,
      dataDir: "/data",
      disableEncryption: true,
      whitelistOffOfPerson: random.chance(0.7),
      tokenAuthOn: this.hasTokens,
      addr: { host: "10.0.0.9", port: TCP_PORT },
      wsAddr: null,
      manager: { on: false, addr: null },
      httpAddr: { host: "10.0.0.9", port: HTTP_PORT },
      webhook: {
        ...config.webhook,
        httpAddr: "http://backend/hook",
        msgNotifyEventPushIntervalMs: 1 + random.below(50),
        msgNotifyEventCountPerPush: 1 + random.below(20),
        retryIntervalMaxMs: 500,
        offlineGraceMs: 1 + random.below(500),
      },
      // Small caches in some runs, so that objects are evicted and loaded again.
      limits: random.chance(0.5)
        ? config.limits
        : { ...config.limits, channelCacheMax: 2, conversationCacheUsersMax: 1 },
    };
    const now = (): number => this.simulation.nowMs;
    const { backend, sent, membership } = this;
    this.inboxes = new Map(USERS.map((uid) => [uid, new CommandInbox(uid, { backend, sent, membership, now })]));
    this.devices = USERS.flatMap((uid) =>
      DEVICES.map((device) => {
        const login = { uid, ...device, token: this.hasTokens ? TOKEN : "" };
        return new Device(login, pick(random, GENERATIONS), {
          simulation: this.simulation,
          port: TCP_PORT,
          arrived: (to, message) => this.#arrived(to, message),
          acknowledging: (to, command) => this.inboxes.get(to.uid)?.acknowledging(command),
          answered: (by, message, isAccepted) => this.#checkRights(by, message, isAccepted),
          kicked: (kicked) => expect(this.hasTokens, `${kicked.name} is ended by nobody`).toBe(true),
        });
      }),
    );
  }

  async play(): Promise<void> {
    await this.#start();
    if (this.hasTokens) for (const uid of USERS) for (const flag of [0, 1]) await this.#giveToken(uid, flag);
    for (let step = 0; step < STEPS; step++) {
      await this.#act();
      await this.simulation.run(this.simulation.random.below(8));
      this.backend.rethrow();
    }
    await this.#settleDown();
    await checkPromises(this);
    await this.simulation.settle(this.#stop());
  }

  newMessage(from: string, chat: Chat, kind: Pick<Sent, "isCommand" | "isPersisted">, isToSubscribers = false): Sent {
    return this.sent.add({ ...kind, from, chat, isCounted: this.simulation.random.chance(0.8), isToSubscribers });
  }

  async #start(): Promise<void> {
    const server = createServer({ config: this.#config, world: this.simulation.world, log: silentLog });
    await this.simulation.settle(server.start());
    this.#stop = () => server.stop();
  }

  async #act(): Promise<void> {
    const { random } = this.simulation;
    for (const each of this.devices) if (random.chance(0.4)) each.connectIfNeeded();
    const device = pick(random, this.devices);
    const { uid } = device;
    const dice = random.below(100);
    if (dice < 34) this.#sendSome(device);
    else if (dice < 42) this.#retrySome(device);
    else if (dice < 49) this.#changeMembers();
    else if (dice < 52) this.#changeLists(uid);
    else if (dice < 58) this.#sendByApi(uid);
    else if (dice < 60) this.#sendToSubscribers(uid);
    else if (dice < 64) this.backend.post("/conversation/sync", { uid, msg_count: 3 });
    else if (dice < 70) this.#mark(uid);
    else if (dice < 78) {
      const limit = 1 + random.below(6);
      const isAcknowledged = random.chance(0.7);
      this.backend.start(async () => this.inboxes.get(uid)?.syncOnce(limit, isAcknowledged));
    } else if (dice < 80) this.#ban();
    else if (dice < 83) this.#endSessions(device);
    else if (dice < 86) this.simulation.stepWallClock(-random.below(100_000));
    else if (dice < 89) this.simulation.failNextWrite();
    else if (dice < 94) device.cut();
    else if (dice < 97) await this.#crash();
  }

  /** At any moment: with writes in flight, calls unanswered, connections half open. */
  async #crash(): Promise<void> {
    this.simulation.crash();
    this.membership.crashed(this.simulation.nowMs);
    for (const inbox of this.inboxes.values()) inbox.crashed();
    this.simulation.restart();
    await this.#start();
    if (!this.simulation.random.chance(0.5)) return;
    await this.#settleDown();
    await checkPromises(this);
  }

  #sendSome(device: Device): void {
    const { random } = this.simulation;
    const chats = this.#chatsOf(device.uid);
    const messages = Array.from({ length: 1 + random.below(4) }, () =>
      this.newMessage(device.uid, pick(random, chats), {
        isCommand: random.chance(0.35),
        isPersisted: random.chance(0.93),
      }),
    );
    device.send(messages);
  }

  /** What is open, and now and then what was answered long ago; from any device of the sender. */
  #retrySome(device: Device): void {
    const { random } = this.simulation;
    const again = this.sent
      .all()
      .filter((each) => each.from === device.uid && each.isPersisted && !each.isToSubscribers)
      .filter((each) => each.state === "unknown" || (each.state === "acknowledged" && random.chance(0.1)));
    device.send(again);
  }

  #sendByApi(from: string): void {
    const { random } = this.simulation;
    const chat = pick(random, this.#chatsOf(from));
    const message = this.newMessage(from, chat, { isCommand: random.chance(0.35), isPersisted: true });
    noteAttempt(message, this.simulation.nowMs);
    this.backend.post("/message/send", sendBody(message), (answer) => {
      if (answer !== undefined) noteApiAnswer(message, answer.text, this.simulation.nowMs);
    });
  }

  #sendToSubscribers(from: string): void {
    const subscribers = some(this.simulation.random, USERS);
    const id = fnv1a64(subscribers.join(",")).toString();
    const chat = this.#ofSubscribers.get(id) ?? chatOfSubscribers(subscribers, id);
    this.#ofSubscribers.set(id, chat);
    const message = this.newMessage(from, chat, { isCommand: true, isPersisted: true }, true);
    noteAttempt(message, this.simulation.nowMs);
    const { channel_id: _, channel_type: __, ...body } = sendBody(message);
    this.backend.post("/message/send", { ...body, subscribers }, (answer) => {
      if (answer === undefined) return;
      message.state = "acknowledged";
      message.acknowledgedAtMs = this.simulation.nowMs;
    });
  }

  #changeMembers(): void {
    const { random } = this.simulation;
    const chat = pick(
      random,
      this.chats.filter((each) => each.isListed),
    );
    const channel = { channel_id: chat.idFor(""), channel_type: chat.type };
    const named = some(random, USERS);
    if (chat.isTemporary) {
      this.#post("/tmpchannel/subscriber_set", { ...channel, uids: named }, chat, exactly(named));
    } else if (random.chance(0.35)) {
      const gone = [pick(random, USERS)];
      this.#post("/channel/subscriber_remove", { ...channel, subscribers: gone }, chat, all(gone, "none"));
    } else if (random.chance(0.15)) {
      this.#post("/channel/subscriber_add", { ...channel, subscribers: named, reset: 1 }, chat, exactly(named));
    } else this.#post("/channel/subscriber_add", { ...channel, subscribers: named }, chat, all(named, "member"));
  }

  #post(path: string, body: unknown, chat: Chat, wanted: ReadonlyMap<string, "member" | "none">): void {
    const answered = this.membership.change(chat, wanted, () => this.simulation.nowMs);
    this.backend.post(path, body, (answer) => answered(answer !== undefined));
  }

  #changeLists(uid: string): void {
    const { random } = this.simulation;
    const calls = [
      "/channel/whitelist_add",
      "/channel/whitelist_set",
      "/channel/blacklist_add",
      "/channel/blacklist_remove",
    ];
    const group = this.chats.find((chat) => chat.type === 2)?.idFor("");
    const channel = random.chance(0.7) ? { channel_id: uid, channel_type: 1 } : { channel_id: group, channel_type: 2 };
    this.backend.post(pick(random, calls), { ...channel, uids: [pick(random, USERS)] });
  }

  #ban(): void {
    const { random } = this.simulation;
    const chat = pick(
      random,
      this.chats.filter((each) => each.isListed),
    );
    const ban = random.chance(0.4) ? 1 : 0;
    this.backend.post("/channel/info", { channel_id: chat.idFor(""), channel_type: chat.type, ban });
  }

  #mark(uid: string): void {
    const { random } = this.simulation;
    const chat = pick(random, this.#chatsOf(uid));
    const call = pick(random, ["/conversations/clearUnread", "/conversations/setUnread", "/conversations/delete"]);
    if (call === "/conversations/delete") this.deleted.add(`${uid} ${chat.name}`);
    const unread = random.below(5);
    this.backend.post(call, { uid, channel_id: chat.idFor(uid), channel_type: chat.type, unread });
  }

  /** By a new token, which ends a master's sessions, or by logging the device out until it gets one. */
  #endSessions(device: Device): void {
    if (!this.hasTokens) return;
    const { uid, deviceFlag } = device.login;
    if (this.simulation.random.chance(0.5)) {
      this.backend.post("/user/token", tokenBody(uid, deviceFlag));
      return;
    }
    this.#loggedOut.add(`${uid} ${deviceFlag}`);
    this.backend.post("/user/device_quit", { uid, device_flag: deviceFlag });
  }

  async #giveToken(uid: string, flag: number): Promise<void> {
    await this.backend.must("/user/token", tokenBody(uid, flag));
    this.#loggedOut.delete(`${uid} ${flag}`);
  }

  /** Quiet comes, and what is open is sent again until it is answered. */
  async #settleDown(): Promise<void> {
    await this.simulation.until(() => this.backend.isQuiet);
    this.backend.rethrow();
    for (const each of this.#loggedOut) {
      const [uid = "", flag = ""] = each.split(" ");
      await this.#giveToken(uid, Number(flag));
    }
    // Both ends of a line that was cut know of it by now.
    await this.simulation.run(6_000);
    for (let round = 0; round < 50; round++) {
      for (const device of this.devices) if (!this.#hasRival(device)) device.connectIfNeeded();
      await this.simulation.run(200);
      const open = this.sent.open();
      // The store may be read-only: it comes back by itself.
      if (open.length === 0 && this.#areConnected() && (await this.backend.isReady())) return;
      for (const uid of USERS) {
        const device = this.devices.find((each) => each.uid === uid && each.isReady);
        device?.send(open.filter((each) => each.from === uid));
      }
      await this.simulation.run(300);
    }
    throw new Error("a message is never answered, or a device cannot connect");
  }

  #areConnected(): boolean {
    return this.devices.every((device) => device.isReady || this.#hasRival(device));
  }

  /** Another master device of the same user is logged in: this one would only end its session. */
  #hasRival(device: Device): boolean {
    const { uid, deviceFlag } = device.login;
    if (!this.hasTokens || deviceFlag !== MASTER_FLAG || device.isReady) return false;
    return this.devices.some((each) => each.isReady && each.uid === uid && each.login.deviceFlag === deviceFlag);
  }

  #arrived(device: Device, message: HeardMessage): Sent {
    const sent = this.sent.find(message.text);
    const { chat, no, sentAtMs } = sent;
    expect({ from: message.fromUid, type: message.channelType }, `${device.name} gets ${no} as it is`).toEqual({
      from: sent.from,
      type: chat.type,
    });
    const standing = this.membership.during(chat, device.uid, sentAtMs, this.simulation.nowMs);
    expect(standing, `${device.name} in ${chat.name} when ${no} came`).not.toBe("none");
    if (sent.isCommand) this.inboxes.get(device.uid)?.pushed(sent);
    return sent;
  }

  /** Whoever certainly may send, and whoever certainly may not. */
  #checkRights(device: Device, { chat, no, sentAtMs }: Sent, isAccepted: boolean): void {
    const standing = this.membership.during(chat, device.uid, sentAtMs, this.simulation.nowMs);
    if (chat.isTemporary || (standing === "none" && !chat.isOpen))
      expect(isAccepted, `${no} of ${device.name} in ${chat.name} is accepted`).toBe(false);
    else if (!chat.hasMoreRules && (chat.isOpen || chat.implied.includes(device.uid)))
      expect(isAccepted, `${no} of ${device.name} in ${chat.name} is accepted`).toBe(true);
  }

  #chatsOf(uid: string): readonly Chat[] {
    return this.chats.filter((chat) => chat.idFor(uid) !== undefined);
  }
}

function tokenBody(uid: string, flag: number): unknown {
  return { uid, device_flag: flag, device_level: flag === MASTER_FLAG ? 1 : 0, token: TOKEN };
}

function all(uids: readonly string[], standing: "member" | "none"): ReadonlyMap<string, "member" | "none"> {
  return new Map(uids.map((uid) => [uid, standing]));
}

function exactly(uids: readonly string[]): ReadonlyMap<string, "member" | "none"> {
  return new Map(USERS.map((uid) => [uid, uids.includes(uid) ? "member" : "none"]));
}
