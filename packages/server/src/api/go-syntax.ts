/**
 * JSON text as Go's decoder reads it: the first value of the text and no more, with Go's words for what is wrong.
 * Nothing here recurses, so no nesting can exhaust the stack.
 */

/** The request is not what the route takes; the text is for the caller. */
export class GoJsonError extends Error {
  override readonly name = "GoJsonError";
}

const DEPTH_MAX = 10_000;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** A backslash or a control character. */
const ESCAPED = /\\|[^ -\uffff]/;

export type ValueStart = "null" | "string" | "object" | "array" | "number" | "bool";

export class GoSyntax {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What the next value is; the place is its first character. */
  valueStart(): ValueStart {
    const code = this.#next();
    if (code === QUOTE) return "string";
    if (code === OPEN_OBJECT) return "object";
    if (code === OPEN_ARRAY) return "array";
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return "number";
    if (code === 0x6e) return "null";
    if (code === 0x74 || code === 0x66) return "bool";
    throw this.#unexpected("looking for beginning of value");
  }

  /** Only white space is left. */
  isEmpty(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  /** Takes the opening brace; false: the object is empty and over. */
  enterObject(): boolean {
    this.#at++;
    if (this.#next() !== CLOSE_OBJECT) return true;
    this.#at++;
    return false;
  }

  /** A key and its colon. */
  key(): string {
    if (this.#next() !== QUOTE) throw this.#unexpected("looking for beginning of object key string");
    const key = this.string();
    if (this.#next() !== COLON) throw this.#unexpected("after object key");
    this.#at++;
    return key;
  }

  /** After a value: true if another key follows. */
  moreInObject(): boolean {
    return this.#more(CLOSE_OBJECT, "after object key:value pair");
  }

  enterArray(): boolean {
    this.#at++;
    if (this.#next() !== CLOSE_ARRAY) return true;
    this.#at++;
    return false;
  }

  moreInArray(): boolean {
    return this.#more(CLOSE_ARRAY, "after array element");
  }

  /** The text of a string; may hold lone surrogates, written as escapes. */
  string(): string {
    const text = this.#text;
    const start = this.#at + 1;
    const end = text.indexOf('"', start);
    if (end !== -1) {
      const plain = text.slice(start, end);
      if (!ESCAPED.test(plain)) {
        this.#at = end + 1;
        return plain;
      }
    }
    return this.#escapedString();
  }

  /** The digits as they stand there. */
  number(): string {
    NUMBER.lastIndex = this.#at;
    const digits = NUMBER.exec(this.#text)?.[0];
    if (digits === undefined) {
      this.#at++;
      throw this.#unexpected("in numeric literal");
    }
    this.#at += digits.length;
    const rest = this.#text[this.#at];
    if (rest === "." && !/[.eE]/.test(digits)) {
      this.#at++;
      throw this.#unexpected("after decimal point in numeric literal");
    }
    if ((rest === "e" || rest === "E") && !/[eE]/.test(digits)) {
      this.#at++;
      const sign = this.#text[this.#at];
      if (sign === "+" || sign === "-") this.#at++;
      throw this.#unexpected("in exponent of numeric literal");
    }
    return digits;
  }

  /** null, true or false. */
  literal(): "null" | "true" | "false" {
    const first = this.#text[this.#at];
    const word = first === "n" ? "null" : first === "t" ? "true" : "false";
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) throw this.#unexpected(`in literal ${word} (expecting '${letter}')`);
      this.#at++;
    }
    return word;
  }

  /** Past the next value, checked but not kept. */
  skipValue(): void {
    const open: number[] = [];
    do {
      this.#skipOne(open);
      while (open.length > 0) {
        const isObject = open.at(-1) === OPEN_OBJECT;
        if (isObject ? this.moreInObject() : this.moreInArray()) {
          if (isObject) this.key();
          break;
        }
        open.pop();
      }
    } while (open.length > 0);
  }

  /** A whole scalar or empty container, or the opening of a container. */
  #skipOne(open: number[]): void {
    for (;;) {
      const start = this.valueStart();
      if (start === "string") this.string();
      else if (start === "number") this.number();
      else if (start === "null" || start === "bool") this.literal();
      else if (start === "object" ? this.enterObject() : this.enterArray()) {
        if (open.length >= DEPTH_MAX) throw new GoJsonError("exceeded max depth");
        open.push(start === "object" ? OPEN_OBJECT : OPEN_ARRAY);
        if (start === "object") this.key();
        continue;
      }
      return;
    }
  }

  #more(close: number, where: string): boolean {
    const code = this.#next();
    if (code !== COMMA && code !== close) throw this.#unexpected(where);
    this.#at++;
    return code === COMMA;
  }

  #escapedString(): string {
    const text = this.#text;
    const start = this.#at;
    let at = start + 1;
    for (;;) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code)) throw new GoJsonError("unexpected EOF");
      if (code === QUOTE) break;
      if (code < 0x20) {
        this.#at = at;
        throw this.#unexpected("in string literal");
      }
      if (code === BACKSLASH) {
        this.#at = at + 1;
        at = this.#checkEscape();
      } else at++;
    }
    this.#at = at + 1;
    return String(JSON.parse(text.slice(start, at + 1)));
  }

  /** The place is behind the backslash; returns the place behind the escape. */
  #checkEscape(): number {
    const letter = this.#text[this.#at];
    if (letter === undefined || !'"\\/bfnrtu'.includes(letter)) throw this.#unexpected("in string escape code");
    if (letter !== "u") return this.#at + 1;
    for (let digit = 0; digit < 4; digit++) {
      this.#at++;
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? ""))
        throw this.#unexpected("in \\u hexadecimal character escape");
    }
    return this.#at + 1;
  }

  /** The code of the next character that is no white space. */
  #next(): number {
    this.#skipSpace();
    const code = this.#text.charCodeAt(this.#at);
    if (Number.isNaN(code)) throw new GoJsonError("unexpected EOF");
    return code;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #unexpected(where: string): GoJsonError {
    const character = this.#text.codePointAt(this.#at);
    if (character === undefined) return new GoJsonError("unexpected EOF");
    return new GoJsonError(`invalid character ${quoted(character)} ${where}`);
  }
}

/** Go looks at bytes: of a wide character it names the first one. */
function quoted(character: number): string {
  if (character === 0x27) return "'\\''";
  if (character === QUOTE) return "'\"'";
  const byte = Buffer.from(String.fromCodePoint(character))[0] ?? 0;
  const named = { 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 92: "\\" }[byte];
  if (named !== undefined) return `'\\${named}'`;
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, "0")}'`;
  return `'${String.fromCharCode(byte)}'`;
}
