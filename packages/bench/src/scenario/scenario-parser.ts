/** YAML text to a scenario. Unknown keys, wrong types and contradictions are errors that name their place. */
import { parse } from "yaml";
import { Fields, ScenarioError } from "./fields.ts";
import type { Flow, Goal, PayloadShare, Scenario, Work } from "./scenario.ts";

const PAYLOAD_BYTES_MIN = 26;

export function parseScenario(text: string, name: string): Scenario {
  const fields = new Fields(parse(text), name);
  const scenario: Scenario = {
    name,
    title: fields.text("title"),
    about: fields.text("about", ""),
    transport: fields.choice("transport", ["tcp", "tls", "ws", "wss"], "tcp"),
    version: fields.choice("version", [2, 5, 6], 5),
    encryption: fields.choice("encryption", ["on", "off", "bySetting"], "on"),
    tokens: fields.flag("tokens", false),
    server: settingsOf(fields),
    warmUpSeconds: fields.number("warmUpSeconds", 2),
    seconds: fields.number("seconds", 10, 0.1),
    work: workOf(fields),
    goals: goalsOf(fields),
    original: fields.numbers("original"),
  };
  fields.done();
  return scenario;
}

function settingsOf(fields: Fields): Scenario["server"] {
  const inner = fields.inner("server");
  const settings: Record<string, string | number | boolean> = {};
  for (const key of inner === undefined ? [] : inner.keys()) {
    const value = inner!.take(key);
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      throw fields.error(`server.${key}`, "expected a plain value");
    }
    settings[key] = value;
  }
  return settings;
}

function goalsOf(fields: Fields): readonly Goal[] {
  const inner = fields.inner("goals");
  if (inner === undefined) return [];
  return inner.keys().map((figure) => {
    const bounds = inner.inner(figure)!;
    const min = bounds.optionalNumber("min");
    const max = bounds.optionalNumber("max");
    bounds.done();
    return { figure, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  });
}

const WORKS = ["growth", "restart", "logins", "idle", "httpSend", "conversationSync"] as const;

function workOf(fields: Fields): Work {
  const named = [...(fields.has("traffic") ? ["traffic"] : []), ...WORKS.filter((work) => fields.has(work))];
  if (named.length !== 1) throw fields.error("traffic", `expected exactly one of traffic, ${WORKS.join(", ")}`);
  if (fields.has("traffic")) return trafficOf(fields);
  const kind = WORKS.find((work) => fields.has(work))!;
  const inner = fields.inner(kind)!;
  const work = otherWork(kind, inner);
  inner.done();
  return work;
}

function trafficOf(fields: Fields): Work {
  const flows = fields.list("traffic").map((value, index) => flowOf(new Fields(value, `traffic[${index}]`)));
  if (flows.length === 0) throw fields.error("traffic", "expected at least one flow");
  if (new Set(flows.map((flow) => flow.name)).size < flows.length) {
    throw fields.error("traffic", "two flows have the same name");
  }
  const crash = fields.flag("crash", false);
  const overload = fields.inner("overload");
  if (overload !== undefined) {
    const work: Work = {
      kind: "overload",
      flows,
      factor: overload.number("factor", 5, 1),
      peakSeconds: overload.number("peakSeconds", 5, 1),
    };
    overload.done();
    return work;
  }
  if (crash) return { kind: "crash", flows };
  const verification = fields.flag("verification", true);
  return { kind: "traffic", flows, verification, settleDisk: fields.flag("settleDisk", false) };
}

function otherWork(kind: (typeof WORKS)[number], inner: Fields): Work {
  switch (kind) {
    case "growth":
      return {
        kind,
        senders: inner.count("senders", 50, 1),
        window: inner.count("window", 8, 1),
        payload: payloadOf(inner),
        steps: inner.list("steps").map((value, index) => {
          const step = new Fields(value, `growth.steps[${index}]`);
          const read = { channels: step.count("channels", undefined, 1), stored: step.count("stored") };
          step.done();
          return read;
        }),
      };
    case "restart":
      return {
        kind,
        stored: inner.count("stored", 100_000),
        channels: inner.count("channels", 1_000, 1),
        signal: inner.choice("signal", ["SIGTERM", "SIGKILL"], "SIGTERM"),
      };
    case "logins":
      return { kind, users: inner.count("users", 5_000, 1), concurrency: inner.count("concurrency", 64, 1) };
    case "idle":
      return { kind, connections: inner.count("connections", 5_000, 1) };
    case "httpSend":
      return {
        kind,
        concurrency: inner.count("concurrency", 32, 1),
        channels: inner.count("channels", 50, 1),
        payloadBytes: inner.count("payloadBytes", 100, PAYLOAD_BYTES_MIN),
      };
    case "conversationSync":
      return {
        kind,
        concurrency: inner.count("concurrency", 8, 1),
        users: inner.count("users", 8, 1),
        chats: inner.count("chats", 200, 1),
        recents: inner.count("recents", 20, 1),
        nothingNew: inner.flag("nothingNew", false),
        payloadBytes: inner.count("payloadBytes", 100, PAYLOAD_BYTES_MIN),
      };
  }
}

function flowOf(fields: Fields): Flow {
  const channel = fields.choice("channel", ["person", "group", "newPerson", "persons"], "person");
  const senders = channel === "group" ? fields.count("senders", 1, 1) : 1;
  const online = channel === "group" ? fields.count("online") : channel === "person" ? 1 : 0;
  const flow: Flow = {
    name: fields.text("name", channel),
    channel,
    count: fields.count("count", 1, 1),
    members: channel === "group" ? fields.count("members", senders + online, senders + online) : 2,
    online,
    stalled: fields.count("stalled", 0),
    senders,
    peers: channel === "persons" ? fields.count("peers", undefined, 1) : 1,
    window: fields.count("window", 0),
    inFlightUntil: fields.choice("inFlightUntil", ["acknowledged", "delivered"], "acknowledged"),
    perSecond: fields.number("perSecond", 0),
    inFlightMax: fields.count("inFlightMax", 20_000, 1),
    payload: payloadOf(fields),
    recvacks: fields.flag("recvacks", true),
  };
  if (flow.window > 0 === flow.perSecond > 0) throw fields.error("window", "expected either window or perSecond");
  if (flow.stalled > flow.online) throw fields.error("stalled", "more than are online");
  if (flow.inFlightUntil === "delivered" && flow.online - flow.stalled < 1) {
    throw fields.error("inFlightUntil", "nobody is online who reads");
  }
  fields.done();
  return flow;
}

function payloadOf(fields: Fields): readonly PayloadShare[] {
  const value = fields.take("payload") ?? 100;
  const list = typeof value === "number" ? [{ bytes: value, share: 1 }] : value;
  if (!Array.isArray(list)) throw fields.error("payload", "expected bytes, or a list of bytes and share");
  const shares = list.map((each, index) => {
    const inner = new Fields(each, `payload[${index}]`);
    const share = { bytes: inner.count("bytes", undefined, PAYLOAD_BYTES_MIN), share: inner.number("share") };
    inner.done();
    return share;
  });
  const sum = shares.reduce((total, each) => total + each.share, 0);
  if (Math.abs(sum - 1) > 0.001) throw new ScenarioError(`payload: the shares add up to ${sum}, not 1`);
  return shares;
}
