/** Traffic over sockets, from preparation to verification. Other kinds of runs build on it. */
import type { GeneratorPool } from "../generator/generator-pool.ts";
import { delay } from "../in-parallel.ts";
import { Latencies } from "../latencies.ts";
import type { Flow } from "../scenario/scenario.ts";
import { diskBytes, residentBytes } from "../server/process-figures.ts";
import { addressOf } from "../server/target.ts";
import type { StreamEnd } from "../traffic/delivery-ledger.ts";
import type { FlowWindow, TrafficResult } from "../traffic/traffic-run.ts";
import { newRunId, type RunContext, serverCpu, tokenOf, withGenerators } from "./run-context.ts";
import { curveOf, latencyFigures, type RatePoint, type RunResult, runResult } from "./run-result.ts";
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
    const startMs = performance.now();
    const rates = await watch(context, pool, options.seconds);
    const generators = await pool.callAll("trafficFinishWindow");
    const cpuAfter = serverCpu(context);
    const seconds = (performance.now() - startMs) / 1_000;
    const rssBytes = context.server.pid === undefined ? undefined : residentBytes(context.server.pid);
    context.progress(`${context.scenario.name}: waiting for the rest`);
    const ends = (await pool.callAll("trafficDrain", () => DRAIN_MS_MAX)).flat();
    const results = await pool.callAll("trafficSettle", () => ({ ends, quietMs: QUIET_MS }));

    const total = sumOf(results.flatMap((result) => result.flows));
    const messages = messagesOf(ends);
    const disk = dataDirectory === undefined ? undefined : diskBytes(dataDirectory) - diskBefore;
    const settled = options.settleDisk === true ? await settledDisk(context) : undefined;
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
      ...(cpu === undefined ? {} : cpuFigures(cpu, total, seconds)),
      ...(rssBytes === undefined ? {} : { serverRssMegabytes: rssBytes / MEGABYTE }),
      ...(disk === undefined || messages === 0 ? {} : { diskBytesPerMessage: disk / messages }),
      ...(settled === undefined ? {} : { diskBytesPerMessageSettled: (settled - diskBefore) / messages }),
      ...verificationFigures(results, ends),
    };
    return runResult({
      figures,
      latencies: [curveOf("SEND to SENDACK", ack), ...(delivery.count > 0 ? [curveOf("SEND to RECV", delivery)] : [])],
      rates,
      generators,
      faults: options.verification ? faultsOf(results, ends) : [],
      notes: notesOf(results),
    });
  });
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

function merged(encoded: readonly string[]): Latencies {
  const all = new Latencies();
  for (const text of encoded) all.add(Latencies.decode(text));
  return all;
}

function sumOf(windows: readonly FlowWindow[]): FlowWindow {
  const sum = { acknowledged: 0, delivered: 0, refused: 0, shed: 0 };
  for (const each of windows) {
    sum.acknowledged += each.acknowledged;
    sum.delivered += each.delivered;
    sum.refused += each.refused;
    sum.shed += each.shed;
  }
  return sum;
}

/** Acknowledged with success over the whole run, warm-up included. */
export function messagesOf(ends: readonly StreamEnd[]): number {
  return ends.reduce((sum, end) => sum + end.sent - end.notAcknowledged.length, 0);
}

function offeredFigures(flows: readonly Flow[], total: FlowWindow, seconds: number): Record<string, number> {
  const offered = flows.reduce((sum, flow) => sum + flow.perSecond, 0);
  if (offered === 0) return {};
  return { offeredPerSecond: offered, shedPerSecond: total.shed / seconds };
}

function flowFigures(
  flows: readonly Flow[],
  results: readonly TrafficResult[],
  seconds: number,
): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const [index, flow] of flows.entries()) {
    const parts = results.map((result) => result.flows[index]!);
    const total = sumOf(parts);
    figures[`${flow.name}.sendsPerSecond`] = total.acknowledged / seconds;
    figures[`${flow.name}.deliveriesPerSecond`] = total.delivered / seconds;
    Object.assign(
      figures,
      latencyFigures(`${flow.name}.ack`, merged(parts.map((part) => part.ackLatencies))),
      latencyFigures(`${flow.name}.delivery`, merged(parts.map((part) => part.deliveryLatencies))),
    );
  }
  return figures;
}

function cpuFigures(cpu: number, total: FlowWindow, seconds: number): Record<string, number> {
  return {
    serverCores: cpu / seconds,
    ...(total.acknowledged === 0 ? {} : { serverMicrosPerMessage: (1e6 * cpu) / total.acknowledged }),
    ...(total.delivered === 0 ? {} : { serverMicrosPerDelivery: (1e6 * cpu) / total.delivered }),
  };
}

function verificationFigures(results: readonly TrafficResult[], ends: readonly StreamEnd[]): Record<string, number> {
  const sum = (of: (result: TrafficResult) => number): number => results.reduce((all, each) => all + of(each), 0);
  const refused = sum((result) => Object.values(result.refusals).reduce((all, count) => all + count, 0));
  return {
    messages: messagesOf(ends),
    received: sum((result) => result.verdict.received),
    missing: sum((result) => result.verdict.missing),
    duplicates: sum((result) => result.verdict.duplicates),
    disorder: sum((result) => result.verdict.disorder),
    refused,
    unanswered: ends.reduce((all, end) => all + end.notAcknowledged.length, 0) - refused,
    lostConnections: sum((result) => result.lost),
  };
}

function faultsOf(results: readonly TrafficResult[], ends: readonly StreamEnd[]): readonly string[] {
  const figures = verificationFigures(results, ends);
  const faults = (["missing", "duplicates", "disorder", "unanswered"] as const)
    .filter((name) => figures[name]! > 0)
    .map((name) => `${name}: ${figures[name]}`);
  const corrupt = results.reduce((sum, each) => sum + each.corrupt, 0);
  if (corrupt > 0) faults.push(`corrupt, of those sampled: ${corrupt}`);
  return [...faults, ...new Set(results.flatMap((result) => result.firstError ?? []))];
}

function notesOf(results: readonly TrafficResult[]): readonly string[] {
  const notes: string[] = [];
  const late = results.reduce((sum, each) => sum + each.sealedLate, 0);
  if (late > 0) notes.push(`${late} SENDs were sealed during the run and not before it`);
  const unmeasured = results.reduce((sum, each) => sum + each.unmeasured, 0);
  if (unmeasured > 0)
    notes.push(`${unmeasured} deliveries have no latency: another process sent the message, or it is too old`);
  for (const { refusals } of results) {
    for (const [reason, count] of Object.entries(refusals))
      notes.push(`${count} SENDs were refused with reason ${reason}`);
  }
  const lost = results.reduce((sum, each) => sum + each.lost, 0);
  if (lost > 0) notes.push(`the server closed ${lost} connections`);
  return notes;
}
