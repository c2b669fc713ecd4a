import { expect, test } from "vitest";
import { TokenBuckets } from "../messaging/token-buckets.ts";
import type { HttpAnswer, HttpRequest, Route } from "../world/world.ts";
import { HttpAdmission } from "./http-admission.ts";

const ROUTE = { method: "POST", route: "/message/send" };
const ANSWER: HttpAnswer = { status: 200, body: "" };
const REQUEST: HttpRequest = {
  method: "POST",
  path: "/a",
  body: new Uint8Array(0),
  query: {},
  params: {},
  headers: {},
  ip: "1",
};

function admission(requestsMax: number, perSecond?: number): HttpAdmission {
  const clock = { monotonicMs: () => 0 };
  const perIp = perSecond === undefined ? undefined : new TokenBuckets(clock, { perSecond, burst: 2, countMax: 10 });
  return new HttpAdmission({ requestsMax, perIp });
}

test("more at work than there is room for is refused until one is answered or has failed", async () => {
  const door = admission(2);
  const works: PromiseWithResolvers<HttpAnswer>[] = [];
  const route = (path: string): Route =>
    door.limited({
      method: "POST",
      path,
      handle: () => {
        const work = Promise.withResolvers<HttpAnswer>();
        works.push(work);
        return work.promise;
      },
    });
  const [a, b] = [route("/a"), route("/b")];
  const under = [a.handle(REQUEST), b.handle(REQUEST)];
  expect(await a.handle(REQUEST)).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
  expect(door.stats().underWay).toBe(2);
  works[0]!.resolve(ANSWER);
  expect(await under[0]).toBe(ANSWER);
  works[1]!.reject(new Error("broken"));
  await expect(under[1]).rejects.toThrow("broken");
  expect(door.stats().underWay).toBe(0);
  void a.handle(REQUEST);
  expect(works).toHaveLength(3);
});

test("an address beyond its rate is refused with the time after which it may come again, others are not", () => {
  const door = admission(100, 0.5);
  const ask = (ip: string) => door.admit({ ip, path: "/a" });
  expect([ask("1"), ask("1")]).toEqual([undefined, undefined]);
  expect(ask("1")).toEqual({
    status: 429,
    headers: { "retry-after": "2" },
    body: '{"msg":"too many requests from this address, try again later","status":429}',
  });
  expect(ask("2")).toBeUndefined();
});

test("probes and metrics are let in when nobody else is", async () => {
  const door = admission(1, 1);
  void door.limited({ method: "GET", path: "/a", handle: () => new Promise(() => undefined) }).handle(REQUEST);
  for (let index = 0; index < 5; index++)
    for (const path of ["/health", "/healthz", "/readyz", "/metrics"]) {
      expect(door.admit({ ip: "1", path })).toBeUndefined();
      expect(await door.limited({ method: "GET", path, handle: () => ANSWER }).handle(REQUEST)).toBe(ANSWER);
    }
});

test("requests are counted by route and status; invented methods and paths are one series", () => {
  const door = admission(100);
  const over = (method: string, route: string, status: number): void => {
    door.admit({ ip: "1", path: "/" });
    door.ended({ method, route }, status, 2);
  };
  over("POST", "/message/send", 200);
  over("POST", "/message/send", 200);
  over("POST", "/message/send", 503);
  for (const method of ["GET", "BREW", "PUT"]) over(method, "", 404);
  const { requests } = door.stats();
  expect(requests.map(({ method, route, statuses }) => ({ method, route, statuses }))).toEqual([
    {
      ...ROUTE,
      statuses: [
        { status: 200, count: 2 },
        { status: 503, count: 1 },
      ],
    },
    { method: "", route: "", statuses: [{ status: 404, count: 3 }] },
  ]);
  expect(requests[0]?.seconds.sum).toBeCloseTo(0.006, 9);
});
