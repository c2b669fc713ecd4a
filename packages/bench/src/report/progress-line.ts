/** One line of the terminal that is written over; in a file or a pipe, only what stays. */
export class ProgressLine {
  readonly #isTerminal: boolean = process.stderr.isTTY === true;

  show(text: string): void {
    if (this.#isTerminal) process.stderr.write(`\r\x1b[2K${text}`);
  }

  /** A line that stays. */
  say(text: string): void {
    if (this.#isTerminal) process.stderr.write("\r\x1b[2K");
    process.stdout.write(`${text}\n`);
  }
}
