import { encodeFrame, type Frame } from "@wukong-ts/protocol";
import { expect, test } from "vitest";
import { FrameScanner } from "./frame-scanner.ts";

const FRAMES: readonly Frame[] = [
  { type: 8 },
  { type: 4, flags: 2, messageId: { high: 1, low: 2 }, clientSeq: 3, messageSeq: 4, reason: 1 },
  { type: 9, reason: 12, text: "x".repeat(300) },
  { type: 8 },
  { type: 6, flags: 2, messageId: { high: 1, low: 2 }, messageSeq: 9 },
];

test("frames are found at any split, with their bodies", () => {
  const bytes = Buffer.concat(FRAMES.map((frame) => encodeFrame(frame, 5)));
  for (let split = 0; split <= bytes.length; split++) {
    for (const second of [split, Math.min(bytes.length, split + 1)]) {
      const found: string[] = [];
      const scanner = new FrameScanner({
        frame: (type, flags, body, start, end) => {
          found.push(`${type} ${flags} ${Buffer.from(body.subarray(start, end)).toString("hex")}`);
        },
      });
      for (const [from, to] of [
        [0, split],
        [split, second],
        [second, bytes.length],
      ] as const) {
        // As from a socket: the memory is used again.
        const chunk = Buffer.from(bytes.subarray(from, to));
        scanner.push(chunk, 0, chunk.length);
        chunk.fill(0xff);
      }
      expect(found.map((each) => each.split(" ")[0])).toEqual(["8", "4", "9", "8", "6"]);
      expect(found[1]).toBe("4 2 0000000100000002000000030000000401");
    }
  }
});

test("a length of more than four bytes is an error", () => {
  const scanner = new FrameScanner({ frame: () => undefined });
  expect(() => scanner.push(Buffer.from([0x50, 0xff, 0xff, 0xff, 0xff, 1]), 0, 6)).toThrow("malformed");
});
