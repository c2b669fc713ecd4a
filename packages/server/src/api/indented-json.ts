/** JSON for readers: what fits into a line stays in one. */
import { type JsonValue, writeJson } from "./json-writer.ts";

const LINE_CHARACTERS = 100;

export function indentedJson(value: JsonValue, indent = ""): string {
  const flat = writeJson(value);
  if (flat.length + indent.length <= LINE_CHARACTERS || typeof value !== "object" || value === null)
    return spaced(flat);
  const deeper = `${indent}  `;
  if (Array.isArray(value))
    return `[\n${value.map((item) => deeper + indentedJson(item, deeper)).join(",\n")}\n${indent}]`;
  const members = Object.entries(value).map(
    ([name, member]) => `${deeper}${JSON.stringify(name)}: ${indentedJson(member, deeper)}`,
  );
  return `{\n${members.join(",\n")}\n${indent}}`;
}

/** With a blank behind each colon and comma that is no part of a text. */
function spaced(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|[:,]/g, (part) => (part.length === 1 ? `${part} ` : part));
}
