/**
 * Requests made from the routes' definitions and then spoilt: each is answered as its route says it can be, a mistake of
 * the caller is never one of the server, and a refused request asks for no change. A failure prints the seed.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Sample } from "../observe/samples.ts";
import type { ChannelRow, DeadLetterRow } from "../store/tables.ts";
import type { ApiRoute, ParameterSchemas } from "./api-route.ts";
import { createApi } from "./http-server.ts";
import type { BodySchema } from "./json-schema.ts";
import { MANAGER, session, storedMessage, TestApi } from "./test-kit.ts";

const DEEP = 20_000;
const RUNS = 60;

/** What may stand anywhere in a body, as it is written. */
const ODD_VALUES = [
  "null",
  "true",
  "{}",
  "[]",
  "0",
  "-0",
  "-1",
  "1.0",
  "1e400",
  "256",
  "4294967296",
  "9223372036854775808",
  "18446744073709551616",
  "9".repeat(5_000),
  '""',
  '" "',
  '"2"',
  '"\\u0000"',
  '"\\ud800"',
  '"a@b"',
  '"x____cmd"',
  '"____system"',
  '"__proto__"',
  `"${"x".repeat(70_000)}"`,
  '{"__proto__":{"uid":"a"}}',
  '{"constructor":{"prototype":{"uid":"a"}}}',
  "[null]",
  "[[]]",
  '[{"a":[1,"b",null]}]',
  "[".repeat(DEEP) + "]".repeat(DEEP),
  `${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}`,
  "nul",
  "01",
  "'a'",
  "",
];

/** Members that no schema knows. */
const ODD_MEMBERS = ['"__proto__":1', '"constructor":{}', '"toString":"a"', '"":0', '"a":[{"b":1}]', "uid:1", '"uid"'];

const TEXTS = ["a", "b", "g", "张三", "____system", "a@b", "g____cmd", " ", "", "customer|1", "1".repeat(255)];
const NUMBERS = ["0", "1", "2", "3", "8", "11", "-1", "255", "100000", "9223372036854775807"];

function written(schema: BodySchema): fc.Arbitrary<string> {
  return fc.oneof({ weight: 9, arbitrary: fitting(schema) }, { weight: 1, arbitrary: fc.constantFrom(...ODD_VALUES) });
}

function fitting(schema: BodySchema): fc.Arbitrary<string> {
  switch (schema.type) {
    case "string":
      if (schema.contentEncoding !== undefined) return fc.constantFrom('"aGVsbG8="', '""', '"aGVs\\nbG8="', '"a"');
      return fc.constantFrom(...TEXTS).map((text) => JSON.stringify(text));
    case "boolean":
      return fc.constantFrom("true", "false");
    case "integer":
      return fc.constantFrom(...NUMBERS);
    case "array":
      return fc.array(written(schema.items), { maxLength: 4 }).map((items) => `[${items.join(",")}]`);
    case "object": {
      const members = Object.entries(schema.properties).map(([name, field]) =>
        fc
          .tuple(fc.constantFrom(name, name, name, name.toUpperCase()), written(field))
          .map(([as, value]) => `"${as}":${value}`),
      );
      const some = fc.tuple(...members.map((member) => fc.option(member, { freq: 5 })));
      const again = fc.array(fc.oneof(...members, fc.constantFrom(...ODD_MEMBERS)), { maxLength: 1 });
      return fc
        .tuple(some, again)
        .map(([given, more]) => `{${[...given.filter((member) => member !== null), ...more].join(",")}}`);
    }
  }
}

/** The bytes of a body, mostly as they should be. */
function sent(schema: BodySchema): fc.Arbitrary<Uint8Array> {
  return fc.tuple(written(schema), fc.nat({ max: 30 }), fc.nat()).map(([json, how, place]) => {
    const bytes = Buffer.from(json);
    const at = place % (bytes.length + 1);
    if (how === 0) return bytes.subarray(0, at);
    if (how === 1) return Buffer.concat([bytes, Buffer.from("} trailing")]);
    if (how === 2) return Buffer.from(json, "utf16le");
    if (how === 3) return Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff]), bytes.subarray(at)]);
    return how === 4 ? Buffer.from(`\ufeff${json}`) : bytes;
  });
}

const ODD_TEXTS = [
  "",
  "x",
  "-1",
  "1.5",
  "1e9",
  "９",
  "99999999999999999999",
  "y".repeat(600),
  "\0",
  "__proto__",
  "a/b",
];

function queryOf(parameters: ParameterSchemas): fc.Arbitrary<string> {
  const value = fc.oneof(fc.constantFrom(...TEXTS, ...NUMBERS), fc.constantFrom(...ODD_TEXTS));
  const names = fc.constantFrom(...Object.keys(parameters), "__proto__", "unknown");
  return fc
    .array(fc.tuple(names, value), { maxLength: 6 })
    .map((pairs) => pairs.map(([name, text]) => `${name}=${encodeURIComponent(text)}`).join("&"));
}

function pathOf(route: ApiRoute): fc.Arbitrary<string> {
  const value = fc.constantFrom(...TEXTS, ...NUMBERS, ...ODD_TEXTS).filter((text) => text !== "");
  return fc
    .tuple(...route.path.split("/").map((part) => (part.startsWith(":") ? value : fc.constant(part))))
    .map((parts) => parts.map((part) => encodeURIComponent(part)).join("/"));
}

const CHANNEL_ROW: ChannelRow = {
  created: true,
  ban: false,
  disband: false,
  sendBan: false,
  large: false,
  allowStranger: false,
  receiveOnly: false,
  createdMs: 1,
  updatedMs: 2,
  members: 1,
  deny: 0,
  allow: 2,
};
const LETTER: DeadLetterRow = {
  id: { high: 0, low: 1 },
  receiver: "webhook",
  eventName: "msg.notify",
  eventId: "notify_1",
  reason: "HTTP 400",
  tries: 5,
  sinceMs: 1_776_840_000_999,
  bodyBytes: 2,
  messageIds: [{ high: 1, low: 2 }],
};
const SAMPLE: Sample = {
  wallMs: 5_500,
  connections: 7,
  sessions: 6,
  users: 5,
  residentBytes: 1,
  heapBytes: 2,
  cpuPercent: 3.5,
  perSecond: {
    inMessages: 0.5,
    inMessageBytes: 2,
    inPacketBytes: 3,
    outMessages: 4,
    outMessageBytes: 5,
    outPacketBytes: 6,
  },
};

/** With something to find. */
function filledApi(): TestApi {
  const api = new TestApi(OPTIONS);
  api.stored = [storedMessage({ seq: 1 }), storedMessage({ seq: 2, topic: "t", fromUid: "____system" })];
  api.chats = [
    {
      shown: { type: 2, id: "g" },
      channel: { type: 2, id: "g" },
      unread: 1,
      timeSeconds: 1_776_840_000,
      lastSeq: 2,
      lastClientMsgNo: "n1",
      readedToSeq: 1,
      version: 1_776_840_000_123_000_000n,
      recents: api.stored,
    },
  ];
  api.sessions.set("a", [session("a", 1, 0)]);
  api.devices = [{ flag: 0, level: "master", token: "t", createdMs: 1, updatedMs: 2 }];
  api.listed.push({ uid: "a", createdMs: 1_776_840_000_123 });
  api.listedChannels = [{ key: { type: 2, id: "g" }, row: CHANNEL_ROW }];
  api.letters = [LETTER];
  api.samples.push(SAMPLE);
  return api;
}

/** What the kit notes of reads. */
const READS: ReadonlySet<unknown> = new Set([
  "list",
  "newest",
  "bySeqs",
  "byClientMsgNos",
  "head",
  "sync",
  "devices",
  "forChannels",
  "deadLetters",
  "channels",
  "conversations",
  "users",
  "browse",
  "explain",
  "loginTried",
]);

/** Every caller is the manager. */
const OPTIONS = { benchOn: true, managerToken: "secret-m" };
const PORTS = {
  api: createApi(new TestApi(OPTIONS).deps()),
  [MANAGER]: new TestApi(OPTIONS).managerApi(),
};
const CALLS = Object.entries(PORTS).flatMap(([host, { routes }]) =>
  routes.map((route) => ({ name: `${route.method} ${route.path} at the ${host} port`, host, route })),
);

describe("whatever is sent", () => {
  test.each(CALLS)("$name", async ({ host, route }) => {
    const { body, query } = route.description;
    const headers = { host, token: OPTIONS.managerToken };
    const request = fc.record({
      path: pathOf(route),
      query: query === undefined ? fc.constant("") : queryOf(query),
      body: body === undefined ? fc.constant(new Uint8Array(0)) : sent(body),
    });
    const property = fc.asyncProperty(request, async (made) => {
      const api = filledApi();
      const url = `${made.path}?${made.query}`;
      // The kit throws when the answer is none that the route describes.
      const answer = route.method === "GET" ? await api.get(url, headers) : await api.postRaw(url, made.body, headers);
      expect(api.failures).toEqual([]);
      expect(answer.status).toBeLessThan(500);
      const changes = api.asked.filter(([name]) => !READS.has(name));
      if (answer.status >= 400) expect([...changes, ...api.sent]).toEqual([]);
    });
    await fc.assert(property, { numRuns: RUNS });
  });
});
