/** More than the server can do: what still gets through, how long that takes, and how soon the server is well again. */
import type { OverloadWork } from "../scenario/scenario.ts";
import { LONE_SENDER } from "./flow-shapes.ts";
import type { RunContext } from "./run-context.ts";
import type { RunResult } from "./run-result.ts";
import { runTraffic } from "./traffic-run.ts";

const QUIET_SECONDS = 2;
const RECOVERY_SECONDS_MAX = 60;
/** A lone sender's p99 against that before the overload. */
const RECOVERED_FACTOR = 3;

export async function runOverload(context: RunContext, work: OverloadWork): Promise<RunResult> {
  const { scenario } = context;
  const lone = { flows: [LONE_SENDER], warmUpSeconds: 0.5, seconds: QUIET_SECONDS, verification: true };
  const closed = { flows: work.flows, warmUpSeconds: scenario.warmUpSeconds, verification: true };
  const peak = await runTraffic(context, { ...closed, seconds: work.peakSeconds });
  const quiet = await runTraffic(context, lone);
  const peakPerSecond = peak.figures["sendsPerSecond"]!;
  const share = (work.factor * peakPerSecond) / work.flows.length;
  const flooding = work.flows.map((flow) => ({ ...flow, window: 0, perSecond: share }));
  const flood = await runTraffic(context, { ...closed, flows: flooding, warmUpSeconds: 1, seconds: scenario.seconds });
  const endedMs = performance.now();
  const wantedMs = RECOVERED_FACTOR * quiet.figures["ackP99Ms"]!;
  let recoveredSeconds = RECOVERY_SECONDS_MAX;
  while (performance.now() - endedMs < 1_000 * RECOVERY_SECONDS_MAX) {
    const beganMs = performance.now();
    const probe = await runTraffic(context, { ...lone, warmUpSeconds: 0, seconds: 1 });
    if (probe.figures["ackP99Ms"]! > wantedMs) continue;
    recoveredSeconds = (beganMs - endedMs) / 1_000;
    break;
  }
  return {
    ...flood,
    figures: {
      ...flood.figures,
      peakSendsPerSecond: peakPerSecond,
      goodputShare: flood.figures["sendsPerSecond"]! / peakPerSecond,
      recoverySeconds: recoveredSeconds,
      quietAckP99Ms: quiet.figures["ackP99Ms"]!,
      peakRssMegabytes: peak.figures["serverRssMegabytes"] ?? 0,
      peakPrivateMegabytes: peak.figures["serverPrivateMegabytes"] ?? 0,
      peakAckP99Ms: peak.figures["ackP99Ms"]!,
    },
    faults: [...new Set([...peak.faults, ...quiet.faults, ...flood.faults])],
  };
}
