/** A load generator: a process of its own that does what the coordinator tells it. */
import { TrafficRun } from "../traffic/traffic-run.ts";
import { fillConversations, loadConversations } from "../work/conversation-sync-load.ts";
import { loadHttpSends } from "../work/http-send-load.ts";
import { IdleConnections } from "../work/idle-load.ts";
import { loadLogins } from "../work/login-load.ts";
import type { AnswerMessage, CallMessage, GeneratorCalls } from "./generator-calls.ts";
import { GeneratorUsageMeter } from "./generator-usage.ts";

const meter = new GeneratorUsageMeter();
let traffic: TrafficRun | undefined;
let idle: IdleConnections | undefined;

function running(): TrafficRun {
  if (traffic === undefined) throw new Error("no traffic was prepared");
  return traffic;
}

const calls: GeneratorCalls = {
  async trafficPrepare(plan) {
    traffic = new TrafficRun(plan);
    await traffic.prepare();
  },
  trafficStart: () => running().start(),
  trafficMark() {
    running().mark();
    meter.start();
  },
  trafficProgress: () => running().progress,
  trafficFinishWindow() {
    running().finishWindow();
    return meter.read();
  },
  trafficDrain: (withinMs) => running().drain(withinMs),
  trafficSettle: ({ ends, quietMs }) => running().settle(ends, quietMs),
  logins: (plan) => loadLogins(plan, meter),
  async idleOpen(plan) {
    idle = await IdleConnections.open(plan);
  },
  idleClose: () => idle?.close(),
  httpSend: (plan) => loadHttpSends(plan, meter),
  conversationFill: fillConversations,
  conversationSync: (plan) => loadConversations(plan, meter),
};

process.on("message", (message) => {
  void answer(message as CallMessage); // The coordinator sends nothing else.
});
process.on("disconnect", () => process.exit(0));

async function answer({ id, method, argument }: CallMessage): Promise<void> {
  let answered: AnswerMessage;
  try {
    const call = calls[method] as (argument: unknown) => unknown;
    answered = { id, value: await call(argument) };
  } catch (error) {
    answered = { id, error: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answered);
}
