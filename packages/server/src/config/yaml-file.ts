/**
 * Turns the text of a configuration file into settings: dotted key, value as text, and the line where it stood. Knows
 * YAML and which groups exist, but no kinds of values. Keys may be nested, dotted, or both.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { isGroup } from "./keys.ts";

export interface Setting {
  /** As written. */
  readonly key: string;
  /** A list's items, or null for a map where none can stand. */
  readonly value: string | readonly string[] | null;
  /** `wk.yaml:3`, `environment`, `command line`. */
  readonly where: string;
}

export interface ConfigError {
  readonly where: string;
  /** Empty when the file as a whole cannot be read. */
  readonly key: string;
  readonly problem: string;
}

export interface YamlFile {
  readonly settings: readonly Setting[];
  readonly errors: readonly ConfigError[];
}

export function readYamlFile(path: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "silent" });
  const at = (offset: number): string => `${path}:${lines.linePos(offset).line}`;
  // One mistake makes YAML report others behind it; only the first one helps.
  const [broken] = document.errors;
  if (broken !== undefined) {
    return { settings: [], errors: [{ where: at(broken.pos[0]), key: "", problem: `not YAML: ${broken.message}` }] };
  }

  const settings: Setting[] = [];
  const resolve = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  /** Walks known groups only, so neither depth nor aliases can make it endless. */
  const walk = (map: unknown, prefix: string): void => {
    if (!isMap(map)) return;
    for (const { key: keyNode, value: valueNode } of map.items) {
      const key = prefix + scalarText(keyNode);
      const value = resolve(valueNode);
      if (isMap(value) && isGroup(key)) {
        walk(value, `${key}.`);
        continue;
      }
      const where = isScalar(keyNode) && keyNode.range ? at(keyNode.range[0]) : path;
      if (isSeq(value)) settings.push({ key, value: value.items.map((item) => scalarText(resolve(item))), where });
      else settings.push({ key, value: isMap(value) ? null : scalarText(value), where });
    }
  };

  const contents = resolve(document.contents);
  if (isSeq(contents) || scalarText(contents) !== "") {
    return { settings, errors: [{ where: path, key: "", problem: "not a map of keys and values" }] };
  }
  walk(contents, "");
  return { settings, errors: [] };
}

/** Numbers and booleans as they were written; nothing for null. */
function scalarText(node: unknown): string {
  if (!isScalar(node) || node.value === null || node.value === undefined) return "";
  return typeof node.value === "string" ? node.value : (node.source ?? "");
}
