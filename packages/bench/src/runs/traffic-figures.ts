/** What a traffic run's parts add up to. */
import { Latencies } from "../latencies.ts";
import type { Flow } from "../scenario/scenario.ts";
import type { StreamEnd } from "../traffic/delivery-ledger.ts";
import type { FlowWindow } from "../traffic/flow-state.ts";
import type { TrafficResult } from "../traffic/traffic-run.ts";
import type { HistorySample } from "./history-sample.ts";
import { latencyFigures } from "./run-result.ts";

export function merged(encoded: readonly string[]): Latencies {
  const all = new Latencies();
  for (const text of encoded) all.add(Latencies.decode(text));
  return all;
}

export function sumOf(windows: readonly FlowWindow[]): FlowWindow {
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

export function offeredFigures(flows: readonly Flow[], total: FlowWindow, seconds: number): Record<string, number> {
  const offered = flows.reduce((sum, flow) => sum + flow.perSecond, 0);
  if (offered === 0) return {};
  return { offeredPerSecond: offered, shedPerSecond: total.shed / seconds };
}

export function flowFigures(
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

export function cpuFigures(
  cpu: number,
  mainThread: number,
  total: FlowWindow,
  seconds: number,
): Record<string, number> {
  return {
    serverCores: cpu / seconds,
    serverMainThreadCores: mainThread / seconds,
    ...(total.acknowledged === 0 ? {} : { serverMicrosPerMessage: (1e6 * cpu) / total.acknowledged }),
    ...(total.delivered === 0 ? {} : { serverMicrosPerDelivery: (1e6 * cpu) / total.delivered }),
  };
}

export function verificationFigures(
  results: readonly TrafficResult[],
  ends: readonly StreamEnd[],
): Record<string, number> {
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

export function faultsOf(
  results: readonly TrafficResult[],
  ends: readonly StreamEnd[],
  sample: HistorySample | undefined,
): readonly string[] {
  const figures = verificationFigures(results, ends);
  const faults = (["missing", "duplicates", "disorder", "unanswered"] as const)
    .filter((name) => figures[name]! > 0)
    .map((name) => `${name}: ${figures[name]}`);
  const corrupt = results.reduce((sum, each) => sum + each.corrupt, 0);
  if (corrupt > 0) faults.push(`corrupt, of those sampled: ${corrupt}`);
  if (sample !== undefined && sample.notFound > 0)
    faults.push(`not in the history, of ${sample.lookedFor}: ${sample.notFound}`);
  return [...faults, ...new Set(results.flatMap((result) => result.firstError ?? []))];
}

export function notesOf(results: readonly TrafficResult[]): readonly string[] {
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
