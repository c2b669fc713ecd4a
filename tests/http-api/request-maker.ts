/**
 * Random requests for a described API. Most of a request fits its description and speaks of the same few users and
 * channels, so that it may well succeed; here and there something is wrong with it.
 */
import type { DescribedApi, DescribedParameter, DescribedRoute, Schema } from "../harness/described-api.ts";
import type { HttpRequest } from "../harness/http-client.ts";
import type { Seeded } from "../harness/seeded.ts";

const DEEP = 20_000;

const USERS = ["rita", "saul", "tess", "张三"] as const;
const GROUPS = ["random-group", "other-group"] as const;
const TEXTS = [
  ...USERS,
  ...GROUPS,
  "n1",
  "n2",
  "",
  " ",
  "a@b",
  "random-group____cmd",
  "____system",
  "rita|saul",
] as const;
const NUMBERS = ["0", "1", "2", "3", "4", "8", "9", "11", "255"] as const;

const ODD_VALUES = [
  "null",
  "true",
  "{}",
  "[]",
  "-1",
  "1.0",
  "1e400",
  "4294967296",
  "9223372036854775807",
  "18446744073709551616",
  "9".repeat(5_000),
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  `"${"x".repeat(70_000)}"`,
  '{"__proto__":{"uid":"rita"}}',
  '{"constructor":{"prototype":{"uid":"rita"}}}',
  "[null]",
  "[[]]",
  "[".repeat(DEEP) + "]".repeat(DEEP),
  `${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}`,
  "nul",
  "01",
  "",
] as const;
const ODD_MEMBERS = ['"__proto__":1', '"constructor":{}', '"toString":"a"', '"":0', '"a":[{"b":1}]', "uid:1"] as const;
const ODD_TEXTS = ["x", "-1", "1e9", "99999999999999999999", "y".repeat(600), "\0", "__proto__", "a/b"] as const;

/** Bytes that are wrong as a whole. */
const SPOILERS: readonly ((json: string, cut: number) => Buffer)[] = [
  (json, cut) => Buffer.from(json).subarray(0, cut),
  (json) => Buffer.from(`${json}} trailing`),
  (json) => Buffer.from(json, "utf16le"),
  (json) => Buffer.from(`\ufeff${json}`),
  (json, cut) =>
    Buffer.concat([Buffer.from(json).subarray(0, cut), Buffer.from([0xff]), Buffer.from(json).subarray(cut)]),
];
const TYPES = [undefined, "application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense"] as const;

export class RequestMaker {
  readonly #random: Seeded;
  readonly #routes: readonly DescribedRoute[];

  constructor(random: Seeded, api: DescribedApi) {
    this.#random = random;
    this.#routes = api.routes;
  }

  next(): HttpRequest {
    const random = this.#random;
    const route = random.pick(this.#routes);
    const type = random.pick(TYPES);
    const place = (parameter: DescribedParameter): string => encodeURIComponent(this.#parameter(parameter));
    let path = route.path;
    const query: string[] = [];
    for (const parameter of route.parameters) {
      if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, place(parameter) || "-");
      else if (random.chance(0.85)) query.push(`${parameter.name}=${place(parameter)}`);
    }
    return {
      method: route.method,
      path: query.length === 0 ? path : `${path}?${query.join("&")}`,
      ...(type === undefined ? {} : { headers: { "content-type": type } }),
      ...(route.body === undefined ? {} : { body: this.#body(route.body) }),
    };
  }

  #body(schema: Schema): Buffer {
    const json = this.#written(schema, "");
    if (!this.#random.chance(0.08)) return Buffer.from(json);
    return this.#random.pick(SPOILERS)(json, this.#random.below(Buffer.byteLength(json) + 1));
  }

  #parameter({ name, schema }: DescribedParameter): string {
    if (this.#random.chance(0.15)) return this.#random.pick(ODD_TEXTS);
    return schema.type === "integer" ? this.#number(name) : this.#text(name);
  }

  #written(schema: Schema, name: string): string {
    const random = this.#random;
    if (random.chance(0.05)) return random.pick(ODD_VALUES);
    switch (schema.type) {
      case "string":
        if (schema.contentEncoding !== undefined)
          return random.pick(['"aGVsbG8="', '"aGVsbG8="', '"aGVs\\nbG8="', '"a"']);
        return JSON.stringify(this.#text(name));
      case "integer":
        return this.#number(name);
      case "boolean":
        return random.pick(["true", "false"]);
      case "array": {
        const items = Array.from({ length: random.below(4) }, () => this.#written(schema.items ?? {}, name));
        return `[${items.join(",")}]`;
      }
      case "object":
        return this.#object(schema.properties ?? {});
      default:
        throw new Error(`a body of an unknown type: ${JSON.stringify(schema)}`);
    }
  }

  #object(properties: Readonly<Record<string, Schema>>): string {
    const random = this.#random;
    const members: string[] = [];
    for (const [name, schema] of Object.entries(properties)) {
      if (random.chance(0.85)) members.push(this.#member(name, schema));
      if (random.chance(0.03)) members.push(this.#member(name, schema));
    }
    if (random.chance(0.05)) members.push(random.pick(ODD_MEMBERS));
    return `{${members.join(",")}}`;
  }

  #member(name: string, schema: Schema): string {
    const shown = this.#random.chance(0.1) ? name.toUpperCase() : name;
    return `${JSON.stringify(shown)}:${this.#written(schema, name)}`;
  }

  #text(name: string): string {
    const random = this.#random;
    if (random.chance(0.15)) return random.pick(TEXTS);
    if (name === "channel_id") return random.pick([...GROUPS, ...USERS]);
    return random.pick(name.includes("uid") || name === "subscribers" ? USERS : TEXTS);
  }

  #number(name: string): string {
    // A message that expires in the middle of the test would change what is read.
    if (name === "expire") return this.#random.pick(["0", "4294967295"]);
    if (name === "channel_type") return this.#random.pick(["1", "2", "2", ...NUMBERS]);
    return this.#random.pick(NUMBERS);
  }
}

/** Everything that the requests may change, as the API shows it. */
export function readsOfAll(): readonly HttpRequest[] {
  const post = (path: string, body: object): HttpRequest => ({ method: "POST", path, body: JSON.stringify(body) });
  const get = (path: string): HttpRequest => ({ method: "GET", path });
  const lists = GROUPS.flatMap((group) =>
    ["subscribers", "denylist", "allowlist"].map((list) => get(`/cluster/channels/${group}/2/${list}`)),
  );
  const histories = GROUPS.flatMap((group) =>
    [group, `${group}____cmd`].map((id) =>
      post("/channel/messagesync", { login_uid: "rita", channel_id: id, channel_type: 2, limit: 1_000 }),
    ),
  );
  const ofUsers = USERS.flatMap((uid) => [
    post("/conversation/sync", { uid, msg_count: 3 }),
    post("/conversation/channels", { uid }),
    post("/message/sync", { uid, limit: 1_000 }),
    post("/channel/messagesync", { login_uid: "rita", channel_id: uid, channel_type: 1, limit: 1_000 }),
    get(`/cluster/channels/${encodeURIComponent(uid)}/1/denylist`),
    get(`/cluster/channels/${encodeURIComponent(uid)}/1/allowlist`),
    get(`/cluster/devices?uid=${encodeURIComponent(uid)}`),
  ]);
  return [get("/user/systemuids"), ...lists, ...histories, ...ofUsers];
}
