import { expect, test } from "vitest";
import { shape, titled } from "./answer-schema.ts";
import { ok } from "./answers.ts";
import { route } from "./api-route.ts";
import { docsMarkdown } from "./docs-markdown.ts";
import { indentedJson } from "./docs-outline.ts";
import { docsPage } from "./docs-page.ts";
import { about, array, CHANNEL_ID, INT, object, UID } from "./json-schema.ts";
import { openApiDocument } from "./openapi.ts";
import { TestApi } from "./test-kit.ts";

const EVIL = `<script>alert("x")</script> & 'so' | on`;

const HOSTILE = openApiDocument([
  route({
    method: "POST",
    path: "/evil/:name",
    tag: "Server",
    summary: EVIL,
    details: EVIL,
    params: { name: about(UID, EVIL) },
    query: { [EVIL]: about(UID, EVIL) },
    body: object(`<b>${EVIL}`, { [EVIL]: about(INT, EVIL) }),
    answers: { 200: titled("Evil", shape({ [EVIL]: { const: EVIL } })) },
    example: { query: `?a=${EVIL}`, params: { name: EVIL }, body: { [EVIL]: 1 }, answer: { [EVIL]: EVIL } },
    handle: ok,
  }),
]);

test("nothing of the definitions becomes a tag of the page", () => {
  const page = docsPage(HOSTILE);
  expect(page).toContain("&#60;script&#62;alert(");
  expect(page).not.toMatch(/<script|<b>|"x"/);
});

test("nothing of the definitions ends a cell of the Markdown tables", () => {
  const rows = docsMarkdown(HOSTILE)
    .split("\n")
    .filter((line) => line.startsWith("|"));
  for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(4);
});

test("the page is HTML in one piece, with nothing from elsewhere and no scripts", async () => {
  const { status, type, text } = await new TestApi().get("/docs");
  expect({ status, type }).toEqual({ status: 200, type: "text/html; charset=utf-8" });
  expect(text).not.toMatch(/<(script|link|img|iframe|object)|@import|url\(|src=/i);
  const links = [...text.matchAll(/href="([^"]*)"/g)].map((match) => match[1] ?? "");
  expect(links.filter((link) => !link.startsWith("#"))).toEqual(["/openapi.json"]);
});

test("every link of the page leads to one place in it, and every place has one name", async () => {
  const { text } = await new TestApi().get("/docs");
  const ids = [...text.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]);
  expect(new Set(ids).size).toBe(ids.length);
  const links = [...text.matchAll(/href="#([^"]*)"/g)].map((match) => match[1]);
  expect(links.filter((link) => !ids.includes(link))).toEqual([]);
});

test("the page shows the fields, the answers, and the example of a route", async () => {
  const page = docsPage(
    openApiDocument([
      route({
        method: "GET",
        path: "/channel/:id",
        tag: "Channels",
        summary: "One channel",
        params: { id: about(CHANNEL_ID, "Its id.") },
        query: { count: INT },
        answers: { 200: shape({ uids: array(UID) }) },
        example: { params: { id: "a/b" }, query: "?count=2", answer: { uids: ["u"] } },
        handle: ok,
      }),
    ]),
  );
  expect(page).toContain("Its id.");
  expect(page).toContain("<code>uids</code>");
  expect(page).toContain("GET /channel/a%2Fb?count=2");
  expect(page).toContain("{&#34;uids&#34;: [&#34;u&#34;]}");
});

test.each([
  [{ a: 1, b: "x,y:z" }, '{"a": 1, "b": "x,y:z"}'],
  [12345678901234567890n, "12345678901234567890"],
  [{ text: "x".repeat(100) }, `{\n  "text": "${"x".repeat(100)}"\n}`],
  [["x".repeat(60), "y".repeat(60)], `[\n  "${"x".repeat(60)}",\n  "${"y".repeat(60)}"\n]`],
])("an example is written in lines of a readable length: case %#", (value, text) => {
  expect(indentedJson(value)).toBe(text);
});
