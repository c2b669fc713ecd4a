import type { StoreStats } from "../../store/store.ts";
import { byKey, type Family } from "./family.ts";

export interface QueueStats {
  readonly queue: string;
  readonly length: number;
  readonly lengthMax: number;
  readonly bytes: number;
  readonly bytesMax: number;
}

export interface StoreMetrics extends StoreStats {
  readonly keyFilterBytesMax: number;
  /** Everything that waits between two parts of the server. */
  readonly queues: readonly QueueStats[];
}

const of =
  (value: (queue: QueueStats) => number) =>
  ({ queues }: StoreMetrics) =>
    queues.map((queue) => ({ labels: [queue.queue], value: value(queue) }));

export const STORE_FAMILIES: readonly Family<StoreMetrics>[] = [
  {
    name: "wk_store_writable",
    kind: "gauge",
    help: "1: the store takes writes. 0: it is read-only, until a failed write is overcome.",
    read: ({ isWritable }) => (isWritable ? 1 : 0),
  },
  {
    name: "wk_store_reopens_total",
    kind: "counter",
    help: "How often the store was opened again after a failed write.",
    read: ({ commit }) => commit.reopens,
  },
  {
    name: "wk_store_writes_total",
    kind: "counter",
    help: "Synced writes.",
    labels: ["result"],
    read: ({ commit }) => byKey({ ok: commit.writes, failed: commit.failedWrites }),
  },
  {
    name: "wk_store_messages_total",
    kind: "counter",
    help: "Messages made durable.",
    read: ({ commit }) => commit.messages,
  },
  {
    name: "wk_store_written_bytes_total",
    kind: "counter",
    help: "Keys and values made durable, before compression and compaction.",
    read: ({ commit }) => commit.writtenBytes,
  },
  {
    name: "wk_commit_seconds",
    kind: "histogram",
    help: "Of each synced write. queue: how long the oldest change in it had waited. write: the write with its sync.",
    labels: ["stage"],
    read: ({ commit }) => [
      { labels: ["queue"], value: commit.queueSeconds },
      { labels: ["write"], value: commit.writeSeconds },
    ],
  },
  {
    name: "wk_commit_batches",
    kind: "histogram",
    help: "Changes merged into one synced write.",
    read: ({ commit }) => commit.batchesPerWrite,
  },
  {
    name: "wk_commit_bytes",
    kind: "histogram",
    help: "Bytes of one synced write.",
    read: ({ commit }) => commit.bytesPerWrite,
  },
  {
    name: "wk_queue_length",
    kind: "gauge",
    help: "What waits. commit: changes for the disk. fan_out: messages to be pushed.",
    labels: ["queue"],
    read: of(({ length }) => length),
  },
  {
    name: "wk_queue_max_length",
    kind: "gauge",
    help: "Beyond it sends are refused with reason 22 (HTTP 503).",
    labels: ["queue"],
    read: of(({ lengthMax }) => lengthMax),
  },
  {
    name: "wk_queue_bytes",
    kind: "gauge",
    help: "The same in bytes.",
    labels: ["queue"],
    read: of(({ bytes }) => bytes),
  },
  {
    name: "wk_queue_max_bytes",
    kind: "gauge",
    help: "Beyond it sends are refused with reason 22 (HTTP 503).",
    labels: ["queue"],
    read: of(({ bytesMax }) => bytesMax),
  },
  {
    name: "wk_key_filter_lookups_total",
    kind: "counter",
    help: "Look-ups of single keys. absent: known from memory not to be there. disk: the disk was asked.",
    labels: ["answer"],
    read: ({ keyFilterLookups, keyFilterAbsent }) =>
      byKey({ absent: keyFilterAbsent, disk: keyFilterLookups - keyFilterAbsent }),
  },
  {
    name: "wk_key_filter_bytes",
    kind: "gauge",
    help: "Memory of the key filter.",
    read: ({ keyFilterBytes }) => keyFilterBytes,
  },
  {
    name: "wk_key_filter_max_bytes",
    kind: "gauge",
    help: "limits.keyFilterBytesMax.",
    read: ({ keyFilterBytesMax }) => keyFilterBytesMax,
  },
];
