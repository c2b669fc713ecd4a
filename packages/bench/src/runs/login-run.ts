/** How fast users log in, and whether each is answered. */
import { Latencies } from "../latencies.ts";
import type { LoginWork } from "../scenario/scenario.ts";
import { residentBytes } from "../server/process-figures.ts";
import { addressOf } from "../server/target.ts";
import { uidOf } from "../work/line-up.ts";
import { newRunId, type RunContext, serverCpu, tokenOf, withGenerators } from "./run-context.ts";
import { curveOf, latencyFigures, type RunResult, runResult } from "./run-result.ts";
import { setTokens } from "./traffic-preparation.ts";

const WARM_UP_USERS = 500;

export async function runLogins(context: RunContext, work: LoginWork): Promise<RunResult> {
  const { scenario, server } = context;
  return withGenerators(context, async (pool) => {
    const run = newRunId();
    if (scenario.tokens)
      await setTokens(
        context,
        Array.from({ length: work.users }, (_, index) => uidOf(run, index)),
      );
    const login = (users: number): ReturnType<typeof pool.callAll<"logins">> =>
      pool.callAll("logins", (index) => ({
        run,
        transport: scenario.transport,
        address: addressOf(server.target, scenario.transport),
        version: scenario.version,
        token: tokenOf(scenario),
        users,
        concurrency: Math.ceil(work.concurrency / pool.generators.length),
        share: { index, count: pool.generators.length },
      }));
    context.progress(`${scenario.name}: logging in`);
    if (scenario.warmUpSeconds > 0) await login(Math.min(WARM_UP_USERS, work.users));
    const cpuBefore = serverCpu(context);
    const results = await login(work.users);
    const cpuAfter = serverCpu(context);
    const latencies = new Latencies();
    for (const result of results) latencies.add(Latencies.decode(result.latencies));
    const answered = results.reduce((sum, result) => sum + result.answered, 0);
    const unanswered = results.reduce((sum, result) => sum + result.unanswered, 0);
    const rss = server.pid === undefined ? undefined : residentBytes(server.pid);
    return runResult({
      figures: {
        loginsPerSecond: answered / Math.max(...results.map((result) => result.seconds)),
        unanswered,
        ...latencyFigures("login", latencies),
        ...(cpuBefore === undefined || cpuAfter === undefined
          ? {}
          : { serverMicrosPerLogin: (1e6 * (cpuAfter - cpuBefore)) / Math.max(1, answered) }),
        ...(rss === undefined ? {} : { serverRssMegabytes: rss / 2 ** 20 }),
      },
      latencies: [curveOf("connect to CONNACK", latencies)],
      generators: results.map((result) => result.usage),
      faults:
        unanswered > 0 ? [`${unanswered} logins failed: ${results.find((each) => each.firstError)?.firstError}`] : [],
    });
  });
}
