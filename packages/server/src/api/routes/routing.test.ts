import { describe, expect, test } from "vitest";
import { refusal, TestApi } from "../test-kit.ts";

describe("GET /route", () => {
  const api = new TestApi();

  test.each([
    ["im.example.com", "ws://im.example.com:5200"],
    ["im.example.com:5001", "ws://im.example.com:5200"],
    ["[2001:db8::1]:5001", "ws://[2001:db8::1]:5200"],
    ['x"><script>', "ws://127.0.0.1:5200"],
    ["", "ws://127.0.0.1:5200"],
  ])("an address without host gets that of the request: Host %j", async (host, expected) => {
    expect((await api.get("/route?uid=a", { host })).json).toEqual({
      tcp_addr: "203.0.113.5:5100",
      ws_addr: expected,
      wss_addr: "",
    });
  });

  test("only intranet=1 asks for the inner address", async () => {
    const inner = await api.get("/route?intranet=1", { host: "10.0.0.1" });
    expect(inner.json).toEqual({ tcp_addr: "10.0.0.1:5100", ws_addr: "", wss_addr: "" });
    expect((await api.get("/route?intranet=2")).json).toMatchObject({ tcp_addr: "203.0.113.5:5100" });
  });
});

describe("POST /route/batch", () => {
  test.each([[["a", "b"]], [[]], [null]])("%j comes back with the addresses", async (uids) => {
    const answer = await new TestApi().post("/route/batch", uids);
    expect(answer.json).toEqual([{ tcp_addr: "203.0.113.5:5100", ws_addr: "ws://127.0.0.1:5200", wss_addr: "", uids }]);
  });

  test.each(["", "{}", "[5]"])("%j is refused", async (raw) => {
    expect(await new TestApi().postRaw("/route/batch", raw)).toMatchObject(refusal("数据格式有误！"));
  });
});

describe("probes", () => {
  test("all are fine when the server is", async () => {
    for (const path of ["/health", "/healthz", "/readyz"])
      expect(await new TestApi().get(path)).toMatchObject({ status: 200, json: { status: "ok" } });
  });

  test("a server that cannot write says why, and lives", async () => {
    const api = new TestApi();
    api.ready = { ready: false, reason: "the disk is full" };
    const why = { message: "the disk is full", status: "error" };
    expect(await api.get("/readyz")).toMatchObject({ status: 503, json: why });
    expect(await api.get("/health")).toMatchObject({ status: 500, json: why });
    expect(await api.get("/healthz")).toMatchObject({ status: 200 });
  });
});
