/** Texts that are no honest ids, as the bytes of the wire and as JSON literals. */

export interface HostileText {
  readonly name: string;
  /** As it stands in a frame. */
  readonly bytes: Buffer;
  /** As it stands in a JSON document, quotes included. */
  readonly json: Buffer;
  readonly isUtf8: boolean;
}

/** The longest text that a frame can hold. */
const LONG = "x".repeat(65_535);

export const HOSTILE_TEXTS: readonly HostileText[] = [
  ...Object.entries({
    empty: "",
    blank: " \t",
    at: "@",
    "at behind": "a@",
    "at before": "@b",
    "at twice": "a@b@c",
    hash: "#",
    ampersand: "a&b",
    bar: "a|b",
    NUL: "\0",
    "NUL inside": "a\0b",
    "64 KB": LONG,
    emoji: "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "right to left": "\u202eabc\u202d",
    prototype: "__proto__",
    constructor: "constructor",
    "path traversal": "../../../etc/passwd",
    "line break": "a\r\nb: c",
    "command suffix": "____cmd",
    "a command log": "x____cmd",
    "the system account": "____system",
    "the system device": "____device",
    "the manager": "____manager",
  }).map(([name, text]) => {
    return { name, bytes: Buffer.from(text), json: Buffer.from(JSON.stringify(text)), isUtf8: true };
  }),
  raw("invalid UTF-8", "fffe80"),
  raw("overlong NUL", "c080"),
  raw("half a character", "f09f98"),
  raw("a surrogate as bytes", "eda080"),
  escaped("a lone surrogate", "\\ud800"),
  escaped("a surrogate pair the wrong way round", "\\udc00\\ud800"),
  escaped("a surrogate after text", "abc\\udfff"),
];

function raw(name: string, hex: string): HostileText {
  const bytes = Buffer.from(hex, "hex");
  return { name, bytes, json: Buffer.concat([Buffer.from('"'), bytes, Buffer.from('"')]), isUtf8: false };
}
/** There is no such text in UTF-8: on the wire the surrogates stand as three bytes each. */
function escaped(name: string, json: string): HostileText {
  const text = JSON.parse(`"${json}"`) as string;
  const bytes = Buffer.concat(
    Array.from({ length: text.length }, (_, index) => {
      const unit = text.charCodeAt(index);
      if (unit < 0x80) return Buffer.from([unit]);
      return Buffer.from([0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]);
    }),
  );
  return { name, bytes, json: Buffer.from(`"${json}"`), isUtf8: false };
}
