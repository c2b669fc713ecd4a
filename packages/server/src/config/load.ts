/**
 * Settings from the file, the environment and the command line become one `Config`, or a list of everything that is
 * wrong with them. Pure: the caller reads the file and the environment. Flags win over the environment, that over the
 * file, that over the defaults; what is overridden must be right all the same.
 */
import { certificateFiles } from "./certificate-files.ts";
import { type Field, type FieldTree, isField } from "./field.ts";
import { isGroup, type KeyMeaning, meaningOf, meaningOfVariable } from "./keys.ts";
import { LIMIT_RULES } from "./limits.ts";
import { type Config, SCHEMA } from "./schema.ts";
import { expected, isUnset, readValue, type Value } from "./values.ts";
import { type ConfigError, readYamlFile, type Setting } from "./yaml-file.ts";

/** The original signs with it unless told otherwise, so everybody knows it. */
const PUBLIC_JWT_SECRET = "secret_wukongim";

export interface ConfigSources {
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By key, as `mode`. */
  readonly flags: Readonly<Record<string, string>>;
}

export type LoadedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

const CHANNEL_TYPE_MAX = 255;
/** The last one is declared by the original and never sent. */
const EVENTS: readonly string[] = ["msg.notify", "msg.offline", "user.onlinestatus", "msg.stream"];

interface Given {
  readonly value: Value;
  readonly where: string;
}

export function loadConfig(sources: ConfigSources): LoadedConfig {
  const errors: ConfigError[] = [];
  const inert: string[] = [];
  const given = new Map<string, Given>();

  const take = (settings: readonly Setting[], meaning: (key: string) => KeyMeaning): void => {
    const seen = new Map<string, string>();
    for (const setting of settings) {
      const { key, value, where } = setting;
      const found = meaning(key);
      if ("inert" in found) {
        inert.push(found.inert);
        continue;
      }
      if ("didYouMean" in found) {
        if (value === "" && isGroup(key)) continue;
        const hint = found.didYouMean === undefined ? "" : `; did you mean ${found.didYouMean}?`;
        errors.push({ where, key, problem: isGroup(key) ? "a group of keys, not a key" : `unknown key${hint}` });
        continue;
      }
      const { name, field } = found.known;
      const earlier = seen.get(name);
      if (earlier !== undefined) errors.push({ where, key, problem: `given twice, first at ${earlier}` });
      seen.set(name, where);
      const text = typeof value === "string" ? value : takesMany(field) ? value?.join(" ") : undefined;
      if (text !== undefined && isUnset(field, text)) continue;
      const read = text === undefined ? undefined : readValue(field, text);
      if (read === undefined) errors.push({ where, key, problem: `${shown(value, field)} is not ${expected(field)}` });
      else given.set(name, { value: read, where });
    }
  };

  if (sources.file !== undefined) {
    const file = readYamlFile(sources.file.path, sources.file.text);
    errors.push(...file.errors);
    take(file.settings, meaningOf);
  }
  take(settingsOfEnvironment(sources.env), meaningOfVariable);
  take(
    Object.entries(sources.flags).map(([key, value]) => ({ key, value, where: "command line" })),
    meaningOf,
  );

  const config = build(given);
  errors.push(...brokenRules(config, given));
  if (errors.length > 0) return { ok: false, errors };
  return {
    ok: true,
    config,
    warnings: inert.length === 0 ? [] : [`without effect here: ${[...new Set(inert)].join(", ")}`],
  };
}

export function defaultConfig(): Config {
  return build(new Map());
}

/** One line for the operator. */
export function formatConfigError({ where, key, problem }: ConfigError): string {
  return key === "" ? `${where}: ${problem}` : `${where}: ${key}: ${problem}`;
}

function settingsOfEnvironment(env: ConfigSources["env"]): Setting[] {
  const settings: Setting[] = [];
  for (const [key, value] of Object.entries(env)) {
    if (key.startsWith("WK_") && value !== undefined && !isServiceVariable(key)) {
      settings.push({ key, value, where: "environment" });
    }
  }
  return settings;
}

/** Kubernetes sets these in every container beside a service whose name starts with `wk`. */
function isServiceVariable(name: string): boolean {
  return /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/.test(name);
}

function build(given: ReadonlyMap<string, Given>): Config {
  const fill = (tree: FieldTree, prefix: string): Record<string, unknown> => {
    const branch: Record<string, unknown> = {};
    for (const [key, node] of Object.entries(tree)) {
      if (!isField(node)) {
        branch[key] = fill(node, `${prefix}${key}.`);
        continue;
      }
      const found = given.get(prefix + key);
      branch[node.kind === "duration" ? `${key}Ms` : key] = found === undefined ? defaultOf(node) : found.value;
    }
    return branch;
  };
  // The tree of values has the shape that ConfigOf computes from the same schema.
  const config = fill(SCHEMA, "") as unknown as Config;
  return config.dataDir === "" ? { ...config, dataDir: `${config.rootDir.replace(/\/+$/, "")}/data` } : config;
}

function defaultOf(field: Field): Value {
  const value = readValue(field, field.default);
  return value === undefined ? "" : value;
}

function brokenRules(config: Config, given: ReadonlyMap<string, Given>): ConfigError[] {
  const errors: ConfigError[] = [];
  for (const { larger, times, smaller } of LIMIT_RULES) {
    if (config.limits[larger] >= times * config.limits[smaller]) continue;
    const blamed = given.get(`limits.${larger}`) ?? given.get(`limits.${smaller}`);
    const factor = times === 1 ? "" : `${times} times `;
    errors.push({
      where: blamed?.where ?? "default",
      key: `limits.${larger}`,
      problem: `must be at least ${factor}limits.${smaller} (${times * config.limits[smaller]} bytes)`,
    });
  }
  if (config.jwt.secret.trim() === PUBLIC_JWT_SECRET)
    errors.push({
      where: given.get("jwt.secret")?.where ?? "default",
      key: "jwt.secret",
      problem: "is the public default of WuKongIM, with which anybody can sign a login; choose another, or none",
    });
  for (const name of config.webhook.focusEvents) {
    if (EVENTS.includes(name)) continue;
    errors.push({
      where: given.get("webhook.focusEvents")?.where ?? "default",
      key: "webhook.focusEvents",
      problem: `${shown(name)} is none of ${EVENTS.join(", ")}`,
    });
  }
  for (const type of config.datasource.channelTypes) {
    if (/^[0-9]{1,3}$/.test(type) && Number(type) <= CHANNEL_TYPE_MAX) continue;
    errors.push({
      where: given.get("datasource.channelTypes")?.where ?? "default",
      key: "datasource.channelTypes",
      problem: `${shown(type)} is not the number of a channel type`,
    });
  }
  return [...errors, ...brokenKeys(config, given)];
}

/** What keys need of each other, and of their own parts. */
function brokenKeys(config: Config, given: ReadonlyMap<string, Given>): ConfigError[] {
  const errors: ConfigError[] = [];
  const missing = (key: string, because: string, problem: string): void => {
    errors.push({ where: given.get(because)?.where ?? "default", key, problem });
  };
  const tls = certificateFiles(config, "tlsConfig");
  for (const file of ["certFile", "keyFile"] as const) {
    if (config.wssAddr !== null && config.wssConfig[file] === "") {
      missing(`wssConfig.${file}`, "wssAddr", "must be set, because wssAddr is");
    }
    if (config.tlsAddr !== null && tls[file] === "") {
      missing(`tlsConfig.${file}`, "tlsAddr", "must be set (or wssConfig), because tlsAddr is");
    }
  }
  if (config.proxyProtocol && config.trustedProxies.length === 0) {
    missing("trustedProxies", "proxyProtocol", "must be set, because proxyProtocol is");
  }
  if (config.ws.path !== "" && !/^\/[\x21-\x7e]*$/.test(config.ws.path)) {
    missing("ws.path", "ws.path", `${shown(config.ws.path)} is not a path as /ws`);
  }
  return errors;
}

function takesMany(field: Field): boolean {
  return field.kind === "list" || field.kind === "networks" || field.kind === "accounts";
}

function shown(value: Setting["value"], field?: Field): string {
  if (field?.kind === "accounts") return "the value";
  if (value === null) return "a map";
  if (typeof value !== "string") return "a list";
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
