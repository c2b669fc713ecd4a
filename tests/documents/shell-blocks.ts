/**
 * The commands of a Markdown page: its code blocks of the language `sh`. A word behind it says how one is run:
 * `sh keeps-running` is typed in a terminal of its own and goes on until the reader stops it.
 */
export interface ShellBlock {
  readonly commands: string;
  readonly keepsRunning: boolean;
  /** Of its first command in the page, from 1. */
  readonly line: number;
}

const FENCE = /^```(.*)$/;
const KEEPS_RUNNING = "sh keeps-running";

export function shellBlocks(page: string): ShellBlock[] {
  const blocks: ShellBlock[] = [];
  let open: { readonly info: string; readonly line: number; readonly lines: string[] } | undefined;
  for (const [index, line] of page.split("\n").entries()) {
    const info = FENCE.exec(line.trimStart())?.[1]?.trim();
    if (info === undefined) open?.lines.push(line);
    else if (open === undefined) open = { info, line: index + 2, lines: [] };
    else {
      if (open.info === "sh" || open.info === KEEPS_RUNNING) {
        blocks.push({
          commands: open.lines.join("\n"),
          keepsRunning: open.info === KEEPS_RUNNING,
          line: open.line,
        });
      } else if (/^(sh|bash|shell|console)\b/.test(open.info))
        throw new Error(`a block of an unknown kind: ${open.info}`);
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`the block in line ${open.line} has no end`);
  return blocks;
}
