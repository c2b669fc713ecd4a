/** HTTP in a closed loop. */
import type { GeneratorPool } from "../generator/generator-pool.ts";
import { Latencies } from "../latencies.ts";
import type { ConversationSyncWork, HttpSendWork } from "../scenario/scenario.ts";
import { residentBytes } from "../server/process-figures.ts";
import { addressOf } from "../server/target.ts";
import type { ConversationSyncPlan } from "../work/conversation-sync-load.ts";
import type { HttpLoadResult } from "../work/http-load.ts";
import { newRunId, type RunContext, serverCpu, withGenerators } from "./run-context.ts";
import { curveOf, latencyFigures, type RunResult, runResult } from "./run-result.ts";

export async function runHttpSend(context: RunContext, work: HttpSendWork): Promise<RunResult> {
  const { scenario, server } = context;
  return withGenerators(context, async (pool) => {
    const run = newRunId();
    const load = (seconds: number): Promise<HttpLoadResult[]> =>
      pool.callAll("httpSend", (index) => ({
        run: `${run}${index}`,
        http: addressOf(server.target, "http"),
        channels: work.channels,
        concurrency: shareOf(work.concurrency, pool),
        payloadBytes: work.payloadBytes,
        seconds,
      }));
    context.progress(`${scenario.name}: warming up`);
    if (scenario.warmUpSeconds > 0) await load(scenario.warmUpSeconds);
    context.progress(`${scenario.name}: ${scenario.seconds} s of requests`);
    return measured(context, () => load(scenario.seconds));
  });
}

export async function runConversationSync(context: RunContext, work: ConversationSyncWork): Promise<RunResult> {
  const { scenario, server } = context;
  return withGenerators(context, async (pool) => {
    const run = newRunId();
    const plan = (index: number, seconds: number): ConversationSyncPlan => ({
      run: `${run}${index}`,
      http: addressOf(server.target, "http"),
      users: work.users,
      chats: work.chats,
      recents: work.recents,
      nothingNew: work.nothingNew,
      payloadBytes: work.payloadBytes,
      concurrency: shareOf(work.concurrency, pool),
      seconds,
    });
    context.progress(`${scenario.name}: filling ${work.users} × ${work.chats} chats`);
    await pool.callAll("conversationFill", (index) => plan(index, 0));
    context.progress(`${scenario.name}: warming up, then ${scenario.seconds} s of requests`);
    if (scenario.warmUpSeconds > 0) {
      await pool.callAll("conversationSync", (index) => plan(index, scenario.warmUpSeconds));
    }
    return measured(context, () => pool.callAll("conversationSync", (index) => plan(index, scenario.seconds)));
  });
}

function shareOf(concurrency: number, pool: GeneratorPool): number {
  return Math.max(1, Math.round(concurrency / pool.generators.length));
}

async function measured(context: RunContext, load: () => Promise<HttpLoadResult[]>): Promise<RunResult> {
  const before = serverCpu(context);
  const results = await load();
  const after = serverCpu(context);
  return resultOf(context, results, before === undefined || after === undefined ? undefined : after - before);
}

function resultOf(context: RunContext, results: readonly HttpLoadResult[], cpu: number | undefined): RunResult {
  const latencies = new Latencies();
  for (const result of results) latencies.add(Latencies.decode(result.latencies));
  const answered = results.reduce((sum, result) => sum + result.answered, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  const bodyBytes = results.reduce((sum, result) => sum + result.bodyBytes, 0);
  const { pid } = context.server;
  const rss = pid === undefined ? undefined : residentBytes(pid);
  return runResult({
    figures: {
      requestsPerSecond: answered / Math.max(...results.map((result) => result.seconds)),
      failed,
      ...latencyFigures("request", latencies),
      answerKilobytes: bodyBytes / Math.max(1, answered) / 1_024,
      ...(cpu === undefined ? {} : { serverMicrosPerRequest: (1e6 * cpu) / Math.max(1, answered) }),
      ...(rss === undefined ? {} : { serverRssMegabytes: rss / 2 ** 20 }),
    },
    latencies: [curveOf("request to answer", latencies)],
    generators: results.map((result) => result.usage),
    faults: failed > 0 ? [`${failed} requests failed: ${results.find((each) => each.firstError)?.firstError}`] : [],
  });
}
