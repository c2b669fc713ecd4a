/** Cases whose numbers were worked out by hand, so that the model is not only compared with the server. */
import { expect, test } from "vitest";
import { type Event, viewOf } from "./model.ts";

const message = (from: string, redDot = true): Event => ({ kind: "message", from, redDot });
const pair = (...events: Event[]): ReturnType<typeof viewOf> => viewOf({ implied: ["a", "b"], events }, "b");
const group = (...events: Event[]): ReturnType<typeof viewOf> => viewOf({ implied: [], events }, "b");

test("messages with a red dot after the last own one count", () => {
  expect(pair(message("a"), message("b"), message("a"), message("a", false), message("a"))).toMatchObject({
    unread: 2,
    readedTo: 2,
    lastSeq: 5,
  });
});

test("a mark upward counts until he reads or sends, and no further than what he can see", () => {
  expect(pair(message("a"), { kind: "set", uid: "b", unread: 5 })).toMatchObject({ unread: 1, readedTo: 0 });
  expect(pair(message("a"), { kind: "set", uid: "b", unread: 1 }, message("b"))).toMatchObject({ unread: 0 });
  expect(pair(message("a"), { kind: "set", uid: "b", unread: 1 }, { kind: "clear", uid: "b" })).toMatchObject({
    unread: 0,
  });
});

test("a deleted chat comes back with what is new", () => {
  const deleted = [message("a"), message("a"), { kind: "delete", uid: "b" }] as const;
  expect(pair(...deleted)).toMatchObject({ listed: false });
  expect(pair(...deleted, message("a"))).toEqual({ listed: true, unread: 1, readedTo: 2, lastSeq: 3, recents: [3] });
});

test("joining again starts at the tail, being added again as a member changes nothing", () => {
  const joined = [{ kind: "add", uid: "b" }, message("a"), message("a")] as const;
  expect(group(...joined, { kind: "add", uid: "b" })).toMatchObject({ unread: 2, readedTo: 0 });
  const left = [...joined, { kind: "remove", uid: "b" }, message("a")] as const;
  expect(group(...left)).toMatchObject({ listed: false });
  expect(group(...left, { kind: "add", uid: "b" }, message("a"))).toMatchObject({ unread: 1, readedTo: 3, lastSeq: 4 });
});
