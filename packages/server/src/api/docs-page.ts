/**
 * The page at /docs: the API to read, from the OpenAPI document. One file without scripts or anything from elsewhere, so
 * that it works in a closed network. Everything that comes from the document is escaped.
 */
import { type DocsAnswer, type DocsField, type DocsOutline, type DocsRoute, docsOutline } from "./docs-outline.ts";
import { DOCS_STYLE } from "./docs-style.ts";
import type { DocsType } from "./docs-type.ts";
import type { OpenApiDocument } from "./openapi.ts";

export function docsPage(document: OpenApiDocument): string {
  const outline = docsOutline(document);
  const title = `${escaped(outline.title)} HTTP API`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${DOCS_STYLE}</style>
</head>
<body>
<nav>${contents(outline)}</nav>
<main>
<h1>${title}</h1>
${outline.paragraphs.map(paragraph).join("\n")}
<p><a href="/openapi.json">openapi.json</a> is the same for programs.</p>
<section id="errors">
<h2>Errors</h2>
<p>What any route may answer, beside what stands at the route.</p>
${answerTable(outline.errors)}
</section>
${outline.sections
  .map(
    (section) => `<section id="${slug(section.name)}">
<h2>${escaped(section.name)}</h2>
${paragraph(section.description)}
${section.routes.map(article).join("\n")}
</section>`,
  )
  .join("\n")}
<section id="shapes">
<h2>Shapes</h2>
<p>What answers are made of.</p>
${outline.shapes
  .map(
    ({ name, fields }) => `<details class="route" id="${shapeId(name)}" open>
<summary><code>${escaped(name)}</code></summary>
<div class="body">${fieldTable(fields, false)}</div>
</details>`,
  )
  .join("\n")}
</section>
</main>
</body>
</html>
`;
}

function contents(outline: DocsOutline): string {
  const list = outline.sections
    .map(
      (section) => `<li><a href="#${slug(section.name)}">${escaped(section.name)}</a>
<ul>${section.routes.map((route) => `<li><a href="#${escaped(route.id)}">${breakable(route.path)}</a></li>`).join("")}</ul></li>`,
    )
    .join("\n");
  return `<ul><li><a href="#errors">Errors</a></li>${list}<li><a href="#shapes">Shapes</a></li></ul>`;
}

/** A link leads into the closed part, because that is what makes a browser open it. */
function article(route: DocsRoute): string {
  const method = escaped(route.method);
  return `<details class="route">
<summary><span class="method ${method.toLowerCase()}">${method}</span> <code>${breakable(route.path)}</code> <span class="about">${escaped(route.summary)}</span></summary>
<div class="body" id="${escaped(route.id)}">
${route.details === "" ? "" : paragraph(route.details)}
${notes(route)}
${route.fields.length === 0 ? "" : `<h3>Request</h3>\n${fieldTable(route.fields, true)}`}
<h3>Answers</h3>
${answerTable(route.answers)}
${route.errorStatuses.length === 0 ? "" : `<p><a href="#errors">Errors</a>: ${escaped(route.errorStatuses.join(", "))}</p>`}
${route.answers
  .filter(({ fields }) => fields.length > 0)
  .map((answer) => `<h3>Fields of ${escaped(answer.status)}</h3>\n${fieldTable(answer.fields, false)}`)
  .join("\n")}
${refusalList(route.refusals)}
${route.example === undefined ? "" : exampleBlock(route.example)}
</div>
</details>`;
}

function refusalList(refusals: readonly string[]): string {
  if (refusals.length === 0) return "";
  const items = refusals.map((text) => `<li><code>${escaped(text)}</code></li>`);
  return `<h3>What 400 says</h3>\n<ul>${items.join("")}</ul>`;
}

function notes({ ports, needsToken }: DocsRoute): string {
  const all = [ports, needsToken ? "" : "Needs no token."].filter((note) => note !== "");
  return all.length === 0 ? "" : paragraph(all.join(" "));
}

function exampleBlock({ request, answer }: NonNullable<DocsRoute["example"]>): string {
  return `<h3>Example</h3>
<pre><code>${escaped(request)}</code></pre>
<pre class="answer"><code>${escaped(answer)}</code></pre>`;
}

function fieldTable(fields: readonly DocsField[], isRequest: boolean): string {
  const rows = fields.map((field) => {
    const place = isRequest && field.place !== "body" ? ` <small>${escaped(field.place)}</small>` : "";
    const needed = isRequest && field.isNeeded ? ' <small class="needed">needed</small>' : "";
    const optional = !isRequest && !field.isNeeded ? " <small>may be missing</small>" : "";
    return `<tr><td><code>${breakable(field.name)}</code>${place}${needed}${optional}</td><td>${typeHtml(field.type)}</td><td>${escaped(field.about)}</td></tr>`;
  });
  return `<table><thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

function answerTable(answers: readonly DocsAnswer[]): string {
  const rows = answers.map(
    ({ status, about, type }) =>
      `<tr><td><code>${escaped(status)}</code></td><td>${typeHtml(type)}</td><td>${escaped(about)}</td></tr>`,
  );
  return `<table class="statuses"><thead><tr><th>Status</th><th>Body</th><th>Meaning</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

function typeHtml(type: DocsType): string {
  return type
    .map((part) =>
      typeof part === "string" ? escaped(part) : `<a href="#${shapeId(part.shape)}">${escaped(part.shape)}</a>`,
    )
    .join("");
}

function paragraph(text: string): string {
  return `<p>${escaped(text)}</p>`;
}

/** A long name may break behind its separators. */
function breakable(text: string): string {
  return escaped(text).replaceAll(/[/._]/g, "$&<wbr>");
}

function shapeId(name: string): string {
  return `shape-${slug(name)}`;
}

function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
