import { expect, test } from "vitest";
import { storedMessage } from "../api/test-kit.ts";
import { NotKeptMessages } from "./not-kept-messages.ts";

const numbered = (low: number, more = {}) =>
  storedMessage({ id: { high: 1, low }, seq: 0, clientMsgNo: `n${low}`, ...more });

test("the last ones are found by id and by number, older ones are forgotten", () => {
  const messages = new NotKeptMessages(3);
  for (let low = 1; low <= 5; low++) messages.note(numbered(low));
  expect(messages.byId({ high: 1, low: 2 })).toBeUndefined();
  for (const low of [3, 4, 5]) expect(messages.byId({ high: 1, low })).toMatchObject({ clientMsgNo: `n${low}` });
  expect(messages.byNumber({ type: 2, id: "g" }, "n4", "")).toMatchObject({ id: { high: 1, low: 4 } });
  expect(messages.byNumber({ type: 2, id: "g" }, "n4", "somebody else")).toBeUndefined();
  expect(messages.byNumber({ type: 2, id: "h" }, "n4", "")).toBeUndefined();
});

test("of two with one number the last one is meant", () => {
  const messages = new NotKeptMessages(10);
  messages.note(numbered(1, { clientMsgNo: "n" }));
  messages.note(numbered(2, { clientMsgNo: "n" }));
  expect(messages.byNumber({ type: 2, id: "g" }, "n", "a")?.id.low).toBe(2);
});

test("no payload is kept, and of a long list of receivers only that there was one", () => {
  const messages = new NotKeptMessages(10);
  messages.note(numbered(1, { receivers: ["b"] }));
  messages.note(numbered(2, { receivers: Array.from({ length: 100 }, (_, index) => `u${index}`) }));
  expect(messages.byId({ high: 1, low: 1 })).toMatchObject({ receivers: ["b"] });
  expect(messages.byId({ high: 1, low: 2 })).toMatchObject({ receivers: [] });
  expect(messages.byId({ high: 1, low: 1 })).not.toHaveProperty("payload");
});
