/** The reader of traces sees what it is for: each doctored trace below must be told from the honest one. */
import { encodeFrame, int64FromBigInt, PacketType } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { examine, type TraceFindings } from "./sync-trace.ts";

const ID = 2_125_246_513_662_562_304n;
const MARK = "~mark:a~";
const LOG = "21</data/db/000003.log>";
const CLIENT = "30<TCP:[127.0.0.1:5100->127.0.0.1:40000]>";
const BROWSER = "31<TCP:[127.0.0.1:5001->127.0.0.1:40001]>";
const COVERED = { sendack: 1, http: 0 };

function escaped(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").replaceAll(/../g, "\\x$&");
}
function write(on: string, bytes: Uint8Array): string {
  return `write(${on}, "${escaped(bytes)}", ${bytes.length}) = ${bytes.length}`;
}
/** One LevelDB record, in fragments of at most `fragmentBytes`. */
function record(text: string, fragmentBytes = 1_000): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < text.length; at += fragmentBytes) {
    const part = Buffer.from(text.slice(at, at + fragmentBytes));
    const isFirst = at === 0;
    const isLast = at + fragmentBytes >= text.length;
    const head = Buffer.alloc(7);
    head.writeUInt16LE(part.length, 4);
    head[6] = isFirst && isLast ? 1 : isFirst ? 2 : isLast ? 4 : 3;
    parts.push(head, part);
  }
  return Buffer.concat(parts);
}
const sendackBytes = encodeFrame(
  { type: PacketType.sendack, flags: 0, messageId: int64FromBigInt(ID), clientSeq: 1, messageSeq: 1, reason: 1 },
  5,
);
const STORE = `200 ${write(LOG, record(`key value ${MARK} more`))}`;
const SYNC = `200 fdatasync(${LOG}) = 0`;
const ACK = `100 ${write(CLIENT, sendackBytes)}`;

function found(...lines: string[]): TraceFindings {
  return examine(lines.join("\n"), { tcpPort: 5100, httpPort: 5001, markOf: new Map([[ID, MARK]]) });
}

describe("the reader of traces", () => {
  test("accepts write, sync, acknowledge", () => {
    expect(found(STORE, SYNC, ACK)).toEqual({ covered: COVERED, violations: [], syncs: 1 });
    expect(found(STORE, `200 fsync(${LOG}) = 0`, ACK).covered).toEqual(COVERED);
  });

  test("accepts names that are escaped, and calls of several threads that interleave", () => {
    const log = `21<${escaped(Buffer.from("/data/db/000003.log"))}>`;
    const lines = [
      `200 write(${log}, "${escaped(record(MARK))}", 15 <unfinished ...>`,
      '300 write(1</dev/null>, "", 0) = 0',
      "200 <... write resumed>) = 15",
      `201 fdatasync(${log} <unfinished ...>`,
      '300 write(1</dev/null>, "", 0) = 0',
      "201 <... fdatasync resumed>) = 0",
      ACK,
    ];
    expect(found(...lines)).toEqual({ covered: COVERED, violations: [], syncs: 1 });
  });

  test("accepts a mark that lies across fragments, writes and buffers of a writev", () => {
    const bytes = record(`before ${MARK} after`, 10);
    const half = Math.ceil(bytes.length / 2);
    const parts = [bytes.subarray(0, half), bytes.subarray(half)].map((part) => `200 ${write(LOG, part)}`);
    const vector = [sendackBytes.subarray(0, 5), sendackBytes.subarray(5)]
      .map((part) => `{iov_base="${escaped(part)}", iov_len=${part.length}}`)
      .join(", ");
    const ack = `100 writev(${CLIENT}, [${vector}], 2) = ${sendackBytes.length}`;
    expect(found(...parts, SYNC, ack).covered).toEqual(COVERED);
    expect(found(parts[0]!, SYNC, parts[1]!, ack).violations, "synced before it was whole").toHaveLength(1);
  });

  for (const [name, lines] of Object.entries({
    "no sync": [STORE, ACK],
    "a sync after the acknowledgement": [STORE, ACK, SYNC],
    "a sync before the write": [SYNC, STORE, ACK],
    "a sync that began before the write ended": [
      `201 fdatasync(${LOG} <unfinished ...>`,
      STORE,
      "201 <... fdatasync resumed>) = 0",
      ACK,
    ],
    "a sync that had not ended": [
      STORE,
      `201 fdatasync(${LOG} <unfinished ...>`,
      ACK,
      "201 <... fdatasync resumed>) = 0",
    ],
    "a sync that failed": [STORE, `200 fdatasync(${LOG}) = -1 EIO (Input/output error)`, ACK],
    "a sync of another file": [STORE, "200 fdatasync(22</data/db/000002.log>) = 0", ACK],
    "a write of something else": [`200 ${write(LOG, record("key value ~mark:b~"))}`, SYNC, ACK],
    "an acknowledgement before the write": [ACK, STORE, SYNC],
    "an acknowledgement that began before the sync and ended after it": [
      STORE,
      `100 write(${CLIENT}, "${escaped(sendackBytes)}", ${sendackBytes.length} <unfinished ...>`,
      SYNC,
      `100 <... write resumed>) = ${sendackBytes.length}`,
    ],
    "an acknowledgement whose first bytes left too early": [
      STORE,
      `100 ${write(CLIENT, sendackBytes.subarray(0, 6))}`,
      SYNC,
      `100 ${write(CLIENT, sendackBytes.subarray(6))}`,
    ],
  }))
    test(`tells ${name}`, () => {
      expect(found(...lines)).toMatchObject({
        covered: { sendack: 0 },
        violations: [expect.stringContaining(String(ID))],
      });
    });

  test("tells an acknowledgement of a message that nobody sent", () => {
    expect(examine(ACK, { tcpPort: 5100, httpPort: 5001, markOf: new Map() }).violations).toHaveLength(1);
  });

  test("judges answers of /message/send in the same way", () => {
    const answer = Buffer.from(
      `HTTP/1.1 200 OK\r\n\r\n{"data":{"client_msg_no":"n","message_id":${ID},"message_seq":1,"reason":1}}`,
    );
    const told = `100 ${write(BROWSER, answer)}`;
    expect(found(STORE, SYNC, told)).toMatchObject({ covered: { sendack: 0, http: 1 }, violations: [] });
    expect(found(STORE, told, SYNC).violations).toHaveLength(1);
  });
});
