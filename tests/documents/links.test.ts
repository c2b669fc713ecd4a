/** Every link from one page of the repository to another leads somewhere. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));

function pages(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(CHECKOUT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md") && !name.includes("node_modules"))
      .map((name) => join(folder, name));
  const top = readdirSync(CHECKOUT).filter((name) => name.endsWith(".md"));
  return [...top, ...below("docs"), ...below("examples")];
}

/** As GitHub names the headings of a page. */
function anchors(page: string): Set<string> {
  const headings = [...readFileSync(page, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

test.each(pages())("the links of %s", (page) => {
  const text = readFileSync(join(CHECKOUT, page), "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link!)
    .filter((link) => !/^https?:/.test(link));
  const broken = links.filter((link) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? join(CHECKOUT, page) : resolve(CHECKOUT, dirname(page), path);
    return !existsSync(target) || (anchor !== undefined && !anchors(target).has(anchor));
  });
  expect(broken).toEqual([]);
});
