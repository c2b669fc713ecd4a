import { describe, expect, test } from "vitest";
import { OK, refusal, TestApi } from "../test-kit.ts";

const KEY = { type: 2, id: "g" };

describe.each([
  ["blacklist", "deny"],
  ["whitelist", "allow"],
])("%s", (path, list) => {
  const url = (edit: string): string => `/channel/${path}_${edit}`;

  async function refused(edit: string, body: unknown, text: string): Promise<void> {
    const api = new TestApi();
    expect(await api.post(url(edit), body)).toMatchObject(refusal(text));
    expect(api.asked).toEqual([]);
  }

  test("adds, replaces, removes and clears", async () => {
    const api = new TestApi();
    for (const edit of ["add", "set", "remove"]) {
      expect(await api.post(url(edit), { channel_id: "g", channel_type: 2, uids: ["a", "b"] })).toMatchObject(OK);
    }
    expect(await api.post(url("remove_all"), { channel_id: "g", channel_type: 2 })).toMatchObject(OK);
    expect(api.asked).toEqual([
      ["addToList", KEY, list, ["a", "b"]],
      ["setList", KEY, list, ["a", "b"]],
      ["removeFromList", KEY, list, ["a", "b"]],
      ["setList", KEY, list, []],
    ]);
  });

  test.each(["add", "remove"])("_%s checks in the original's order", async (edit) => {
    await refused(edit, {}, "channel_id不能为空！");
    await refused(edit, { channel_type: 2, uids: ["a"] }, "channel_id不能为空！");
    await refused(edit, { channel_id: "g" }, "频道类型不能为0！");
    await refused(edit, { channel_id: "g", channel_type: 2 }, "uids不能为空！");
    await refused(edit, { channel_id: "g", channel_type: 2, uids: [] }, "uids不能为空！");
    await refused(edit, { channel_id: "g", channel_type: 2, uids: ["", " "] }, "uids不能为空！");
  });

  test("_add and _set refuse a blank uid among others as a whole", async () => {
    await refused("add", { channel_id: "g", channel_type: 2, uids: ["a", ""] }, "uids不能为空！");
    await refused("set", { channel_id: "g", channel_type: 2, uids: ["a", ""] }, "uids不能为空！");
    await refused("add", { channel_id: "g", channel_type: 2, uids: ["a#b"] }, "uid不能包含特殊字符！");
  });

  test("_set checks the id only, and clears without uids", async () => {
    await refused("set", {}, "频道ID不能为空！");
    await refused("set", { channel_id: "  " }, "频道ID不能为空！");
    const api = new TestApi();
    expect(await api.post(url("set"), { channel_id: "g@h" })).toMatchObject(OK);
    expect(await api.post(url("set"), { channel_id: "g", channel_type: 2, uids: null })).toMatchObject(OK);
    expect(api.asked).toEqual([
      ["setList", { type: 0, id: "g@h" }, list, []],
      ["setList", KEY, list, []],
    ]);
  });

  test("_remove_all checks id and type", async () => {
    await refused("remove_all", {}, "channel_id不能为空！");
    await refused("remove_all", { channel_type: 2 }, "channel_id不能为空！");
    await refused("remove_all", { channel_id: "g" }, "频道类型不能为0！");
  });

  test.each(["add", "set", "remove", "remove_all"])("a command log has no list of its own: _%s", async (edit) => {
    await refused(edit, { channel_id: "g____cmd", channel_type: 2, uids: ["a"] }, "频道ID不能以____cmd结尾！");
  });
});

test("special characters in the channel id: the deny list takes them, the allow list does not", async () => {
  const body = { channel_id: "a@b", channel_type: 2, uids: ["a"] };
  expect(await new TestApi().post("/channel/blacklist_add", body)).toMatchObject(OK);
  expect(await new TestApi().post("/channel/whitelist_add", body)).toMatchObject(refusal("频道ID不能包含特殊字符！"));
  expect(await new TestApi().post("/channel/whitelist_remove", body)).toMatchObject(
    refusal("频道ID不能包含特殊字符！"),
  );
});

describe("GET /channel/whitelist", () => {
  test("shows entries with the FNV-1a of the uid as exact id", async () => {
    const api = new TestApi();
    api.listed.push({ uid: "u1,u2", createdMs: 1_776_840_000_123 });
    const answer = await api.get("/channel/whitelist?channel_id=g&channel_type=2");
    expect(answer.text).toBe(
      '[{"id":17922244540036557902,"uid":"u1,u2","created_at":"2026-04-22T06:40:00.123Z","updated_at":"2026-04-22T06:40:00.123Z"}]',
    );
    expect(api.asked).toEqual([["list", KEY, "allow"]]);
  });

  test.each([
    "",
    "?channel_id=g",
    "?channel_type=2",
    "?channel_id=g&channel_type=x",
    "?channel_id=a%40g&channel_type=2",
  ])("%j is an empty list", async (query) => {
    expect((await new TestApi().get(`/channel/whitelist${query}`)).text).toBe("[]");
  });
});
