import { describe, expect, test } from "vitest";
import { CallFailed, type HttpPost } from "../world/world.ts";
import { eventUrl, httpTransport } from "./http-transport.ts";
import type { Outcome } from "./outcome.ts";

describe("the address of an event", () => {
  test.each([
    ["http://a/hook", "http://a/hook?event=msg.notify"],
    ["http://a/hook?key=%20b", "http://a/hook?key=%20b&event=msg.notify"],
    ["http://a/hook?", "http://a/hook?event=msg.notify"],
    ["http://a/hook?x=1&", "http://a/hook?x=1&event=msg.notify"],
    ["http://a/hook#part", "http://a/hook?event=msg.notify"],
    ["http://a", "http://a?event=msg.notify"],
  ])("%s becomes %s", (address, expected) => {
    expect(eventUrl(address, "msg.notify")).toBe(expected);
  });
});

describe("an answer", () => {
  const posted: HttpPost[] = [];
  const outcome = (answer: number | Error, text = ""): Promise<Outcome> => {
    const post = async (request: HttpPost) => {
      posted.push(request);
      if (answer instanceof Error) throw answer;
      return { status: answer, body: Buffer.from(text) };
    };
    const world = {
      http: { post, serve: () => Promise.reject(new Error()) },
      clock: { wallMs: () => 5_000, monotonicMs: () => 0 },
    };
    return httpTransport(world, "http://a/hook", [])({ name: "msg.notify", id: "e1", body: Buffer.from("[]") });
  };

  test("of 200 means taken, whatever stands in it, and no other", async () => {
    expect(await outcome(200, "error")).toEqual({ kind: "taken" });
    expect((await outcome(204)).kind).toBe("refused");
    expect(posted.at(-1)).toMatchObject({
      url: "http://a/hook?event=msg.notify",
      headers: { "content-type": "application/json", "webhook-id": "e1", "webhook-timestamp": "5" },
      timeoutMs: 30_000,
    });
  });

  test.each([301, 400, 401, 404, 410, 422])("of %i is a refusal", async (status) => {
    expect(await outcome(status, " no such thing\n")).toEqual({
      kind: "refused",
      reason: `HTTP ${status}: no such thing`,
    });
  });

  test.each([500, 501])("of %i is an error in the receiver", async (status) => {
    expect((await outcome(status)).kind).toBe("error");
  });

  test.each([408, 425, 429, 502, 503, 504])("of %i means that it has no time", async (status) => {
    expect((await outcome(status)).kind).toBe("down");
  });

  test("that does not come means that it is down", async () => {
    expect(await outcome(new CallFailed("connect ECONNREFUSED"))).toEqual({
      kind: "down",
      reason: "connect ECONNREFUSED",
    });
    await expect(outcome(new TypeError("a bug"))).rejects.toThrow("a bug");
  });
});
