import { expect, test } from "vitest";
import { shellBlocks } from "./shell-blocks.ts";

test("the shell blocks of a page, with their lines; other languages are no commands", () => {
  const page = [
    "# Title",
    "```sh",
    "one",
    "two",
    "```",
    "```yaml",
    "a: 1",
    "```",
    "1. ```sh keeps-running",
    "   x",
    "   ```",
  ];
  expect(shellBlocks(page.join("\n").replace("1. ```", "   ```"))).toEqual([
    { commands: "one\ntwo", keepsRunning: false, line: 3 },
    { commands: "   x", keepsRunning: true, line: 10 },
  ]);
});

test("a block that nobody would run, and one without an end, are mistakes of the page", () => {
  expect(() => shellBlocks("```bash\nx\n```")).toThrow("unknown kind: bash");
  expect(() => shellBlocks("```sh nonsense\nx\n```")).toThrow("unknown kind: sh nonsense");
  expect(() => shellBlocks("```sh\nx")).toThrow("has no end");
});
