/**
 * Who is let in to the HTTP API: no more requests per second from one address than `rateLimit` allows, before anything is
 * read of them, and no more at work than the server has room for. One that is still being sent is not at work: whoever
 * sends slowly takes nobody's place. And the count of what became of them all.
 */
import type { TokenBuckets } from "../messaging/token-buckets.ts";
import { Histogram, type HistogramSnapshot, SECONDS } from "../observe/histogram.ts";
import type { HttpAnswer, HttpRules, Route } from "../world/world.ts";
import { tooBusy, tooMany } from "./answers.ts";

export interface HttpAdmissionOptions {
  readonly requestsMax: number;
  /** By address; undefined: no limit. */
  readonly perIp: TokenBuckets | undefined;
}

/** Plain data. */
export interface HttpStats {
  /** Requests at work. */
  readonly underWay: number;
  readonly requests: readonly HttpRouteStats[];
}

export interface HttpRouteStats {
  readonly method: string;
  /** The pattern; "" for paths that no route has. */
  readonly route: string;
  readonly statuses: readonly { readonly status: number; readonly count: number }[];
  readonly seconds: HistogramSnapshot;
}

interface RouteCounters {
  readonly method: string;
  readonly route: string;
  readonly statuses: Map<number, number>;
  readonly seconds: Histogram;
}

/** Probes and scrapes tell how things are; they are few and are let in when nobody else is. */
const ALWAYS_ADMITTED: ReadonlySet<string> = new Set(["/health", "/healthz", "/readyz", "/metrics"]);

export class HttpAdmission implements Required<Pick<HttpRules, "admit" | "ended">> {
  readonly #options: HttpAdmissionOptions;
  readonly #routes = new Map<string, RouteCounters>();
  #underWay = 0;

  constructor(options: HttpAdmissionOptions) {
    this.#options = options;
  }

  admit({ ip, path }: { readonly ip: string; readonly path: string }): HttpAnswer | undefined {
    const { perIp } = this.#options;
    if (ALWAYS_ADMITTED.has(path) || perIp === undefined || perIp.take(ip, 1) === 1) return undefined;
    return tooMany("too many requests from this address, try again later", perIp.retryAfterMs(ip));
  }

  /** The same route; it answers 503 at once while `requestsMax` requests, of all that were limited, are at work. */
  limited(route: Route): Route {
    if (ALWAYS_ADMITTED.has(route.path)) return route;
    return {
      ...route,
      handle: async (request) => {
        if (this.#underWay >= this.#options.requestsMax) return tooBusy("too many requests are under way, try again");
        this.#underWay++;
        try {
          return await route.handle(request);
        } finally {
          this.#underWay--;
        }
      },
    };
  }

  ended(
    { method, route }: { readonly method: string; readonly route: string },
    status: number,
    elapsedMs: number,
  ): void {
    // A caller may invent methods and paths; there is one series for them all.
    const key = route === "" ? "" : `${method} ${route}`;
    let counters = this.#routes.get(key);
    if (counters === undefined) {
      counters = { method: route === "" ? "" : method, route, statuses: new Map(), seconds: new Histogram(SECONDS) };
      this.#routes.set(key, counters);
    }
    counters.statuses.set(status, (counters.statuses.get(status) ?? 0) + 1);
    counters.seconds.observe(elapsedMs / 1000);
  }

  stats(): HttpStats {
    return {
      underWay: this.#underWay,
      requests: [...this.#routes.values()].map(({ method, route, statuses, seconds }) => ({
        method,
        route,
        statuses: [...statuses].map(([status, count]) => ({ status, count })),
        seconds: seconds.snapshot(),
      })),
    };
  }
}
