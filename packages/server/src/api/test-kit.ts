/** For tests of this folder: the API over services that note what they are asked and answer what the test says. */
import { Reason } from "@wukong-ts/protocol";
import type { LiveConnection } from "../delivery/live-connections.ts";
import type { Session } from "../delivery/session.ts";
import type { ChannelFlags, ListedUid } from "../messaging/channels.ts";
import type { ChatListRequest, ChatView } from "../messaging/chat-list.ts";
import type { HistoryPage } from "../messaging/history.ts";
import { type ChannelKey, EMPTY_HEAD, type Mark, ORIGIN, type StoredMessage } from "../messaging/message.ts";
import type { SendRequest, SendResult } from "../messaging/send.ts";
import type { KnownDevice } from "../messaging/users.ts";
import { matchRoute, parseQuery } from "../world/http-routing.ts";
import type { HttpAnswer, HttpRequest } from "../world/world.ts";
import type { ApiDeps, ApiOptions, Readiness } from "./api-deps.ts";
import { createApi } from "./http-server.ts";

export const TEST_NOW_MS = 1_776_840_000_000;

const CONNECTIONS_PER_PAGE = 100;

export class TestApi {
  /** What the services were asked, as [name, ...arguments]. */
  readonly asked: unknown[][] = [];
  readonly sent: SendRequest[] = [];
  readonly sessions: Map<string, Session[]> = new Map();
  readonly connections: LiveConnection[] = [];
  devices: readonly KnownDevice[] = [];
  readonly failures: unknown[] = [];
  readonly listed: ListedUid[] = [];
  stored: readonly StoredMessage[] = [];
  chats: readonly ChatView[] = [];
  pages: HistoryPage[] = [];
  syncs: ChatListRequest[] = [];
  systemUids: readonly string[] = [];
  tokenReason: number = Reason.success;
  knownDevices: ReadonlySet<number> = new Set();
  ready: Readiness = { ready: true, reason: "" };
  ownLast: Mark = ORIGIN;
  headSeqOf: (channel: ChannelKey) => number = () => this.stored.at(-1)?.seq ?? 0;
  /** Every change is rejected with it. */
  storeFailure: Error | undefined;
  resultOf: (request: SendRequest) => SendResult = (request) => ({
    reason: Reason.success,
    id: { high: 0x1a92, low: this.sent.length },
    seq: (request.flags & 1) === 0 ? this.sent.length : 0,
    repeated: false,
  });
  readonly #options: ApiOptions;

  constructor(options: Partial<ApiOptions> = {}) {
    this.#options = {
      managerToken: "",
      bodyBytesMax: 1_000_000,
      payloadBytesMax: 100,
      onlineCommandChannelId: "systemcmdonline",
      commandSyncOff: false,
      addresses: { tcpAddr: "203.0.113.5:5100", wsAddr: "ws://:5200", wssAddr: "", intranetTcpAddr: ":5100" },
      nodeId: 1001,
      ...options,
    };
  }

  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.postRaw(path, JSON.stringify(body), headers);
  }

  postRaw(path: string, text: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#call("POST", path, typeof text === "string" ? Buffer.from(text) : text, headers);
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#call("GET", path, new Uint8Array(0), headers);
  }

  options(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#call("OPTIONS", path, new Uint8Array(0), headers);
  }

  /** As the world serves: gate, route, failure. */
  async #call(
    method: string,
    url: string,
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const { routes, rules } = createApi(this.deps());
    const [path = "", query = ""] = url.split("?");
    const gated = rules.gate({ method, path, headers });
    if (gated !== undefined) return answerOf(gated);
    const match = matchRoute(routes, method, path);
    if (match === undefined) return answerOf(rules.notFound({ method, path }));
    const request: HttpRequest = {
      method,
      path,
      body,
      query: parseQuery(query),
      params: match.params,
      headers,
      ip: "",
    };
    try {
      return answerOf(await match.route.handle(request));
    } catch (error) {
      return answerOf(rules.failed(error, request));
    }
  }

  deps(): ApiDeps {
    const change =
      (name: string) =>
      async (...given: unknown[]): Promise<void> => {
        if (this.storeFailure !== undefined) throw this.storeFailure;
        this.asked.push([name, ...given]);
      };
    return {
      world: {
        clock: { wallMs: () => TEST_NOW_MS, monotonicMs: () => 0 },
        random: { bytes: (count) => new Uint8Array(count).fill(0xab), uint32: () => 7 },
        timers: { after: () => ({ cancel: () => {} }), soon: (run) => run() },
      },
      users: {
        login: () => ({ reason: Reason.success, level: "slave" }),
        setToken: async (...given) => {
          await change("setToken")(...given);
          return this.tokenReason;
        },
        quitDevice: async (uid, flag) => {
          await change("quitDevice")(uid, flag);
          return this.knownDevices.has(flag);
        },
        devices: async (uid) => {
          this.asked.push(["devices", uid]);
          return this.devices;
        },
        addSystemUids: change("addSystemUids"),
        removeSystemUids: change("removeSystemUids"),
        systemUids: () => this.systemUids,
        isSystem: () => false,
      },
      channels: {
        setFlags: change("setFlags"),
        flags: (): ChannelFlags | undefined => undefined,
        disband: change("disband"),
        addMembers: change("addMembers"),
        setReceivers: change("setReceivers"),
        removeMembers: change("removeMembers"),
        removeAllMembers: change("removeAllMembers"),
        addToList: change("addToList"),
        removeFromList: change("removeFromList"),
        setList: change("setList"),
        list: async (key, list) => {
          this.asked.push(["list", key, list]);
          return this.listed;
        },
      },
      history: {
        page: async (page) => {
          this.pages.push(page);
          return { messages: this.stored, isCut: false };
        },
        newest: async (channel, log, fromSeq, limit) => {
          this.asked.push(["newest", channel, log, fromSeq, limit]);
          return this.stored;
        },
        bySeqs: async (channel, log, seqs) => {
          this.asked.push(["bySeqs", channel, log, seqs]);
          return this.stored.filter((message) => seqs.includes(message.seq));
        },
        byIds: async (ids) =>
          ids.flatMap((id) =>
            this.stored.filter((message) => message.id.high === id.high && message.id.low === id.low),
          ),
        byClientMsgNos: async (channel, log, clientMsgNos) => {
          const wanted = [...clientMsgNos];
          this.asked.push(["byClientMsgNos", channel, log, wanted]);
          const found = this.stored.filter((message) => wanted.includes(message.clientMsgNo));
          return new Map(found.map((message) => [message.clientMsgNo, message]));
        },
        head: (channel, log) => {
          this.asked.push(["head", channel, log]);
          return { ...EMPTY_HEAD, seq: this.headSeqOf(channel) };
        },
      },
      chatList: {
        sync: async (request) => {
          this.syncs.push(request);
          return this.chats;
        },
        forChannels: async (...given) => {
          this.asked.push(["forChannels", ...given]);
          return this.chats;
        },
        channelsOf: async () => this.chats.map((chat) => chat.channel),
        clearUnread: change("clearUnread"),
        setUnread: change("setUnread"),
        delete: change("delete"),
      },
      commands: {
        sync: async (...given) => {
          this.asked.push(["sync", ...given]);
          return this.stored;
        },
        acknowledge: change("acknowledge"),
      },
      sending: {
        send: (requests, sink) => {
          for (const request of requests) {
            this.sent.push(request);
            sink.answered(request, this.resultOf(request));
          }
        },
      },
      conversations: { ownLastIn: () => this.ownLast },
      presence: {
        of: (uid) => this.sessions.get(uid) ?? [],
        session: (id) => this.connections.find(({ session }) => session.id === id)?.session,
      },
      outbound: {
        disconnect: (to, reason, text, closeAfterMs) => this.asked.push(["disconnect", to, reason, text, closeAfterMs]),
      },
      connections: {
        socketCount: this.connections.length + 1,
        named: async (ids) => this.connections.filter(({ session }) => ids.includes(session.id)),
        pages: () => pagesOf(this.connections),
      },
      readiness: () => this.ready,
      handlerFailed: (error) => this.failures.push(error),
      options: this.#options,
    };
  }
}

async function* pagesOf(connections: readonly LiveConnection[]): AsyncIterable<readonly LiveConnection[]> {
  for (let from = 0; from < connections.length; from += CONNECTIONS_PER_PAGE) {
    yield connections.slice(from, from + CONNECTIONS_PER_PAGE);
  }
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** undefined: the body is no JSON. */
  readonly json: unknown;
}

function answerOf(answer: HttpAnswer): Answer {
  const text = typeof answer.body === "string" ? answer.body : Buffer.from(answer.body).toString();
  return {
    status: answer.status,
    type: answer.contentType ?? "application/json; charset=utf-8",
    text,
    json: parsed(text),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function storedMessage(given: Partial<StoredMessage> = {}): StoredMessage {
  return {
    id: { high: 0x1a920000, low: 5 },
    seq: 1,
    countedTotal: 1,
    timeSeconds: 1_776_840_000,
    channel: { type: 2, id: "g" },
    log: "chat",
    fromUid: "a",
    clientMsgNo: "n1",
    session: 0,
    flags: 2,
    setting: 0,
    expireSeconds: 0,
    topic: "",
    payload: Buffer.from("hi"),
    ...given,
  };
}

export function session(uid: string, id: number, deviceFlag: number): Session {
  return { id, uid, deviceId: `device${id}`, deviceFlag, deviceLevel: "slave", version: 5, connectedAtMs: 0 };
}

export const OK = { status: 200, json: { status: 200 } };

export function refusal(msg: string, status = 400): object {
  return { status, json: { msg, status } };
}
