/**
 * The two documents that are made from the schema: the commented example (`docs/wk.example.yaml`) and the reference
 * (`docs/configuration.md`). Their test compares the committed files with what is made here.
 */
import { type Field, type FieldTree, isField } from "./field.ts";
import { INERT_KEYS } from "./inert-keys.ts";
import { KNOWN_KEYS } from "./keys.ts";
import { SCHEMA } from "./schema.ts";

const COLUMNS = 110;

/** Every key with its default, live: the file as it is changes nothing. */
export function exampleFile(): string {
  const head = [
    "Configuration of wukong-ts: every key with its default. Keep only what you change.",
    "The environment wins over this file: WK_ and the key in upper case with _ for each dot, as WK_CLUSTER_NODEID.",
    "Made from the schema by `wukongim config example`.",
  ];
  return `${head.map((line) => `# ${line}\n`).join("")}${exampleBranch(SCHEMA, "")}`;
}

function exampleBranch(tree: FieldTree, indent: string): string {
  return Object.entries(tree)
    .map(([key, node]) => {
      if (!isField(node)) return `\n${indent}${key}:${exampleBranch(node, `${indent}  `)}`;
      const comment = wrap(node.doc, COLUMNS - indent.length).map((line) => `${indent}# ${line}\n`);
      return `\n${comment.join("")}${indent}${key}: ${yamlText(node)}\n`;
    })
    .join("");
}

function yamlText(field: Field): string {
  const isText = field.kind === "text" || field.kind === "url" || field.kind === "address";
  return isText ? JSON.stringify(field.default) : field.default;
}

export function referencePage(): string {
  const limits = KNOWN_KEYS.filter((key) => key.name.startsWith("limits."));
  const others = KNOWN_KEYS.filter((key) => !key.name.startsWith("limits."));
  const table = (keys: typeof KNOWN_KEYS): string =>
    [
      "| Key | Environment | Default | Meaning |",
      "|---|---|---|---|",
      ...keys.map(
        ({ name, env, field }) =>
          `| \`${name}\` | \`${env}\` | ${field.default === "" ? "empty" : `\`${field.default}\``} | ${field.doc.replaceAll("|", "\\|")} |`,
      ),
    ].join("\n");
  return `# Configuration

<!-- Made from packages/server/src/config/schema.ts; do not edit. -->

Everything works without a file. \`wukongim --config wk.yaml\` reads one, with the keys of WuKongIM's \`wk.yaml\`, nested or
dotted, in any case of letters; [wk.example.yaml](wk.example.yaml) shows every key with its default.
Command line flags win over the environment, the environment over the file, the file over the defaults.

- Durations are numbers with units: \`500ms\`, \`60s\`, \`5m\`, \`720h\`, \`1h30m\`.
- Bytes are numbers, or numbers with \`KiB\`, \`MiB\` or \`GiB\`.
- Addresses are \`scheme://host:port\`, \`host:port\` or \`:port\`. \`off\` is no listener, port 0 any free port.
- An empty value is the same as no value.
- A key that is not known or a value that cannot be read stops the start; one line each says where it stands and what
  was expected. \`wukongim config check --config wk.yaml\` only checks.

## Keys

${table(others)}

## Limits

Every cache, queue and map that clients can make grow has a bound.

${table(limits)}

## Accepted without effect

These keys of WuKongIM may stay in a file or the environment. They do nothing here, and one warning at start names
those it met.

${wrap(INERT_KEYS.map((key) => `\`${key}\``).join(", "), COLUMNS + 10).join("\n")}
`;
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
