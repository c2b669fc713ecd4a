/**
 * One run of one case: fills in the placeholders of a request, acts on the server, and turns what is seen into the form
 * in which the cases were recorded.
 */
import { type Json, rawNumber, stringifyJson, valueAt } from "../harness/exact-json.ts";
import { type HttpAnswer, HttpClient } from "../harness/http-client.ts";
import { delay } from "../harness/waiting.ts";
import { type Answer, type Outgoing, type Received, WireClient } from "../harness/wire-client.ts";
import type { Case, ConnectAction, HttpAction, SendAction, Step } from "./case.ts";
import type { Expectations } from "./expectation.ts";
import { createPrefix, fnv1a64 } from "./prefix.ts";
import type { Target } from "./runner.ts";
import { type CaseNames, markVolatile, shapeOf, Volatile } from "./volatile.ts";

/** The answer to a step that shows nothing. */
export const NOTHING: unique symbol = Symbol("nothing to see");

const JSON_TYPE = "application/json; charset=utf-8";
const FLAGS = { noPersist: 1, redDot: 2, syncOnce: 4, dup: 8 } as const;
const SETTING_TOPIC = 8;
const CLOSED_AT_ONCE_MS = 1_500;
/** After the awaited messages a step looks this much longer, for those that should not come. */
const SETTLE_MS = 100;
const LONG_TEXT = 200;
const WEBHOOK_MS = 5_000;
const POLL_MS = 50;
/** `uid-flag-online-connection-count-count` */
const CONNECTION_OF_STATUS = /(-\d+-\d+-)\d+(-\d+-\d+)$/;

export class CaseRun implements Disposable {
  readonly #target: Target;
  readonly #shownEntries = new Set<Json>();
  readonly #bound: Expectations;
  readonly #names: CaseNames;
  /** Without the headers that the server's own client sends. */
  readonly #api: HttpClient;
  readonly #clients = new Map<string, WireClient>();
  readonly #saved = new Map<string, unknown>();
  #sentCount = 0;

  constructor(recorded: Case, target: Target, bound: Expectations) {
    this.#target = target;
    this.#api = new HttpClient(target.server.httpPort);
    this.#bound = bound;
    const prefix = createPrefix(recorded.crcDescending, recorded.slot);
    const hashes = (recorded.fnv ?? []).map((text): [string, string] => [
      String(fnv1a64(text.replaceAll("{p}", prefix))),
      text,
    ]);
    this.#names = { prefix, hashes: new Map(hashes) };
  }

  async act(step: Step): Promise<unknown> {
    if (step.http !== undefined) return this.#http(step, step.http);
    if (step.connect !== undefined) return this.#connect(step.connect);
    if (step.send !== undefined)
      return this.#answer(await this.#client(step.send.as).send(this.#outgoing(step.send), step.timeoutMs ?? 6_000));
    if (step.burst !== undefined) {
      const answers = await this.#client(step.burst.as).burst(step.burst.sends.map((send) => this.#outgoing(send)));
      return answers.map((answer) => this.#answer(answer));
    }
    if (step.recv !== undefined) return this.#recv(step.recv);
    if (step.kicked !== undefined) {
      const client = this.#client(step.kicked.as);
      await client.until(() => client.isClosed, step.kicked.withinMs ?? 3_500);
      return { disconnect: client.disconnected ?? null, closed: client.isClosed };
    }
    if (step.ping !== undefined) {
      const client = this.#client(step.ping.as);
      if (client.isClosed) return { closed: true };
      const hasPong = await client.ping(step.ping.withinMs ?? 1_500);
      return client.isClosed && !hasPong ? { closed: true } : { pong: hasPong };
    }
    if (step.raw !== undefined) {
      const client = this.#client(step.raw.as);
      client.writeRaw(Buffer.from(step.raw.hex.replaceAll(" ", ""), "hex"));
      await client.until(() => client.isClosed, step.raw.withinMs ?? 1_000);
      return { closed: client.isClosed };
    }
    if (step.close !== undefined) {
      const client = this.#client(step.close.as);
      client.close();
      await client.closed;
      return NOTHING;
    }
    if (step.sleep !== undefined) {
      if (step.v225Only !== true) await delay(step.sleep);
      return NOTHING;
    }
    if (step.each !== undefined) return this.#each(step.each);
    if (step.drain !== undefined) return this.#drain(step.drain);
    if (step.webhook !== undefined) return this.#webhook(step.webhook);
    const ending = step.restart ?? step.kill;
    if (ending !== undefined) {
      for (const client of this.#clients.values()) client.close();
      const settings = typeof ending === "object" ? this.#target.configurations[ending.config] : undefined;
      await this.#target.server.restart(step.kill === undefined ? "SIGTERM" : "SIGKILL", settings);
      return NOTHING;
    }
    throw new Error(`a step without an action known here: ${JSON.stringify(step).slice(0, 200)}`);
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.close();
    this.#api.dropConnections();
  }

  // ---- requests

  #text(text: string): string {
    return text
      .replaceAll("{p}", this.#names.prefix)
      .replaceAll("{P}", this.#names.prefix.toUpperCase())
      .replace(/<(id|idstr|cmn):(\w+)>/g, (_all, kind: string, number: string) => this.#boundText(kind, number))
      .replace(/<var:(\w+)>/g, (_all, name: string) => String(this.#savedValue(name)))
      .replace(/<fnv:([^>]*)>/g, (_all, hashed: string) => String(fnv1a64(hashed)));
  }

  #value(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#value(item));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [this.#text(key), this.#value(inner)]));
    }
    if (typeof value !== "string") return value;
    const [, kind, name] = /^<(id|var|num):([-\w.]+)>$/.exec(value) ?? [];
    if (kind === "num") return rawNumber(name!);
    if (kind === "id") return BigInt(this.#boundText("id", name!));
    if (kind === "var") {
      const saved = this.#savedValue(name!);
      return typeof saved === "string" && /^\d{15,}$/.test(saved) ? BigInt(saved) : saved;
    }
    return this.#text(value);
  }

  #boundText(kind: string, number: string): string {
    const value = this.#bound.valueOf(`${kind === "idstr" ? "id" : kind}:${number}`);
    if (value === undefined) throw new Error(`<${kind}:${number}> is not bound yet`);
    return value;
  }
  #savedValue(name: string): unknown {
    if (!this.#saved.has(name)) throw new Error(`<var:${name}> is not saved yet`);
    return this.#saved.get(name);
  }

  // ---- the wire

  async #connect(action: ConnectAction): Promise<unknown> {
    this.#clients.get(action.as)?.close();
    const client = await WireClient.open({
      port: this.#target.server.tcpPort,
      uid: this.#text(action.uid ?? `{p}${action.as}`),
      deviceId: this.#text(action.deviceId ?? `{p}-${action.as}-device`),
      deviceFlag: action.flag ?? 0,
      token: this.#text(action.token ?? ""),
      version: action.version ?? 5,
      ...(action.clientKey === undefined ? {} : { clientKey: action.clientKey }),
    });
    this.#clients.set(action.as, client);
    if (action.silent === true) return { open: !client.isClosed };
    const result = await client.login();
    if (result.outcome === "silent") return { silent: true };
    if (result.outcome === "closed") return { closed: result.afterMs < CLOSED_AT_ONCE_MS ? "at once" : "later" };
    return {
      connack: result.reason,
      ...(result.serverVersion === undefined ? {} : { serverVersion: result.serverVersion }),
      nodeId: result.hasNodeId,
      encrypted: result.isEncrypted,
    };
  }

  #client(name: string): WireClient {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`no connection ${name}`);
    return client;
  }

  #outgoing(action: SendAction): Outgoing {
    const flags = (action.flags ?? ["redDot"]).reduce((sum, name) => sum | FLAGS[name as keyof typeof FLAGS], 0);
    return {
      to: this.#text(action.to),
      type: action.type,
      payload:
        action.payloadHex === undefined ? this.#text(action.payload ?? "") : Buffer.from(action.payloadHex, "hex"),
      clientMsgNo: this.#text(action.no ?? `{p}w${++this.#sentCount}`),
      flags,
      setting: action.setting ?? 0,
      expire: action.expire ?? 0,
      topic: this.#text(action.topic ?? ""),
      hasBadKey: action.badKey ?? false,
      isPlain: action.plain ?? false,
    };
  }

  #answer(answer: Answer): unknown {
    if (answer.outcome === "closed") return { closed: true };
    if (answer.outcome === "silent") return { noAnswer: true };
    return {
      reason: answer.reason,
      message_id: new Volatile("id", String(answer.messageId)),
      seq: answer.messageSeq,
      flags: flagNames(answer.flags),
    };
  }

  async #recv(action: NonNullable<Step["recv"]>): Promise<unknown> {
    const client = this.#client(action.as);
    const { count } = action;
    if (count === undefined) await delay(action.quietMs ?? 500);
    else {
      await client.until(() => client.received.length >= count || client.isClosed, action.timeoutMs ?? 4_000);
      await delay(SETTLE_MS);
    }
    return client.take().map((message) => this.#received(message));
  }

  #received(message: Received): unknown {
    const text = message.payload.toString("utf8");
    const isText = Buffer.from(text).equals(message.payload);
    return markVolatile(
      {
        flags: flagNames(message.flags),
        setting: message.setting,
        from: message.fromUid,
        channelId: message.channelId,
        channelType: message.channelType,
        ...(message.expire === undefined ? {} : { expire: message.expire }),
        client_msg_no: message.clientMsgNo,
        message_id: message.messageId,
        seq: message.messageSeq,
        timestamp: message.timestamp,
        ...((message.setting & SETTING_TOPIC) === 0 ? {} : { topic: message.topic }),
        payload: isText ? text : `hex:${message.payload.toString("hex")}`,
      },
      this.#names,
    );
  }

  // ---- HTTP

  async #http(step: Step, action: HttpAction): Promise<unknown> {
    const port = action.port === "manager" ? this.#target.server.manager : this.#api;
    const body = this.#body(action);
    const headers = Object.fromEntries(
      Object.entries(action.headers ?? {}).map(([name, value]) => [name, this.#text(value)]),
    );
    if (body !== undefined) headers["content-type"] ??= "application/json";
    if (headers["content-type"] === "") delete headers["content-type"];
    const path = this.#text(action.path).replace(/[^\x21-\x7e]/gu, encodeURIComponent);
    let answer: HttpAnswer;
    try {
      answer = await port.call({
        method: action.method,
        path,
        headers: { connection: "close", ...headers },
        body,
      });
    } catch {
      return { failed: true };
    }
    const described = this.#target.described?.[action.port ?? "api"];
    const problem = described?.problem(action.method, path, answer);
    if (problem !== undefined) throw new Error(problem);
    const observation: Record<string, unknown> = { status: answer.status };
    const type = answer.headers["content-type"] ?? "";
    if (type !== JSON_TYPE && answer.text !== "") observation["type"] = type;
    for (const name of action.showHeaders ?? []) observation[name] = answer.headers[name] ?? null;
    if (answer.body !== undefined) observation["body"] = markVolatile(answer.body, this.#names);
    else if (answer.text.length > LONG_TEXT) observation["text"] = "<text>";
    else if (answer.text !== "") observation["text"] = markVolatile(answer.text, this.#names);
    for (const [name, from] of Object.entries(step.save ?? {})) {
      const value = valueAt(observation, from);
      if (value !== undefined) this.#saved.set(name, value instanceof Volatile ? value.text : value);
    }
    return asRecorded(step, observation);
  }

  #body(action: HttpAction): string | undefined {
    if (action.raw !== undefined) {
      return this.#text(action.raw).replace(/<repeat:(\d+):(.)>/g, (_all, count: string, char: string) =>
        char.repeat(Number(count)),
      );
    }
    return action.body === undefined ? undefined : stringifyJson(this.#value(action.body));
  }

  async #each(action: NonNullable<Step["each"]>): Promise<unknown> {
    const template = stringifyJson(this.#value(action.body));
    const ask = async (index: number): Promise<boolean> => {
      const uid = `${this.#names.prefix}${action.uid}${index}`;
      const answer = await this.#target.server.http.call({
        method: "POST",
        path: action.path,
        headers: { "content-type": "application/json" },
        body: template.replaceAll("{each}", uid),
      });
      return String(valueAt({ body: answer.body }, action.value)) === String(action.equals);
    };
    const found = await Promise.all(Array.from({ length: action.count }, (_item, index) => ask(index + 1)));
    return { matching: found.filter(Boolean).length };
  }

  /** The entries of such events that tell of this case and were not shown yet. */
  async #webhook({ event, count, quietMs, timeoutMs }: NonNullable<Step["webhook"]>): Promise<unknown> {
    const found = (): readonly Json[] =>
      this.#target.receiver.taken
        .filter((delivery) => delivery.event === event)
        .flatMap((delivery) => this.#target.receiver.entriesOf(delivery))
        .filter((entry) => !this.#shownEntries.has(entry) && stringifyJson(entry).includes(this.#names.prefix));
    if (count === undefined) await delay(quietMs ?? WEBHOOK_MS);
    else {
      const end = Date.now() + (timeoutMs ?? WEBHOOK_MS);
      while (found().length < count && Date.now() < end) await delay(POLL_MS);
      await delay(SETTLE_MS);
    }
    const shown = found();
    for (const entry of shown) this.#shownEntries.add(entry);
    return shown.map((entry) => {
      const marked = markVolatile(entry, this.#names);
      return typeof marked === "string" ? marked.replace(CONNECTION_OF_STATUS, "$1<conn>$2") : marked;
    });
  }

  async #drain(action: NonNullable<Step["drain"]>): Promise<unknown> {
    const uid = this.#text(action.uid);
    const callsMax = action.maxCalls ?? 40;
    const numbers: unknown[] = [];
    for (let calls = 1; calls <= callsMax; calls++) {
      const page = await this.#target.server.http.ask("/message/sync", { uid, limit: action.limit });
      if (!Array.isArray(page) || page.length === 0) {
        return { delivered: numbers.length, distinct: new Set(numbers).size, ended: true };
      }
      numbers.push(...page.map((message) => valueAt(message, "client_msg_no")));
      await this.#target.server.http.ask("/message/syncack", {
        uid,
        last_message_seq: valueAt(page.at(-1), "message_seq"),
      });
    }
    return { delivered: numbers.length, distinct: new Set(numbers).size, ended: false };
  }
}

function flagNames(flags: number): string[] {
  return Object.entries(FLAGS)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name);
}

/** The parts of an HTTP observation that the step looks at. */
function asRecorded(step: Step, observation: Record<string, unknown>): unknown {
  const shown = { ...observation };
  const { body } = shown;
  if (step.seqsOnly === true && isRecord(body) && Array.isArray(body["messages"]))
    shown["body"] = { ...body, messages: seqs(body["messages"]) };
  if (Array.isArray(body)) {
    if (step.seqsIn === true) shown["body"] = body.map((row) => withSeqs(row, "messages"));
    if (step.lean === true) shown["body"] = body.map((row) => withSeqs(row, "recents"));
    if (step.ids === true) shown["body"] = body.map((row) => valueAt(row, "channel_id"));
  }
  if (step.pick !== undefined) return Object.fromEntries(step.pick.map((path) => [path, picked(shown, path)]));
  if (step.shape !== true) return shown;
  return Object.fromEntries(
    Object.entries(shown).map(([key, value]) => [key, key === "status" || key === "type" ? value : shapeOf(value)]),
  );
}

function picked(shown: unknown, path: string): unknown {
  const value = valueAt(shown, path);
  return value === undefined ? "(absent)" : value;
}

function withSeqs(row: unknown, key: string): unknown {
  return isRecord(row) && Array.isArray(row[key]) ? { ...row, [key]: seqs(row[key]) } : row;
}
function seqs(messages: readonly unknown[]): unknown[] {
  return messages.map((message) => valueAt(message, "message_seq"));
}
function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Volatile);
}
