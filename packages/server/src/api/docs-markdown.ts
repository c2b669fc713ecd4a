/** docs/api.md: the same as the page at /docs, for reading in the repository. Its test keeps the file up to date. */
import { type DocsAnswer, type DocsField, type DocsRoute, docsOutline } from "./docs-outline.ts";
import type { DocsType } from "./docs-type.ts";
import type { OpenApiDocument } from "./openapi.ts";

export function docsMarkdown(document: OpenApiDocument): string {
  const outline = docsOutline(document);
  const parts = [
    `# HTTP API`,
    "<!-- Made from the route definitions in packages/server/src/api/routes; do not edit. -->",
    ...outline.paragraphs,
    "A running server shows this page at `/docs` and the OpenAPI 3.1 document at `/openapi.json`.",
    "## Errors",
    "What any route may answer, beside what stands at the route.",
    answerTable(outline.errors),
    ...outline.sections.flatMap((section) => [
      `## ${section.name}`,
      section.description,
      ...section.routes.flatMap(routeParts),
    ]),
    "## Shapes",
    "What answers are made of.",
    ...outline.shapes.flatMap(({ name, fields }) => [`### ${name}`, fieldTable(fields, false)]),
  ];
  return `${parts.join("\n\n")}\n`;
}

function routeParts(route: DocsRoute): string[] {
  return [
    `### ${route.method} ${route.path}`,
    [`${route.summary}.`, route.ports, route.needsToken ? "" : "Needs no token."]
      .filter((text) => text !== "")
      .join(" "),
    ...(route.details === "" ? [] : [route.details]),
    ...(route.fields.length === 0 ? [] : [fieldTable(route.fields, true)]),
    answerTable(route.answers),
    ...(route.errorStatuses.length === 0 ? [] : [`[Errors](#errors): ${route.errorStatuses.join(", ")}.`]),
    ...route.answers
      .filter(({ fields }) => fields.length > 0)
      .flatMap(({ status, fields }) => [`Fields of ${status}:`, fieldTable(fields, false)]),
    ...(route.refusals.length === 0 ? [] : [`400 says: ${route.refusals.map((text) => `\`${text}\``).join(" · ")}`]),
    ...(route.example === undefined
      ? []
      : [`\`\`\`http\n${route.example.request}\n\`\`\``, `\`\`\`json\n${route.example.answer}\n\`\`\``]),
  ];
}

function answerTable(answers: readonly DocsAnswer[]): string {
  const rows = answers.map(({ status, type, about }) => `| ${status} | ${typeText(type)} | ${cell(about)} |`);
  return ["| Status | Body | Meaning |", "|---|---|---|", ...rows].join("\n");
}

function fieldTable(fields: readonly DocsField[], isRequest: boolean): string {
  const rows = fields.map((field) => {
    const notes = [
      ...(isRequest && field.place !== "body" ? [field.place] : []),
      ...(isRequest && field.isNeeded ? ["needed"] : []),
      ...(!isRequest && !field.isNeeded ? ["may be missing"] : []),
    ];
    const note = notes.length === 0 ? "" : ` (${notes.join(", ")})`;
    return `| \`${cell(field.name)}\`${note} | ${typeText(field.type)} | ${cell(field.about)} |`;
  });
  return ["| Field | Type | Meaning |", "|---|---|---|", ...rows].join("\n");
}

function typeText(type: DocsType): string {
  return type
    .map((part) => (typeof part === "string" ? cell(part) : `[${part.shape}](#${part.shape.toLowerCase()})`))
    .join("");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
