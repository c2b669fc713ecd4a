/**
 * Which route a path means, for the two places Fastify is not asked: the redirect of a path with a missing or superfluous
 * trailing slash, and the simulated HTTP server. Patterns are Fastify's plain ones: static segments and `:name`.
 */
import type { HttpAnswer, Route } from "./world.ts";

export interface RouteMatch<Of extends Route> {
  readonly route: Of;
  readonly params: Readonly<Record<string, string>>;
}

export function matchRoute<Of extends Route>(
  routes: readonly Of[],
  method: string,
  path: string,
): RouteMatch<Of> | undefined {
  const segments = path.split("/");
  for (const route of routes) {
    if (route.method !== method) continue;
    const params = matchSegments(route.path.split("/"), segments);
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

/** GET is redirected with 301, other methods with 307, which keeps method and body. undefined: no such route either. */
export function slashRedirect(routes: readonly Route[], method: string, url: string): HttpAnswer | undefined {
  const path = pathOf(url);
  const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
  if (other === "" || matchRoute(routes, method, other) === undefined) return undefined;
  const location = other + url.slice(path.length);
  if (method !== "GET") return { status: 307, headers: { location }, body: "" };
  const href = location.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return {
    status: 301,
    headers: { location },
    contentType: "text/html; charset=utf-8",
    body: `<a href="${href}">Moved Permanently</a>.\n\n`,
  };
}

/** Everything before the query, still percent-encoded. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

/** The first value of each name; `+` is a space. Without prototype, so that no name has a meaning of its own. */
export function parseQuery(text: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    if (!(name in query)) query[name] = value;
  }
  return query;
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = Object.create(null);
  for (let index = 0; index < pattern.length; index += 1) {
    const expected = pattern[index] ?? "";
    const actual = decoded(segments[index] ?? "");
    if (actual === undefined) return undefined;
    if (!expected.startsWith(":")) {
      if (expected !== actual) return undefined;
    } else if (actual === "") return undefined;
    else params[expected.slice(1)] = actual;
  }
  return params;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
