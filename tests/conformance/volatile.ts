/**
 * Values that differ in every run. An observation holds them as `Volatile`, marked by the key they stand under, so that
 * an expectation can speak of them by placeholder; everything else is compared as it is.
 */
export type VolatileKind = "id" | "idstr" | "cmn" | "sec" | "ms" | "ns" | "time" | "big";

export class Volatile {
  readonly kind: VolatileKind;
  readonly text: string;
  constructor(kind: VolatileKind, text: string) {
    this.kind = kind;
    this.text = text;
  }
}

export interface CaseNames {
  /** New in every run; shown as {p}. */
  readonly prefix: string;
  /** Decimal hash → the text it was made of. */
  readonly hashes: ReadonlyMap<string, string>;
}

const YEAR_2017_S = 1_500_000_000;
const YEAR_2096_S = 4_000_000_000;
const ID_KEYS = new Set(["message_id", "id_of_message"]);
const TIME_KEYS = new Set(["created_at", "updated_at", "now"]);
const CLIENT_NUMBER_KEYS = new Set(["client_msg_no", "last_client_msg_no"]);

export function markVolatile(value: unknown, names: CaseNames, key = ""): unknown {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map((item) => markVolatile(item, names, key));
  if (typeof value === "number" || typeof value === "bigint") return markNumber(value, names, key);
  if (typeof value === "string") return markText(value, names, key);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([inner, item]) => [inner, markVolatile(item, names, inner)]));
}

function markNumber(value: number | bigint, names: CaseNames, key: string): unknown {
  const text = String(value);
  if (ID_KEYS.has(key) && value > 0xffff_ffff) return new Volatile("id", text);
  const isTime = key === "timestamp" || key === "version" || key === "occurred_at";
  if (key === "timestamp" && value > YEAR_2017_S && value < YEAR_2096_S) return new Volatile("sec", text);
  if (isTime && value > YEAR_2017_S * 1e3 && value < YEAR_2096_S * 1e3) return new Volatile("ms", text);
  if (isTime && value > YEAR_2017_S * 1e9) return new Volatile("ns", text);
  const hashed = names.hashes.get(text);
  if (hashed !== undefined) return `<fnv:${hashed}>`;
  return typeof value === "bigint" ? new Volatile("big", text) : value;
}

function markText(value: string, names: CaseNames, key: string): unknown {
  if ((key === "message_idstr" || key === "message_id") && /^\d{17,20}$/.test(value))
    return new Volatile("idstr", value);
  if (CLIENT_NUMBER_KEYS.has(key) && /^[0-9a-f]{32}0$/.test(value)) return new Volatile("cmn", value);
  if (TIME_KEYS.has(key) && /^\d{4}-\d\d-\d\dT/.test(value)) return new Volatile("time", value);
  let shown = value;
  for (const [hash, text] of names.hashes) shown = shown.replaceAll(hash, `<fnv:${text}>`);
  return shown.replaceAll(names.prefix, "{p}").replaceAll(names.prefix.toUpperCase(), "{P}");
}

/** Only key names and types, as `shape` steps compare them. */
export function shapeOf(value: unknown): unknown {
  if (value instanceof Volatile)
    return value.kind === "id" ||
      value.kind === "sec" ||
      value.kind === "ms" ||
      value.kind === "ns" ||
      value.kind === "big"
      ? "<number>"
      : "<string>";
  if (value === null) return "<null>";
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== "object") return `<${typeof value}>`;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}
