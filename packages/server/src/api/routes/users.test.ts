import { Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { OK, refusal, session, TestApi } from "../test-kit.ts";

describe("POST /user/token", () => {
  test.each([
    [{}, "uid不能为空！"],
    [{ uid: "a" }, "token不能为空！"],
    [{ token: "t" }, "uid不能为空！"],
    [{ uid: "a@b" }, "token不能为空！"],
    [{ uid: "a@b", token: "t" }, "uid不能包含特殊字符！"],
    [{ uid: "a#b", token: "t" }, "uid不能包含特殊字符！"],
    [{ uid: "a&b", token: "t" }, "uid不能包含特殊字符！"],
    [{ uid: "____system", token: "t" }, "系统账号不允许更新token！"],
    [{ uid: "u".repeat(256), token: "t" }, "uid is longer than 255 bytes"],
  ])("%j is refused: %s", async (body, text) => {
    const api = new TestApi();
    expect(await api.post("/user/token", body)).toMatchObject(refusal(text));
    expect(api.asked).toEqual([]);
  });

  test("a token is refused when it is longer than a row or a CONNECT can hold", async () => {
    const api = new TestApi();
    expect(await api.post("/user/token", { uid: "a", token: "t".repeat(65_535) })).toMatchObject(OK);
    expect(await api.post("/user/token", { uid: "a", token: "t".repeat(65_536) })).toMatchObject(
      refusal("token is longer than 65535 bytes"),
    );
  });

  test("stores the token with flag and level", async () => {
    const api = new TestApi();
    expect(await api.post("/user/token", { uid: "   ", token: "  " })).toMatchObject(OK);
    expect(await api.post("/user/token", { uid: "a", token: "t", device_flag: 2, device_level: 1 })).toMatchObject(OK);
    expect(api.asked).toEqual([
      ["setToken", "   ", 0, { token: "  ", level: "slave" }],
      ["setToken", "a", 2, { token: "t", level: "master" }],
    ]);
  });

  test.each([Reason.ban, Reason.disband])(
    "of a user who may not log in: HTTP 200 with status %i, nobody kicked",
    async (reason) => {
      const api = new TestApi();
      api.tokenReason = reason;
      api.sessions.set("a", [session("a", 1, 0)]);
      expect(await api.post("/user/token", { uid: "a", token: "t", device_level: 1 })).toMatchObject({
        status: 200,
        json: { status: reason },
      });
      expect(api.asked.map(([name]) => name)).toEqual(["setToken"]);
    },
  );

  test("with master level ends the sessions of that flag, after the token is stored", async () => {
    const api = new TestApi();
    api.sessions.set("a", [session("a", 1, 0), session("a", 2, 1), session("a", 3, 1)]);
    await api.post("/user/token", { uid: "a", token: "t", device_flag: 1, device_level: 1 });
    expect(api.asked.map(([name]) => name)).toEqual(["setToken", "disconnect"]);
    expect(api.asked[1]).toEqual(["disconnect", [2, 3], 12, "账号在其他设备上登录", 2_000]);
  });

  test("with slave level ends nothing", async () => {
    const api = new TestApi();
    api.sessions.set("a", [session("a", 1, 0)]);
    await api.post("/user/token", { uid: "a", token: "t" });
    expect(api.asked.map(([name]) => name)).toEqual(["setToken"]);
  });
});

describe("POST /user/device_quit", () => {
  test("without uid is refused", async () => {
    expect(await new TestApi().post("/user/device_quit", {})).toMatchObject(refusal("uid不能为空！"));
  });

  test.each([
    [0, [0]],
    [-1, [0, 1, 2]],
    [300, [44]],
    [-2, [254]],
  ])("flag %i means the flags %j", async (flag, flags) => {
    const api = new TestApi();
    expect(await api.post("/user/device_quit", { uid: "a", device_flag: flag })).toMatchObject(OK);
    expect(api.asked).toEqual(flags.map((each) => ["quitDevice", "a", each]));
  });

  test("ends the sessions of known devices only", async () => {
    const api = new TestApi();
    api.knownDevices = new Set([1]);
    api.sessions.set("a", [session("a", 1, 0), session("a", 2, 1)]);
    await api.post("/user/device_quit", { uid: "a", device_flag: -1 });
    expect(api.asked.filter(([name]) => name === "disconnect")).toEqual([["disconnect", [2], 12, "", 2_000]]);
  });
});

describe("POST /user/onlinestatus", () => {
  const api = new TestApi();
  api.sessions.set("a", [session("a", 1, 0), session("a", 2, 1)]);

  test("one entry per session, as often as asked, offline users absent", async () => {
    const entry = (flag: number): object => ({ uid: "a", device_flag: flag, online: 1 });
    expect((await api.post("/user/onlinestatus", ["b", "a"])).json).toEqual([entry(0), entry(1)]);
    expect((await api.post("/user/onlinestatus", ["a", "a"])).json).toEqual([entry(0), entry(1), entry(0), entry(1)]);
    expect((await api.post("/user/onlinestatus", ["b"])).json).toEqual([]);
  });

  test.each([[[]], [null]])("%j is a plain success", async (body) => {
    expect(await api.post("/user/onlinestatus", body)).toMatchObject(OK);
  });

  test.each(["", "{}", "{", '["a",5]', '"x"'])("%j is refused", async (raw) => {
    expect(await api.postRaw("/user/onlinestatus", raw)).toMatchObject({
      status: 400,
      type: "application/json; charset=utf-8",
    });
  });
});

describe("system accounts", () => {
  test.each(["/user/systemuids_add", "/user/systemuids_add_to_cache"])("%s adds", async (path) => {
    const api = new TestApi();
    expect(await api.post(path, { uids: ["s1", "s2"] })).toMatchObject(OK);
    expect(api.asked).toEqual([["addSystemUids", ["s1", "s2"]]]);
  });

  test.each(["/user/systemuids_remove", "/user/systemuids_remove_from_cache"])("%s removes", async (path) => {
    const api = new TestApi();
    expect(await api.post(path, { uids: ["s1"] })).toMatchObject(OK);
    expect(api.asked).toEqual([["removeSystemUids", ["s1"]]]);
  });

  test.each([{}, { uids: [] }, { uids: null }])("%j changes nothing", async (body) => {
    const api = new TestApi();
    expect(await api.post("/user/systemuids_add", body)).toMatchObject(OK);
    expect(await api.post("/user/systemuids_remove", body)).toMatchObject(OK);
    expect(api.asked).toEqual([]);
  });

  test("a uid that nobody can have is refused as a whole", async () => {
    const api = new TestApi();
    expect(await api.post("/user/systemuids_add", { uids: ["s1", ""] })).toMatchObject(refusal("uid不能为空！"));
    expect(await api.post("/user/systemuids_add", { uids: ["a@b"] })).toMatchObject(refusal("uid不能包含特殊字符！"));
    expect(api.asked).toEqual([]);
  });

  test("are listed", async () => {
    const api = new TestApi();
    expect((await api.get("/user/systemuids")).json).toEqual([]);
    api.systemUids = ["s1"];
    expect((await api.get("/user/systemuids")).json).toEqual(["s1"]);
  });
});
