/** Traffic over sockets, from preparation to verification. Other kinds of runs build on it. */
import type { GeneratorPool } from "../generator/generator-pool.ts";
import { delay } from "../in-parallel.ts";
import type { Flow } from "../scenario/scenario.ts";
import { diskBytes, privateBytes, residentBytes } from "../server/process-figures.ts";
import { addressOf } from "../server/target.ts";
import type { StreamEnd } from "../traffic/delivery-ledger.ts";
import { peersOf } from "../traffic/peers.ts";
import { type HistorySample, sampleHistories } from "./history-sample.ts";
import { newRunId, type RunContext, serverCpu, serverMainThreadCpu, tokenOf, withGenerators } from "./run-context.ts";
import { curveOf, latencyFigures, type RatePoint, type RunResult, runResult } from "./run-result.ts";
import {
  cpuFigures,
  faultsOf,
  flowFigures,
  merged,
  messagesOf,
  notesOf,
  offeredFigures,
  sumOf,
  verificationFigures,
} from "./traffic-figures.ts";
import { prepareTraffic } from "./traffic-preparation.ts";

export interface TrafficOptions {
  readonly flows: readonly Flow[];
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly verification: boolean;
  readonly settleDisk?: boolean;
  /** The users of an earlier run, by its prefix. Default: new ones. */
  readonly users?: string;
}

const DRAIN_MS_MAX = 30_000;
const QUIET_MS = 5_000;
const DISK_QUIET_MS = 4_000;
const DISK_SETTLES_MS_MAX = 60_000;
const MEGABYTE = 1 << 20;

export async function runTraffic(context: RunContext, options: TrafficOptions): Promise<RunResult> {
  return withGenerators(context, async (pool) => {
    const { dataDirectory } = context.server;
    const run = newRunId();
    await prepareGenerators(context, pool, { ...options, run });
    const diskBefore = dataDirectory === undefined ? 0 : diskBytes(dataDirectory);
    await pool.callAll("trafficStart");
    await warmUp(context, options.warmUpSeconds);
    await pool.callAll("trafficMark");
    const cpuBefore = serverCpu(context);
    const mainBefore = serverMainThreadCpu(context) ?? 0;
    const startMs = performance.now();
    const rates = await watch(context, pool, options.seconds);
    const generators = await pool.callAll("trafficFinishWindow");
    const cpuAfter = serverCpu(context);
    const mainThread = (serverMainThreadCpu(context) ?? 0) - mainBefore;
    const seconds = (performance.now() - startMs) / 1_000;
    const memory = memoryFigures(context.server.pid);
    context.progress(`${context.scenario.name}: waiting for the rest`);
    const ends = (await pool.callAll("trafficDrain", () => DRAIN_MS_MAX)).flat();
    const results = await pool.callAll("trafficSettle", () => ({ ends, quietMs: QUIET_MS }));

    const disk = dataDirectory === undefined ? undefined : diskBytes(dataDirectory) - diskBefore;
    const sample = await historySample(context, { run, users: options.users ?? run }, options, ends);
    const settled = options.settleDisk === true ? await settledDisk(context) : undefined;
    const total = sumOf(results.flatMap((result) => result.flows));
    const messages = messagesOf(ends);
    const cpu = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
    const ack = merged(results.flatMap((result) => result.flows.map((flow) => flow.ackLatencies)));
    const delivery = merged(results.flatMap((result) => result.flows.map((flow) => flow.deliveryLatencies)));
    const figures = {
      sendsPerSecond: total.acknowledged / seconds,
      deliveriesPerSecond: total.delivered / seconds,
      ...offeredFigures(options.flows, total, seconds),
      ...latencyFigures("ack", ack),
      ...latencyFigures("delivery", delivery),
      ...(options.flows.length > 1 ? flowFigures(options.flows, results, seconds) : {}),
      ...(cpu === undefined ? {} : cpuFigures(cpu, mainThread, total, seconds)),
      ...memory,
      ...(disk === undefined || messages === 0 ? {} : { diskBytesPerMessage: disk / messages }),
      ...(settled === undefined ? {} : { diskBytesPerMessageSettled: (settled - diskBefore) / messages }),
      ...verificationFigures(results, ends),
      ...(sample === undefined ? {} : { historyLookedFor: sample.lookedFor, historyNotFound: sample.notFound }),
    };
    return runResult({
      figures,
      latencies: [curveOf("SEND to SENDACK", ack), ...(delivery.count > 0 ? [curveOf("SEND to RECV", delivery)] : [])],
      rates,
      generators,
      faults: options.verification ? faultsOf(results, ends, sample) : [],
      notes: notesOf(results),
    });
  });
}

function memoryFigures(pid: number | undefined): Record<string, number> {
  const [resident, own] = pid === undefined ? [] : [residentBytes(pid), privateBytes(pid)];
  return {
    ...(resident === undefined ? {} : { serverRssMegabytes: resident / MEGABYTE }),
    ...(own === undefined ? {} : { serverPrivateMegabytes: own / MEGABYTE }),
  };
}

/** Everyone is logged in and knows his channel. */
export async function prepareGenerators(
  context: RunContext,
  pool: GeneratorPool,
  options: TrafficOptions & { readonly run: string },
): Promise<void> {
  const { run, users = run } = options;
  const { scenario, server } = context;
  context.progress(`${scenario.name}: preparing`);
  await prepareTraffic(context, users, options.flows);
  await pool.callAll("trafficPrepare", (index) => ({
    users,
    run,
    flows: options.flows,
    share: { index, count: pool.generators.length },
    transport: scenario.transport,
    address: addressOf(server.target, scenario.transport),
    version: scenario.version,
    encryption: scenario.encryption,
    token: tokenOf(scenario),
    verification: options.verification,
    seconds: options.warmUpSeconds + options.seconds,
  }));
}

/** undefined: everyone who is written to is online, or there is no HTTP to ask. */
async function historySample(
  context: RunContext,
  ids: { readonly users: string; readonly run: string },
  { flows, verification }: TrafficOptions,
  ends: readonly StreamEnd[],
): Promise<HistorySample | undefined> {
  const { http } = context.server.target;
  if (!verification || http === undefined || flows.every((flow) => peersOf(flow) === 0)) return undefined;
  return sampleHistories(http, ids, flows, ends);
}

/** What the files take after a restart, once they no longer change; undefined: the server is not ours to start again. */
async function settledDisk(context: RunContext): Promise<number | undefined> {
  const { dataDirectory, restart } = context.server;
  if (dataDirectory === undefined || restart === undefined) return undefined;
  context.progress(`${context.scenario.name}: waiting for the files to settle`);
  await restart("SIGTERM");
  const endMs = performance.now() + DISK_SETTLES_MS_MAX;
  let last = diskBytes(dataDirectory);
  while (performance.now() < endMs) {
    await delay(DISK_QUIET_MS);
    const now = diskBytes(dataDirectory);
    if (now === last) break;
    last = now;
  }
  return last;
}

async function warmUp(context: RunContext, seconds: number): Promise<void> {
  context.progress(`${context.scenario.name}: warming up for ${seconds} s`);
  await delay(1_000 * seconds);
}

async function watch(context: RunContext, pool: GeneratorPool, seconds: number): Promise<RatePoint[]> {
  const startMs = performance.now();
  const rates: RatePoint[] = [];
  let last = { acknowledged: 0, delivered: 0, second: 0 };
  while (last.second < seconds - 0.01) {
    await delay(Math.min(1_000, 1_000 * seconds - (performance.now() - startMs)));
    const all = await pool.callAll("trafficProgress");
    const second = (performance.now() - startMs) / 1_000;
    const acknowledged = all.reduce((sum, each) => sum + each.acknowledged, 0);
    const delivered = all.reduce((sum, each) => sum + each.delivered, 0);
    const rate = {
      second,
      sendsPerSecond: (acknowledged - last.acknowledged) / (second - last.second),
      deliveriesPerSecond: (delivered - last.delivered) / (second - last.second),
    };
    rates.push(rate);
    last = { acknowledged, delivered, second };
    const [sends, deliveries] = [rate.sendsPerSecond, rate.deliveriesPerSecond].map(Math.round);
    context.progress(`${context.scenario.name}: ${Math.round(second)} s, ${sends} sends/s, ${deliveries} deliveries/s`);
  }
  return rates;
}
