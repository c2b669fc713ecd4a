/** Paths and patterns, as Fastify and the original read them. */
import { describe, expect, test } from "vitest";
import { matchRoute, parseQuery, pathOf, slashRedirect } from "./http-routing.ts";
import type { Route } from "./world.ts";

const route = (method: Route["method"], path: string): Route => ({
  method,
  path,
  handle: () => ({ status: 200, body: "" }),
});
const ROUTES = [route("GET", "/a"), route("POST", "/a"), route("GET", "/c/:id/:type/list"), route("GET", "/d/")];

describe("matching a path", () => {
  test("finds the route of the method, with decoded parameters", () => {
    expect(matchRoute(ROUTES, "POST", "/a")?.route).toBe(ROUTES[1]);
    expect({ ...matchRoute(ROUTES, "GET", "/c/x%2Fy/2/list")?.params }).toEqual({ id: "x/y", type: "2" });
  });

  test.each(["/", "/b", "/a/", "//a", "/a/b", "/c//2/list", "/c/%zz/2/list", "/c/x/2/LIST", "", "a", "/d"])(
    "finds nothing for %j",
    (path) => {
      expect(matchRoute(ROUTES, "GET", path)).toBeUndefined();
    },
  );
});

describe("the redirect of a trailing slash", () => {
  test("keeps the query and the encoding", () => {
    expect(slashRedirect(ROUTES, "GET", "/c/x%2Fy/2/list/?q=%20#f")).toMatchObject({
      status: 301,
      headers: { location: "/c/x%2Fy/2/list?q=%20#f" },
    });
    expect(slashRedirect(ROUTES, "POST", "/a/?")).toEqual({ status: 307, headers: { location: "/a?" }, body: "" });
    expect(slashRedirect(ROUTES, "GET", "/d")?.headers).toEqual({ location: "/d/" });
  });

  test("of a GET carries a link, in which nothing of the query is markup", () => {
    const body = slashRedirect(ROUTES, "GET", `/a/?"><script>&'`)?.body;
    expect(body).toBe('<a href="/a?&#34;&#62;&#60;script&#62;&#38;&#39;">Moved Permanently</a>.\n\n');
  });

  test.each(["/", "", "/a", "/a//", "//a/", "/b/", "/none"])("is not made for %j", (url) => {
    expect(slashRedirect(ROUTES, "GET", url)).toBeUndefined();
  });
});

test("a query is decoded, the first of a name counts, and names have no meaning of their own", () => {
  const query = parseQuery("a=1&a=2&b=x+y%26&c&__proto__=p&=empty&%zz=1");
  expect(Object.entries(query)).toEqual([
    ["a", "1"],
    ["b", "x y&"],
    ["c", ""],
    ["__proto__", "p"],
    ["", "empty"],
    ["%zz", "1"],
  ]);
  expect(Object.keys(parseQuery(""))).toEqual([]);
});

test("the path of a URL ends at its query or fragment", () => {
  expect(["/a?b", "/a#b?c", "/a", "?x"].map(pathOf)).toEqual(["/a", "/a", "/a", ""]);
});
