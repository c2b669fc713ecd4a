/**
 * What unread means, written down a second time: a pure function over the history of one chat. It counts messages one by
 * one and keeps no counters of its own, so it shares neither code nor technique with the server.
 */
export type Event =
  | { readonly kind: "message"; readonly from: string; readonly redDot: boolean }
  | { readonly kind: "clear"; readonly uid: string }
  | { readonly kind: "set"; readonly uid: string; readonly unread: number }
  | { readonly kind: "delete"; readonly uid: string }
  | { readonly kind: "add"; readonly uid: string }
  | { readonly kind: "remove"; readonly uid: string };

export interface History {
  /** A person chat's two belong to it without being added, from its first message on; a group starts empty. */
  readonly implied: readonly string[];
  readonly events: readonly Event[];
}

export interface View {
  /** In the full list. */
  readonly listed: boolean;
  readonly unread: number;
  readonly readedTo: number;
  readonly lastSeq: number;
  /** The seqs a full sync shows, newest first. */
  readonly recents: readonly number[];
}

interface Row {
  isMember: boolean;
  /** Nothing up to here counts: joined there, read, deleted, or sent himself. */
  joinedAt: number;
  readTo: number;
  deletedTo: number;
  /** What he marked himself, until he reads or sends. */
  marked: number;
}

/** How the chat must look to `uid` after the whole history. */
export function viewOf(history: History, uid: string): View {
  const messages: { readonly from: string; readonly redDot: boolean }[] = [];
  let row: Row | undefined;
  let ownLast = 0;
  for (const event of history.events) {
    const head = messages.length;
    if (event.kind === "message") {
      messages.push(event);
      row ??= history.implied.includes(uid) ? newRow(0) : undefined;
      if (event.from !== uid) continue;
      ownLast = messages.length;
      if (row !== undefined) row.marked = 0;
    } else if (event.uid === uid) row = changed(row, event, head);
  }
  const lastSeq = messages.length;
  if (row === undefined || !row.isMember || lastSeq <= row.deletedTo)
    return { listed: false, unread: 0, readedTo: 0, lastSeq: 0, recents: [] };
  const from = Math.max(row.joinedAt, row.readTo, row.deletedTo, ownLast);
  const counted = messages.filter((message, index) => index + 1 > from && message.redDot).length;
  return {
    listed: true,
    unread: row.marked + counted,
    readedTo: Math.max(0, from - row.marked),
    lastSeq,
    recents: Array.from({ length: lastSeq - row.deletedTo }, (_, index) => lastSeq - index),
  };
}

function changed(row: Row | undefined, event: Exclude<Event, { kind: "message" }>, head: number): Row | undefined {
  if (event.kind === "add") {
    if (row?.isMember === true) return row; // adding a member again changes nothing
    return { ...(row ?? newRow(0)), isMember: true, joinedAt: head, marked: 0 };
  }
  if (row === undefined) return undefined;
  switch (event.kind) {
    case "remove":
      return { ...row, isMember: false };
    case "clear":
      return { ...row, readTo: head, marked: 0 };
    case "set":
      return { ...row, readTo: head, marked: Math.min(event.unread, head - row.deletedTo) };
    case "delete":
      return { ...row, deletedTo: head, marked: 0 };
  }
}

function newRow(joinedAt: number): Row {
  return { isMember: true, joinedAt, readTo: 0, deletedTo: 0, marked: 0 };
}
