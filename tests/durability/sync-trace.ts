/**
 * Reads what strace wrote of a server process and says which acknowledgements left before the sync that covers their
 * message. It knows three things of bytes: LevelDB's log records, the frames of WKProto, the answer of /message/send.
 * An acknowledgement counts as leaving when its write *begins*; a sync covers what was written before *it* began, and
 * counts when it has *ended* well. Made for `strace -f -yy -xx` with whole strings.
 */
import { FrameDecoder, int64ToBigInt, LATEST_VERSION, PacketType, Reason } from "@wukong-ts/protocol";

export interface TraceQuestion {
  readonly tcpPort: number;
  readonly httpPort: number;
  /** What a stored message can be recognised by (`~mark:…`, all of one length), for each id that was acknowledged. */
  readonly markOf: ReadonlyMap<bigint, string>;
}
export interface TraceFindings {
  /** Acknowledgements that left after their message was synced. */
  readonly covered: { readonly sendack: number; readonly http: number };
  readonly violations: readonly string[];
  readonly syncs: number;
}

/** One system call: lines of its begin and end in the trace. */
interface Call {
  readonly name: string;
  /** What -yy says of the descriptor: a path or the two ends of a connection. */
  readonly on: string;
  readonly bytes: Buffer;
  readonly began: number;
  readonly ended: number;
  /** undefined: the trace ends before the call does. */
  readonly result: number | undefined;
}

/** A message in a log file, and when it was there for sure. */
interface Stored {
  writtenAt: number;
  syncedAt: number;
}

const SYNCS = new Set(["fsync", "fdatasync"]);

export function examine(trace: string, question: TraceQuestion): TraceFindings {
  const calls = readCalls(trace);
  const stored = findStored(calls, question.markOf);
  const covered = { sendack: 0, http: 0 };
  const violations: string[] = [];
  const judge = (kind: "sendack" | "http", id: bigint, leftAt: number): void => {
    const mark = question.markOf.get(id);
    if (mark === undefined) {
      // Over HTTP the harness sends as well, to see whether the server is ready.
      if (kind === "sendack") violations.push(`${kind} of ${id}, which no sender knows`);
      return;
    }
    const message = stored.get(mark);
    if (message === undefined) violations.push(`${kind} of ${id}: its message was never written to a log`);
    else if (message.writtenAt > leftAt) violations.push(`${kind} of ${id}: its message was written later`);
    else if (message.syncedAt > leftAt) violations.push(`${kind} of ${id}: its message was written and not yet synced`);
    else covered[kind]++;
  };
  for (const { id, leftAt } of findSendacks(calls, question.tcpPort)) judge("sendack", id, leftAt);
  for (const { id, leftAt } of findHttpAnswers(calls, question.httpPort)) judge("http", id, leftAt);
  return { covered, violations, syncs: calls.filter((call) => SYNCS.has(call.name)).length };
}

/** In the order in which they began. */
function readCalls(trace: string): Call[] {
  const calls: Call[] = [];
  const unfinished = new Map<string, { readonly text: string; readonly began: number }>();
  const add = (text: string, began: number, ended: number): void => {
    const head = /^(\w+)\(\d+<((?:->|[^>"])*)>/.exec(text);
    if (head === null) return;
    const result = / = (-?\d+)/.exec(text.slice(text.lastIndexOf(")")))?.[1];
    const count = result === undefined ? undefined : Number(result);
    const bytes = SYNCS.has(head[1]!) ? Buffer.alloc(0) : bytesOf(text).subarray(0, Math.max(count ?? Infinity, 0));
    calls.push({ name: head[1]!, on: plainText(head[2]!), bytes, began, ended, result: count });
  };
  for (const [line, text] of trace.split("\n").entries()) {
    const parts = /^(\d+)\s+(.*)$/.exec(text);
    if (parts === null) continue;
    const [, thread, what] = parts as unknown as [string, string, string];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(what);
    if (resumed !== null) {
      const begun = unfinished.get(thread);
      unfinished.delete(thread);
      if (begun !== undefined) add(begun.text + resumed[1]!, begun.began, line);
    } else if (what.endsWith("<unfinished ...>")) {
      unfinished.set(thread, { text: what.slice(0, -"<unfinished ...>".length), began: line });
    } else add(what, line, line);
  }
  for (const { text, began } of unfinished.values()) add(text, began, Infinity);
  return calls.sort((a, b) => a.began - b.began);
}

/** All strings of a call, one behind the other: those of a writev are one stream. */
function bytesOf(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const [, hex] of text.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)) parts.push(fromHex(hex!));
  if (text.includes('"...')) throw new Error("strace cut a string: give it a larger -s");
  return Buffer.concat(parts);
}
function fromHex(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll("\\x", ""), "hex");
}
/** With -xx names are escaped as well. */
function plainText(name: string): string {
  return name.includes("\\x") ? fromHex(name).toString() : name;
}

/** A LevelDB log is blocks of 32 KB holding records in fragments: crc u32, length u16, type u8 (1 whole, 2 first, 3 middle, 4 last). */
const BLOCK_BYTES = 32_768;
const FRAGMENT_HEAD_BYTES = 7;
const WHOLE = 1;
const LAST = 4;

function findStored(calls: readonly Call[], markOf: ReadonlyMap<bigint, string>): Map<string, Stored> {
  const marks = new Set(markOf.values());
  const length = Math.max(0, ...Array.from(marks, (mark) => mark.length));
  const stored = new Map<string, Stored>();
  const logs = new Map<string, Call[]>();
  for (const call of calls) {
    if (!call.on.endsWith(".log")) continue;
    const ofLog = logs.get(call.on);
    if (ofLog === undefined) logs.set(call.on, [call]);
    else ofLog.push(call);
  }
  for (const ofLog of logs.values()) {
    const writes = ofLog.filter((call) => call.bytes.length > 0);
    const syncs = ofLog.filter((call) => SYNCS.has(call.name) && call.result === 0);
    for (const { record, writtenAt } of readLog(writes)) {
      const syncedAt = Math.min(Infinity, ...syncs.filter((sync) => sync.began >= writtenAt).map((sync) => sync.ended));
      const text = record.toString("latin1");
      for (let at = text.indexOf("~mark:"); at >= 0; at = text.indexOf("~mark:", at + 1)) {
        const mark = text.slice(at, at + length);
        if (marks.has(mark) && !stored.has(mark)) stored.set(mark, { writtenAt, syncedAt });
      }
    }
  }
  return stored;
}

/** The records of one log file, each with the end of the write that completed it. */
function readLog(writes: readonly Call[]): { readonly record: Buffer; readonly writtenAt: number }[] {
  const bytes = Buffer.concat(writes.map((write) => write.bytes));
  const ends: { readonly at: number; readonly line: number }[] = [];
  let total = 0;
  for (const write of writes) {
    total += write.bytes.length;
    ends.push({ at: total, line: write.ended });
  }
  const records: { readonly record: Buffer; readonly writtenAt: number }[] = [];
  let fragments: Buffer[] = [];
  let write = 0;
  for (let position = 0; ; ) {
    const leftInBlock = BLOCK_BYTES - (position % BLOCK_BYTES);
    if (leftInBlock < FRAGMENT_HEAD_BYTES) {
      position += leftInBlock;
      continue;
    }
    if (position + FRAGMENT_HEAD_BYTES > bytes.length) return records;
    const end = position + FRAGMENT_HEAD_BYTES + bytes.readUInt16LE(position + 4);
    if (end > bytes.length) return records;
    const type = bytes[position + 6];
    fragments.push(bytes.subarray(position + FRAGMENT_HEAD_BYTES, end));
    position = end;
    if (type !== WHOLE && type !== LAST) continue;
    while (ends[write]!.at < end) write++;
    records.push({ record: Buffer.concat(fragments), writtenAt: ends[write]!.line });
    fragments = [];
  }
}

interface Acknowledgement {
  readonly id: bigint;
  readonly leftAt: number;
}

function findSendacks(calls: readonly Call[], port: number): Acknowledgement[] {
  const found: Acknowledgement[] = [];
  const streams = new Map<string, { readonly decoder: FrameDecoder; frameBegan: number }>();
  for (const call of calls) {
    if (!isConnectionOf(call, port)) continue;
    let stream = streams.get(call.on);
    if (stream === undefined) {
      const decoder = new FrameDecoder({ frameBytesMax: 1 << 26, version: LATEST_VERSION });
      stream = { decoder, frameBegan: call.began };
      streams.set(call.on, stream);
    }
    if (stream.decoder.bufferedBytes === 0) stream.frameBegan = call.began;
    stream.decoder.push(call.bytes);
    for (let frame = stream.decoder.next(); frame !== undefined; frame = stream.decoder.next()) {
      if (frame.type === PacketType.connack && frame.reason === Reason.success)
        stream.decoder.version = frame.serverVersion ?? LATEST_VERSION;
      if (frame.type === PacketType.sendack && frame.reason === Reason.success)
        found.push({ id: int64ToBigInt(frame.messageId), leftAt: stream.frameBegan });
      stream.frameBegan = call.began;
    }
  }
  return found;
}

function findHttpAnswers(calls: readonly Call[], port: number): Acknowledgement[] {
  const found: Acknowledgement[] = [];
  for (const call of calls) {
    if (!isConnectionOf(call, port)) continue;
    // Small answers: one write holds the whole of each.
    for (const [, id] of call.bytes.toString("latin1").matchAll(/"message_id":(\d+)[^{}]*"message_seq":[1-9]/g))
      found.push({ id: BigInt(id!), leftAt: call.began });
  }
  return found;
}

function isConnectionOf(call: Call, localPort: number): boolean {
  return call.bytes.length > 0 && new RegExp(`^TCP(v6)?:\\[\\S*:${localPort}->`).test(call.on);
}
