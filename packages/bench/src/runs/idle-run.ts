/** The memory of connections that only are there. */
import { delay } from "../in-parallel.ts";
import type { IdleWork } from "../scenario/scenario.ts";
import { residentBytes } from "../server/process-figures.ts";
import { addressOf } from "../server/target.ts";
import { newRunId, type RunContext, serverCpu, tokenOf, withGenerators } from "./run-context.ts";
import { type RunResult, runResult } from "./run-result.ts";

/**
 * Before the memory is read: what logging in left behind is collected meanwhile. A server on V8 gives the room for new
 * objects back, up to a hundred megabytes, when it has been quiet for eight seconds.
 */
const SETTLE_MS = 15_000;
const WARM_UP_CONNECTIONS = 500;

export async function runIdle(context: RunContext, work: IdleWork): Promise<RunResult> {
  const { scenario, server } = context;
  const { pid } = server;
  if (pid === undefined) throw new Error("memory can only be seen with the server's pid");
  return withGenerators(context, async (pool) => {
    const open = (connections: number): Promise<unknown> =>
      pool.callAll("idleOpen", (index) => ({
        run: newRunId(),
        transport: scenario.transport,
        address: addressOf(server.target, scenario.transport),
        version: scenario.version,
        token: tokenOf(scenario),
        connections,
        share: { index, count: pool.generators.length },
      }));
    context.progress(`${scenario.name}: warming up`);
    await open(Math.min(WARM_UP_CONNECTIONS, work.connections));
    await pool.callAll("idleClose");
    await delay(SETTLE_MS);
    const before = residentBytes(pid) ?? 0;
    context.progress(`${scenario.name}: opening ${work.connections} connections`);
    await open(work.connections);
    await delay(SETTLE_MS);
    const after = residentBytes(pid) ?? 0;
    const cpuBefore = serverCpu(context) ?? 0;
    await delay(1_000 * scenario.seconds);
    const idleCores = ((serverCpu(context) ?? 0) - cpuBefore) / scenario.seconds;
    await pool.callAll("idleClose");
    return runResult({
      figures: {
        connections: work.connections,
        kilobytesPerConnection: (after - before) / 1_024 / work.connections,
        serverRssMegabytes: after / 2 ** 20,
        idleServerCores: idleCores,
      },
      generators: [],
      faults: [],
    });
  });
}
