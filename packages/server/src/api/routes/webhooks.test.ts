import { describe, expect, test } from "vitest";
import { TestApi } from "../test-kit.ts";

const ID = { high: 1, low: 2 };
const ID_TEXT = String((1n << 32n) + 2n);

describe("GET /webhooks", () => {
  test("shows how far each follower lags and what the receivers did", async () => {
    const api = new TestApi();
    api.webhooksState = {
      followers: [{ name: "webhook.notify", lagMessages: 3, isCounting: false, oldestAgeMs: 1234.5 }],
      receivers: [
        {
          name: "webhook",
          isDown: true,
          reason: "HTTP 503",
          taken: 5,
          failedTries: 2,
          laidAside: 1,
          requests: 0,
          waiting: 1,
        },
      ],
      deadLetters: { count: 1, bytes: 10 },
    };
    expect((await api.get("/webhooks")).json).toEqual({
      followers: [{ name: "webhook.notify", lag_messages: 3, is_counting: false, oldest_age_ms: 1235 }],
      receivers: [
        {
          name: "webhook",
          is_down: true,
          reason: "HTTP 503",
          taken: 5,
          failed_tries: 2,
          laid_aside: 1,
          requests: 0,
          waiting: 1,
        },
      ],
      dead_letters: { count: 1, bytes: 10 },
    });
  });
});

describe("POST /webhooks/replay", () => {
  test("takes a time or a message, of one follower or of all", async () => {
    const api = new TestApi();
    expect((await api.post("/webhooks/replay", { from_time: 1_776_840_000 })).status).toBe(200);
    expect((await api.post("/webhooks/replay", { follower: "f", from_message_id: Number(ID_TEXT) })).status).toBe(200);
    expect(api.asked).toEqual([
      ["replay", "", { timeMs: 1_776_840_000_000 }],
      ["replay", "f", { id: ID }],
    ]);
  });

  test.each([{}, { from_time: 0 }, { from_time: -1 }, { from_time: 1, from_message_id: 1 }])(
    "refuses %j",
    async (body) => {
      const api = new TestApi();
      expect(await api.post("/webhooks/replay", body)).toMatchObject({
        status: 400,
        json: { msg: "one of from_time (seconds) and from_message_id must be set", status: 400 },
      });
      expect(api.asked).toEqual([]);
    },
  );

  test("says that a follower is not there", async () => {
    const api = new TestApi();
    expect((await api.post("/webhooks/replay", { follower: "unknown", from_time: 1 })).status).toBe(404);
  });
});

describe("dead letters", () => {
  function withLetter(): TestApi {
    const api = new TestApi();
    api.letters = [
      {
        id: ID,
        receiver: "webhook",
        eventName: "msg.notify",
        eventId: "notify_1",
        reason: "HTTP 400",
        tries: 5,
        sinceMs: 1_776_840_000_999,
        bodyBytes: 2,
        messageIds: [ID],
      },
    ];
    return api;
  }
  const SHOWN = {
    id: ID_TEXT,
    receiver: "webhook",
    event: "msg.notify",
    event_id: "notify_1",
    reason: "HTTP 400",
    tries: 5,
    since: 1_776_840_000,
    bytes: 2,
    message_ids: [ID_TEXT],
  };

  test("are listed without their bodies, page by page", async () => {
    const api = withLetter();
    expect((await api.get("/webhooks/dead-letters")).json).toEqual({ dead_letters: [SHOWN] });
    await api.get(`/webhooks/dead-letters?after=${ID_TEXT}&limit=5000`);
    expect(api.asked).toEqual([
      ["deadLetters", { high: 0, low: 0 }, 100],
      ["deadLetters", ID, 1000],
    ]);
    expect((await api.get("/webhooks/dead-letters?after=x")).status).toBe(400);
  });

  test("are shown one by one with their body", async () => {
    const api = withLetter();
    expect((await api.get(`/webhooks/dead-letters/${ID_TEXT}`)).json).toEqual({ ...SHOWN, body: "[]" });
    expect((await api.get("/webhooks/dead-letters/7")).status).toBe(404);
    expect((await api.get("/webhooks/dead-letters/seven")).status).toBe(404);
  });

  test("are sent again and thrown away by their ids", async () => {
    const api = withLetter();
    expect((await api.post("/webhooks/dead-letters/retry", { ids: [ID_TEXT] })).json).toEqual({
      delivered: 1,
      failed: 0,
      reason: "",
    });
    expect((await api.post("/webhooks/dead-letters/discard", { ids: [ID_TEXT] })).json).toEqual({ status: 200 });
    expect(api.asked).toEqual([
      ["retry", [ID]],
      ["discard", [ID]],
    ]);
    for (const ids of [[], ["x"], [ID_TEXT, ""]])
      expect((await api.post("/webhooks/dead-letters/discard", { ids })).status).toBe(400);
  });
});
