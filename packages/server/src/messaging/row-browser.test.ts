import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBatch, put } from "../store/batch.ts";
import { shardOfUser } from "../store/shards.ts";
import { LOOKED_MAX } from "../store/table-walk.ts";
import { deviceTable } from "../store/tables.ts";
import type { ChannelFlags } from "./channels.ts";
import { BadCursor, type ListedChannel, RowBrowser, type RowPage } from "./row-browser.ts";
import { Messaging } from "./test-kit.ts";
import { UserBrowser } from "./user-browser.ts";

const FLAGS: ChannelFlags = { ban: false, disband: false, sendBan: false, large: false, allowStranger: false };
const ALL = (): boolean => true;

async function withChannels(count: number): Promise<{ messaging: Messaging; rows: RowBrowser }> {
  const messaging = await Messaging.open();
  await messaging.done(
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        messaging.admin.setFlags(
          { type: index % 3 === 0 ? 4 : 2, id: `g${index}` },
          { ...FLAGS, ban: index % 2 === 0 },
        ),
      ),
    ),
  );
  return { messaging, rows: new RowBrowser(messaging.store) };
}

function idsOf(page: RowPage<ListedChannel>): string[] {
  return page.rows.map(({ key }) => key.id);
}

describe("channels", () => {
  test("come page by page, none twice and none left out, and backwards the same", async () => {
    const { messaging, rows } = await withChannels(100);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 120 }), async (limit) => {
        const forward: string[] = [];
        let cursor = "";
        for (;;) {
          const page = await messaging.done(rows.channels({ cursor, isBackwards: false, limit }, ALL));
          forward.push(...idsOf(page));
          cursor = page.cursor;
          if (!page.hasMore) break;
        }
        expect(new Set(forward).size).toBe(100);
        expect(forward).toHaveLength(100);
        const backward: string[] = [];
        for (cursor = ""; ; ) {
          const page = await messaging.done(rows.channels({ cursor, isBackwards: true, limit }, ALL));
          backward.unshift(...idsOf(page));
          cursor = page.cursorBefore;
          if (!page.hasMore) break;
        }
        expect(backward).toEqual(forward);
      }),
      { numRuns: 15 },
    );
  });

  test("a page that is left can be come back to from either side", async () => {
    const { messaging, rows } = await withChannels(30);
    const page = (cursor: string, isBackwards: boolean): Promise<RowPage<ListedChannel>> =>
      messaging.done(rows.channels({ cursor, isBackwards, limit: 7 }, ALL));
    const first = await page("", false);
    const second = await page(first.cursor, false);
    expect(idsOf(await page(second.cursorBefore, true))).toEqual(idsOf(first));
    expect(idsOf(await page(first.cursor, false))).toEqual(idsOf(second));
  });

  test("channels that come or go meanwhile neither repeat nor hide others", async () => {
    const { messaging, rows } = await withChannels(40);
    const whole = idsOf(await messaging.done(rows.channels({ cursor: "", isBackwards: false, limit: 100 }, ALL)));
    const first = await messaging.done(rows.channels({ cursor: "", isBackwards: false, limit: 10 }, ALL));
    await messaging.done(
      Promise.all(
        Array.from({ length: 40 }, (_, index) => messaging.admin.setFlags({ type: 2, id: `n${index}` }, FLAGS)),
      ),
    );
    const rest = await messaging.done(rows.channels({ cursor: first.cursor, isBackwards: false, limit: 100 }, ALL));
    const old = [...idsOf(first), ...idsOf(rest)].filter((id) => id.startsWith("g"));
    expect(old).toEqual(whole);
  });

  test("only those that are kept count", async () => {
    const { messaging, rows } = await withChannels(30);
    const banned = await messaging.done(
      rows.channels({ cursor: "", isBackwards: false, limit: 100 }, ({ row }) => row.ban),
    );
    expect(banned).toMatchObject({ hasMore: false });
    expect(banned.rows).toHaveLength(15);
  });

  test("of every type there is one with the id", async () => {
    const { messaging, rows } = await withChannels(3);
    await messaging.done(messaging.admin.setFlags({ type: 9, id: "g1" }, FLAGS));
    expect(rows.channelsNamed("g1").map(({ key }) => key.type)).toEqual([2, 9]);
    expect(rows.channelsNamed("none")).toEqual([]);
  });

  test.each(["!", "AAAA", "_____w", "AAYKAgABZw"])("%s is no cursor of theirs", async (cursor) => {
    const { messaging, rows } = await withChannels(1);
    const page = rows.channels({ cursor, isBackwards: false, limit: 1 }, ALL);
    page.catch(() => undefined);
    await expect(messaging.done(page)).rejects.toBeInstanceOf(BadCursor);
  });
});

describe("devices", () => {
  test("a filter that nothing fits ends after a bounded piece, and goes on from there", async () => {
    const messaging = await Messaging.open();
    const shards = Map.groupBy(
      Array.from({ length: LOOKED_MAX + 200 }, (_, index) => `u${index}`),
      shardOfUser,
    );
    for (const [shard, uids] of shards) {
      const batch = createBatch(shard);
      for (const uid of uids)
        put(batch, deviceTable, { uid, flag: 1 }, { flag: 1, token: "t", level: "slave", createdMs: 1, updatedMs: 2 });
      await messaging.done(messaging.store.committed(batch));
    }
    const rows = new RowBrowser(messaging.store);
    const first = await messaging.done(rows.devices({ cursor: "", isBackwards: false, limit: 5 }, () => false));
    expect(first).toMatchObject({ rows: [], hasMore: true });
    const rest = await messaging.done(rows.devices({ cursor: first.cursor, isBackwards: false, limit: 1000 }, ALL));
    expect(rest.rows).toHaveLength(200);
    expect(rest).toMatchObject({ hasMore: false });
  });
});

describe("chats", () => {
  test("of one user or of all; who has left has none", async () => {
    const messaging = await Messaging.open();
    const rows = new RowBrowser(messaging.store);
    for (const id of ["g1", "g2", "g3"])
      await messaging.done(messaging.admin.addMembers({ type: 2, id }, ["a", "b"], { reset: false }));
    await messaging.done(messaging.admin.removeMembers({ type: 2, id: "g2" }, ["a"]));
    const page = async (uid: string, limit: number): Promise<[string[], boolean, string]> => {
      const found = await messaging.done(rows.conversations({ cursor: "", isBackwards: false, limit }, uid));
      return [found.rows.map((listed) => `${listed.uid} ${listed.row.channel.id}`), found.hasMore, found.cursor];
    };
    expect((await page("a", 10)).slice(0, 2)).toEqual([["a g1", "a g3"], false]);
    expect((await page("", 10))[0].toSorted()).toEqual(["a g1", "a g3", "b g1", "b g2", "b g3"]);
    const [first, hasMore, cursor] = await page("b", 2);
    expect([first, hasMore]).toEqual([["b g1", "b g2"], true]);
    const next = await messaging.done(rows.conversations({ cursor, isBackwards: false, limit: 2 }, "b"));
    expect(next.rows.map(({ row }) => row.channel.id)).toEqual(["g3"]);
    expect((await page("nobody", 10))[0]).toEqual([]);
  });
});

describe("users", () => {
  test("are whoever has a device or belongs to a channel, each once, page by page and backwards", async () => {
    const messaging = await Messaging.open();
    const users = new UserBrowser(messaging.store);
    const uids = Array.from({ length: 60 }, (_, index) => `user${index}`.repeat((index % 3) + 1));
    await messaging.done(
      messaging.admin.addMembers(
        { type: 2, id: "g" },
        uids.filter((_, index) => index % 4 !== 0),
        { reset: false },
      ),
    );
    await messaging.done(messaging.admin.addMembers({ type: 2, id: "h" }, uids.slice(1, 4), { reset: false }));
    for (const [index, uid] of uids.entries()) {
      if (index % 4 === 1) continue;
      const batch = createBatch(shardOfUser(uid));
      for (const flag of [0, 1])
        put(batch, deviceTable, { uid, flag }, { flag, token: "", level: "slave", createdMs: 0, updatedMs: 0 });
      await messaging.done(messaging.store.committed(batch));
    }
    for (const limit of [1, 7, 60, 100]) {
      const forward: string[] = [];
      for (let from: string | undefined; ; from = forward.at(-1)) {
        const page = await messaging.done(users.page(from, false, limit));
        forward.push(...page.uids);
        if (!page.hasMore) break;
      }
      expect(forward.toSorted()).toEqual(uids.toSorted());
      const backward: string[] = [];
      for (let from: string | undefined; ; from = backward.at(0)) {
        const page = await messaging.done(users.page(from, true, limit));
        backward.unshift(...page.uids);
        if (!page.hasMore) break;
      }
      expect(backward).toEqual(forward);
    }
    expect(await messaging.done(users.has("user1user1"))).toBe(true);
    expect(await messaging.done(users.has("user"))).toBe(false);
  });
});
