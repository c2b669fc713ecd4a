import { describe, expect, test } from "vitest";
import { type Conversation, unreadOf } from "./conversation.ts";
import { type Head, NO_ID, ORIGIN } from "./message.ts";

const row: Conversation = {
  channel: { type: 2, id: "g" },
  membership: "member",
  join: ORIGIN,
  read: ORIGIN,
  deletedTo: ORIGIN,
  markedUnread: 0,
  commandSeq: 0,
  commandEnd: null,
  changed: NO_ID,
};
const head = (seq: number, counted: number): Head => ({
  seq,
  counted,
  timeSeconds: 0,
  lastId: NO_ID,
  firstSeq: 1,
  removals: 0,
  rowsSeenIn: 0,
  lastSent: [],
});

describe("unread", () => {
  test("counts red-dot messages after the furthest mark, whichever that is", () => {
    const marks = { join: { seq: 2, counted: 1 }, read: { seq: 5, counted: 3 }, deletedTo: { seq: 4, counted: 3 } };
    expect(unreadOf({ ...row, ...marks }, ORIGIN, head(10, 8), false)).toEqual({ unread: 5, readedToSeq: 5 });
    expect(unreadOf({ ...row, ...marks }, { seq: 9, counted: 7 }, head(10, 8), false)).toEqual({
      unread: 1,
      readedToSeq: 9,
    });
  });

  test("counts every message with countAll, as v2.2.5 does", () => {
    expect(unreadOf({ ...row, read: { seq: 5, counted: 3 } }, ORIGIN, head(10, 4), true).unread).toBe(5);
  });

  test("shows what the user marked until he sends again", () => {
    const marked = { ...row, read: { seq: 10, counted: 8 }, markedUnread: 2 };
    expect(unreadOf(marked, ORIGIN, head(10, 8), false)).toEqual({ unread: 2, readedToSeq: 8 });
    expect(unreadOf(marked, ORIGIN, head(11, 9), false)).toEqual({ unread: 3, readedToSeq: 8 });
    expect(unreadOf(marked, { seq: 11, counted: 9 }, head(11, 9), false)).toEqual({ unread: 0, readedToSeq: 11 });
  });

  test("H-27: a mark in an empty chat cannot go below zero", () => {
    expect(unreadOf(row, ORIGIN, head(0, 0), false)).toEqual({ unread: 0, readedToSeq: 0 });
  });
});
