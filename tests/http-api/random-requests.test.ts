/**
 * Random requests to a real process, from its own description of the API: never 5xx, never an answer that is not
 * described, and after a request that was refused everything reads as before. WK_SEED brings a run back,
 * WK_REQUESTS makes it longer.
 */
import { expect, test } from "vitest";
import { DescribedApi } from "../harness/described-api.ts";
import { valueAt } from "../harness/exact-json.ts";
import type { HttpAnswer, HttpRequest } from "../harness/http-client.ts";
import { Seeded } from "../harness/seeded.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { RequestMaker, readsOfAll } from "./request-maker.ts";

const REQUESTS = Number(process.env["WK_REQUESTS"] ?? 600);
const SHOWN_CHARACTERS = 300;
const SETTINGS = { "bench.apiOn": true, "auth.users": "operator:secret:*" };

test.each(["api", "manager"] as const)(
  "random requests to the %s port are answered as described, and refused ones change nothing",
  async (port) => {
    const random = new Seeded();
    console.log(`seed of the random requests: ${random.seed}`);
    await using server = await ServerProcess.start({ settings: SETTINGS });
    const api = await DescribedApi.of(server.http, port);
    const call = port === "api" ? callerOf(server) : await operatorOf(server);
    const maker = new RequestMaker(random, api);
    const reads = readsOfAll();
    const state = async (): Promise<readonly string[]> => {
      const answers = await Promise.all(reads.map((read) => server.http.call(read)));
      return answers.map(({ status, text }, index) => `${reads[index]?.path} ${status} ${text}`);
    };
    const counts = new Map<number, number>();
    let before = await state();
    for (let made = 0; made < REQUESTS; made++) {
      const request = maker.next();
      const answer = await call(request);
      const about = `seed ${random.seed}, request ${made}: ${shown(request)} → ${answer.status} ${answer.text.slice(0, SHOWN_CHARACTERS)}`;
      counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
      expect(answer.status, about).toBeLessThan(500);
      expect(api.problem(request.method, request.path, answer), about).toBeUndefined();
      if (answer.status < 400) before = await state();
      else expect(await state(), about).toEqual(before);
    }
    expect(server.exited, server.outputTail()).toBeUndefined();
    // Both kinds were tried.
    for (const status of [200, 400]) expect(counts.get(status), `answers ${status}`).toBeGreaterThan(REQUESTS / 10);
  },
);

type Call = (request: HttpRequest) => Promise<HttpAnswer>;

function callerOf(server: ServerProcess): Call {
  return (request) => server.http.call(request);
}

/** Who may do everything there. */
async function operatorOf(server: ServerProcess): Promise<Call> {
  const { body } = await server.manager.post("/manager/login", { username: "operator", password: "secret" });
  const authorization = String(valueAt(body, "token"));
  return ({ headers, ...request }) => server.manager.call({ ...request, headers: { ...headers, authorization } });
}

function shown({ method, path, body }: HttpRequest): string {
  return `${method} ${path.slice(0, SHOWN_CHARACTERS)} ${Buffer.from(body ?? "")
    .toString("latin1")
    .slice(0, SHOWN_CHARACTERS)}`;
}
