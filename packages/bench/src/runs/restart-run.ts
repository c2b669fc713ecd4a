/** From the start of the process to the first acknowledged message, with so much stored. */
import { delay } from "../in-parallel.ts";
import type { RestartWork } from "../scenario/scenario.ts";
import { addressOf } from "../server/target.ts";
import { Connection } from "../traffic/connection.ts";
import { PERSON } from "../traffic/layout.ts";
import { Outgoing } from "../traffic/outgoing.ts";
import { PayloadChoice } from "../traffic/payload-choice.ts";
import { SendFrames } from "../traffic/send-frames.ts";
import { roundsOf } from "./flow-shapes.ts";
import { newRunId, type RunContext, tokenOf } from "./run-context.ts";
import { type RunResult, runResult } from "./run-result.ts";
import { runTraffic } from "./traffic-run.ts";

const SENDERS = 50;
const WINDOW = 64;
const FILL_SECONDS_MAX = 30;
const START_MS_MAX = 120_000;
const PAYLOAD = [{ bytes: 100, share: 1 }];

export async function runRestart(context: RunContext, work: RestartWork): Promise<RunResult> {
  const { server } = context;
  if (server.restart === undefined) throw new Error("only a server that the bench starts itself can be started again");
  const users = newRunId();
  let stored = 0;
  let perSecond = 10_000;
  const faults: string[] = [];
  while (stored < work.stored) {
    const seconds = Math.min(FILL_SECONDS_MAX, Math.max(1, (work.stored - stored) / perSecond));
    const flow = roundsOf(SENDERS, Math.ceil(work.channels / SENDERS), WINDOW, PAYLOAD);
    const filling = await runTraffic(context, { users, flows: [flow], warmUpSeconds: 0, seconds, verification: true });
    perSecond = filling.figures["sendsPerSecond"]!;
    stored += filling.figures["messages"]!;
    faults.push(...filling.faults);
  }
  context.progress(`${context.scenario.name}: starting again`);
  const startedMs = await server.restart(work.signal);
  await firstMessage(context);
  const startSeconds = (performance.now() - startedMs) / 1_000;
  return runResult({ figures: { stored, startSeconds }, generators: [], faults });
}

/** Tries until one SEND is acknowledged. */
async function firstMessage(context: RunContext): Promise<void> {
  const endMs = performance.now() + START_MS_MAX;
  while (!(await sendsOne(context))) {
    if (performance.now() > endMs)
      throw new Error(`no message was acknowledged within ${START_MS_MAX} ms of the start`);
    await delay(5);
  }
}

async function sendsOne(context: RunContext): Promise<boolean> {
  const { scenario, server } = context;
  const run = newRunId();
  const seat = {
    uid: `${run}s`,
    flow: 0,
    channelId: `${run}r`,
    channelType: PERSON,
    stream: 0,
    streamBase: 0,
    streamCount: 1,
    isStalled: false,
  };
  let answered: (isAccepted: boolean) => void = () => undefined;
  const acknowledged = new Promise<boolean>((resolve) => {
    answered = resolve;
  });
  const connection = new Connection(
    seat,
    {
      transport: scenario.transport,
      address: addressOf(server.target, scenario.transport),
      localAddress: undefined,
      version: scenario.version,
      token: tokenOf(scenario) ?? "",
      recvacks: false,
      run,
    },
    new Outgoing(),
    {
      acknowledged: (_connection, _n, reason) => answered(reason === 1),
      received: () => undefined,
      foreign: () => undefined,
      lost: () => answered(false),
    },
  );
  try {
    await connection.login();
  } catch {
    return false;
  }
  const { version } = scenario;
  const choice = new PayloadChoice(PAYLOAD);
  const { channelId, channelType } = seat;
  const { cipher } = connection;
  const frames = new SendFrames({
    version,
    cipher,
    setting: 0,
    run,
    stream: 0,
    channelId,
    channelType,
    peers: 0,
    choice,
  });
  const at = connection.reserve(frames.sizeOf(1));
  frames.write(connection.outgoingBytes, at, 1);
  connection.flush();
  const isAccepted = await acknowledged;
  connection.close();
  return isAccepted;
}
