/**
 * JSON answers as text. 64-bit ids must come out as bare numbers, which `JSON.stringify` cannot do; the hot answers
 * (messages, chats) are put together by hand and only their texts and lists come from here.
 */
import type { Timers } from "../world/world.ts";

export type JsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Items that are written before other work gets its turn: about a millisecond of messages. */
const SLICE_ITEMS = 500;

/** Our own values only: it recurses. Keys keep their order. */
export function writeJson(value: JsonValue): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(writeJson).join(",")}]`;
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`);
  return `{${members.join(",")}}`;
}

/** A quoted string. */
export function writeText(text: string): string {
  return JSON.stringify(text);
}

/** A list that may be long: written in slices. */
export async function writeList<Item>(
  items: readonly Item[],
  write: (item: Item) => string,
  timers: Pick<Timers, "soon">,
): Promise<string> {
  let text = "[";
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % SLICE_ITEMS === 0) await new Promise<void>((resolve) => timers.soon(resolve));
    text += index === 0 ? write(item) : `,${write(item)}`;
  }
  return `${text}]`;
}

function isList(value: readonly JsonValue[] | { readonly [name: string]: JsonValue }): value is readonly JsonValue[] {
  return Array.isArray(value);
}
