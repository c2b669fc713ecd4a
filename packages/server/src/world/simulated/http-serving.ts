/** HTTP of the simulated process: the same rules and routes as on the real port, without the bytes. */
import { matchRoute, parseQuery, pathOf, slashRedirect } from "../http-routing.ts";
import {
  CallFailed,
  type HttpAnswer,
  type HttpCalling,
  type HttpPost,
  type HttpPosted,
  type HttpRequest,
  type HttpRules,
  type HttpServing,
  type Route,
} from "../world.ts";
import type { EventLoop, Owner } from "./event-loop.ts";
import type { SimulatedNetwork } from "./network.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface SimulatedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly body?: Uint8Array | string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly ip?: string;
}

export interface HttpSurroundings {
  readonly loop: EventLoop;
  readonly random: SeededRandom;
  readonly delayMs: number;
  readonly network: SimulatedNetwork;
  /** Never dies: whoever asks. */
  readonly outside: Owner;
}

export type SimulatedReceiver = (request: HttpPost) => HttpPosted | undefined;

interface Serving {
  readonly routes: readonly Route[];
  readonly rules: HttpRules;
  readonly owner: Owner;
}

export class SimulatedHttp {
  readonly #around: HttpSurroundings;
  readonly #serving: Map<number, Serving> = new Map();
  /** Requests whose asker still waits; a crash answers them with nothing. */
  #waiting: Set<() => void> = new Set();
  #receiver: SimulatedReceiver = () => undefined;

  constructor(around: HttpSurroundings) {
    this.#around = around;
  }

  for(owner: Owner): HttpServing & HttpCalling {
    return {
      post: (request) => this.#post(owner, request),
      serve: async (at, routes, rules) => {
        const listener = this.#around.network.claimPort(at.port, () => this.#serving.delete(listener.port));
        this.#serving.set(listener.port, { routes, rules, owner });
        return listener;
      },
    };
  }

  /** undefined: nobody listens, or the process died before it answered; whether it acted is unknown then. */
  request(port: number, request: SimulatedRequest): Promise<HttpAnswer | undefined> {
    const { loop, outside } = this.#around;
    return new Promise((resolve) => {
      let isOver = false;
      const finish = (answer: HttpAnswer | undefined): void => {
        if (isOver) return;
        isOver = true;
        this.#waiting.delete(lost);
        loop.after(this.#delay(), "http answer", outside, () => resolve(answer));
      };
      const lost = (): void => finish(undefined);
      this.#waiting.add(lost);
      loop.after(this.#delay(), "http request", outside, () => {
        const serving = this.#serving.get(port);
        if (isOver || serving === undefined || !serving.owner.isAlive) lost();
        else void answerOf(serving, request).then((answer) => serving.owner.isAlive && finish(answer), lost);
      });
    });
  }

  /** Who answers what the process posts; undefined: nobody, the call fails. */
  receive(receiver: SimulatedReceiver): void {
    this.#receiver = receiver;
  }

  #post(owner: Owner, request: HttpPost): Promise<HttpPosted> {
    const { loop, outside } = this.#around;
    return new Promise((resolve, reject) => {
      loop.after(this.#delay(), "http post", outside, () => {
        const posted = this.#receiver(request);
        loop.after(this.#delay(), "http post answer", owner, () =>
          posted === undefined ? reject(new CallFailed("nobody answers")) : resolve(posted),
        );
      });
    });
  }

  crash(): void {
    this.#serving.clear();
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const lost of waiting) lost();
  }

  #delay(): number {
    return this.#around.random.delayMs(this.#around.delayMs);
  }
}

async function answerOf({ routes, rules }: Serving, asked: SimulatedRequest): Promise<HttpAnswer> {
  const path = pathOf(asked.url);
  const request: Omit<HttpRequest, "params"> = {
    method: asked.method,
    path,
    body: typeof asked.body === "string" ? Buffer.from(asked.body) : (asked.body ?? new Uint8Array(0)),
    query: parseQuery(asked.url.slice(path.length + 1)),
    headers: asked.headers ?? {},
    ip: asked.ip ?? "127.0.0.1",
  };
  let answer = rules.admit?.(request);
  try {
    answer ??= await routed(routes, rules, request, asked.url);
  } catch (error) {
    answer = rules.failed(error, request);
  }
  rules.ended?.(
    { method: asked.method, route: matchRoute(routes, asked.method, path)?.route.path ?? "" },
    answer.status,
    0,
  );
  return { ...answer, headers: { ...rules.headers, ...answer.headers } };
}

async function routed(
  routes: readonly Route[],
  rules: HttpRules,
  request: Omit<HttpRequest, "params">,
  url: string,
): Promise<HttpAnswer> {
  const refused = rules.gate(request);
  if (refused !== undefined) return refused;
  const match = matchRoute(routes, request.method, request.path);
  if (match === undefined) return slashRedirect(routes, request.method, url) ?? rules.notFound(request);
  if (request.body.length > rules.bodyBytesMax) return rules.unreadable(413, "Request body is too large");
  return match.route.handle({ ...request, params: match.params });
}
