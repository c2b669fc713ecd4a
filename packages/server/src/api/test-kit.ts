/**
 * For tests of this folder: the API over services that note what they are asked and answer what the test says. Every
 * answer of a described route is held against the description.
 */
import { Reason } from "@wukong-ts/protocol";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Account } from "../config/accounts.ts";
import type { LiveConnection, Traffic } from "../delivery/live-connections.ts";
import type { Session } from "../delivery/session.ts";
import type { WebhooksState } from "../hooks/webhooks.ts";
import type { ChannelFlags, ListedUid } from "../messaging/channels.ts";
import type { ChatListRequest, ChatView } from "../messaging/chat-list.ts";
import type { HistoryPage } from "../messaging/history.ts";
import { type ChannelKey, EMPTY_HEAD, type Mark, ORIGIN, type StoredMessage } from "../messaging/message.ts";
import type { ListedChannel } from "../messaging/row-browser.ts";
import type { SendRequest, SendResult } from "../messaging/send.ts";
import type { KnownDevice } from "../messaging/users.ts";
import type { Explanation } from "../observe/explainer.ts";
import type { Sample } from "../observe/samples.ts";
import type { DeadLetterRow } from "../store/tables.ts";
import { matchRoute, parseQuery } from "../world/http-routing.ts";
import type { HttpAnswer, HttpRequest } from "../world/world.ts";
import { answersOf } from "./answer-schema.ts";
import type { ApiDeps, ApiOptions, Readiness } from "./api-deps.ts";
import type { ApiRoute } from "./api-route.ts";
import { FailedLogins } from "./failed-logins.ts";
import { type Api, createApi } from "./http-server.ts";
import { createManagerApi } from "./manager-api.ts";
import { ManagerAuth } from "./manager-auth.ts";
import { metricSeriesRoutes } from "./routes/metric-series.ts";

export const TEST_NOW_MS = 1_776_840_000_000;
export const TEST_JWT_SECRET = "a secret of this test";
/** As the header `host`: the call goes to the manager port. */
export const MANAGER = "manager";
const TEST_TRAFFIC: Traffic = {
  inMessages: 1,
  inMessageBytes: 20,
  inPacketBytes: 300,
  outMessages: 4,
  outMessageBytes: 50,
  outPacketBytes: 600,
};
const NO_ROWS = { rows: [], cursor: "c", cursorBefore: "b", hasMore: true };

const NO_EXPLANATION: Explanation = {
  verdict: "message_unknown",
  answer: "Unknown.",
  advice: "",
  message: undefined,
  facts: [],
  sessions: [],
};

const CONNECTIONS_PER_PAGE = 100;

export class TestApi {
  /** What the services were asked, as [name, ...arguments]. */
  readonly asked: unknown[][] = [];
  readonly sent: SendRequest[] = [];
  readonly sessions: Map<string, Session[]> = new Map();
  readonly connections: LiveConnection[] = [];
  devices: readonly KnownDevice[] = [];
  listedChannels: readonly ListedChannel[] = [];
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
  letters: readonly DeadLetterRow[] = [];
  webhooksState: WebhooksState = { followers: [], receivers: [], deadLetters: { count: 0, bytes: 0 } };
  explanation: Explanation = NO_EXPLANATION;
  headSeqOf: (channel: ChannelKey) => number = () => this.stored.at(-1)?.seq ?? 0;
  /** Every change is rejected with it. */
  storeFailure: Error | undefined;
  resultOf: (request: SendRequest) => SendResult = (request) => ({
    reason: Reason.success,
    id: { high: 0x1a92, low: this.sent.length },
    seq: (request.flags & 1) === 0 ? this.sent.length : 0,
    repeated: false,
  });
  /** Whom the manager port knows. */
  accounts: readonly Account[] = [];
  readonly samples: Sample[] = [];
  nowMs: number = TEST_NOW_MS;
  monotonicMs = 0;
  readonly #failedLogins = new FailedLogins({ monotonicMs: () => this.monotonicMs }, 2);
  readonly #options: ApiOptions;

  constructor(options: Partial<ApiOptions> = {}) {
    this.#options = {
      managerToken: "",
      managerUid: "____manager",
      benchOn: false,
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
    const { routes, rules } = this.#port(headers["host"]);
    const checked = (route: ApiRoute, answer: Answer): Answer => {
      const problem = answerProblem(route, answer);
      if (problem !== undefined) throw new NotAsDescribed(`${method} ${url}: ${problem}\n${answer.text}`);
      return answer;
    };
    const [path = "", query = ""] = url.split("?");
    const gated = rules.gate({ method, path, headers, query: parseQuery(query) });
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
      ip: headers["x-test-ip"] ?? "",
    };
    try {
      return checked(match.route, answerOf(await match.route.handle(request)));
    } catch (error) {
      if (error instanceof NotAsDescribed) throw error;
      return checked(match.route, answerOf(rules.failed(error, request)));
    }
  }

  /** The manager port is asked for by the header `host`. */
  #port(host: string | undefined): Api {
    return host === MANAGER ? this.managerApi() : createApi(this.deps());
  }

  managerApi(): Api {
    const deps = this.deps();
    const samples = { latest: () => this.samples };
    return createManagerApi(createApi(deps), deps.auth, metricSeriesRoutes({ samples, nodeId: this.#options.nodeId }));
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
        clock: { wallMs: () => this.nowMs, monotonicMs: () => this.monotonicMs },
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
      webhooks: {
        state: () => this.webhooksState,
        replay: async (follower, from) => {
          await change("replay")(follower, from);
          return follower !== "unknown";
        },
        retry: async (ids) => {
          await change("retry")(ids);
          return { delivered: ids.length, failed: 0, reason: "" };
        },
        deadLetters: {
          list: async (after, limit) => {
            this.asked.push(["deadLetters", after, limit]);
            return this.letters;
          },
          find: (id) => {
            const row = this.letters.find((letter) => letter.id.high === id.high && letter.id.low === id.low);
            return row === undefined ? undefined : { row, body: Buffer.from("[]") };
          },
          discard: change("discard"),
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
        count: this.connections.length,
        userCount: this.sessions.size,
      },
      outbound: {
        disconnect: (to, reason, text, closeAfterMs) => this.asked.push(["disconnect", to, reason, text, closeAfterMs]),
      },
      connections: {
        socketCount: this.connections.length + 1,
        named: async (ids) => this.connections.filter(({ session }) => ids.includes(session.id)),
        pages: () => pagesOf(this.connections),
        traffic: async () => TEST_TRAFFIC,
      },
      explainer: {
        explain: async (question) => {
          this.asked.push(["explain", question]);
          return this.explanation;
        },
      },
      metrics: undefined,
      readiness: () => this.ready,
      status: {
        version: "1.2.3",
        managerAddress: "127.0.0.1:5300",
        uptimeMs: () => 65_000,
        usage: () => ({ residentBytes: 1000, cpuPercent: 12.345 }),
        unacknowledged: () => 3,
      },
      browsing: {
        rows: {
          channels: async (page, keeps) => {
            this.asked.push(["channels", page]);
            return { ...NO_ROWS, rows: this.listedChannels.filter(keeps) };
          },
          channelsNamed: (id) => this.listedChannels.filter(({ key }) => key.id === id),
          devices: async (page, keeps) => {
            this.asked.push(["devices", page]);
            return { ...NO_ROWS, rows: this.devices.filter(keeps).map((device) => ({ uid: "u", device })) };
          },
          conversations: async (page, uid) => {
            this.asked.push(["conversations", page, uid]);
            return NO_ROWS;
          },
        },
        users: {
          page: async (...given) => {
            this.asked.push(["users", ...given]);
            return { uids: [...this.sessions.keys()], hasMore: false };
          },
          has: async (uid) => this.sessions.has(uid),
        },
        messages: {
          all: async (browse) => {
            this.asked.push(["browse", browse.direction, browse.from, browse.limit]);
            return { messages: this.stored.filter(browse.matches), goesOnFrom: undefined };
          },
          log: async (at, fromSeq, browse) => {
            this.asked.push(["browse", at, fromSeq, browse.direction, browse.limit]);
            return { messages: this.stored.filter(browse.matches), goesOnFrom: this.stored.at(-1) };
          },
        },
      },
      isLoaded: ({ id }) => id === "loaded",
      auth: new ManagerAuth(
        { wallMs: () => this.nowMs },
        {
          accounts: this.accounts,
          managerUid: this.#options.managerUid,
          managerToken: this.#options.managerToken,
          jwt: { secret: TEST_JWT_SECRET, issuer: "wukongim", expireMs: 3_600_000 },
        },
      ),
      failedLogins: this.#failedLogins,
      loginTried: (...given) => this.asked.push(["loginTried", ...given]),
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

/** An answer that the description of its route does not allow. */
class NotAsDescribed extends Error {}

// Formats are for readers; schemas are made by us, and strictness would refuse `x-go-type`.
const schemas = new Ajv2020({ strict: false, validateFormats: false });

/** undefined: the route's description allows the answer. */
export function answerProblem(
  { description }: ApiRoute,
  answer: Pick<Answer, "status" | "type" | "text" | "json">,
): string | undefined {
  const schema = answersOf(description)[answer.status];
  if (schema === undefined) return `status ${answer.status} is not described`;
  const textType = schema["contentMediaType"];
  if (typeof textType === "string") {
    if (answer.text !== "" && answer.type !== textType) return `${answer.type} is not ${textType}`;
    return schemas.validate(schema, answer.text) ? undefined : schemas.errorsText();
  }
  if (answer.status === 400 && !isDescribedRefusal(answer.json, description.refusals ?? []))
    return "the text of the refusal is not described";
  if (answer.type !== JSON_TYPE) return `${answer.type} is not ${JSON_TYPE}`;
  return schemas.validate(schema, answer.json) ? undefined : schemas.errorsText();
}

/** What reading a request may say. */
const READING =
  /^(数据格式有误！|json: cannot unmarshal |(unexpected )?EOF$|invalid character |illegal base64 data|the body is not valid UTF-8$|exceeded max depth$|.+ is longer than \d+ bytes$|.+ has more than \d+ items$|.+ holds half of a surrogate pair$)/;

function isDescribedRefusal(json: unknown, refusals: readonly string[]): boolean {
  if (typeof json !== "object" || json === null || !("msg" in json)) return false;
  const text = String(json.msg);
  const isIt = (refusal: string): boolean => {
    const [start = "", end] = refusal.split("…");
    return end === undefined ? text === refusal : text.startsWith(start) && text.endsWith(end);
  };
  return READING.test(text) || refusals.some(isIt);
}

const JSON_TYPE = "application/json; charset=utf-8";

function answerOf(answer: HttpAnswer): Answer {
  const text = typeof answer.body === "string" ? answer.body : Buffer.from(answer.body).toString();
  return {
    status: answer.status,
    type: answer.contentType ?? JSON_TYPE,
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
