/** What runs in a worker: a gateway as everywhere, whose core is at the other end of a port. */
import { createSealer, warmUp } from "@wukong-ts/sealing";
import type { ThreadPort, ThreadProgram, ThreadWorld } from "../../world/world.ts";
import { createGateway, type LocalGateway } from "../gateway.ts";
import { BatchPort } from "./batch-port.ts";
import { CoreRowWriter } from "./core-rows.ts";
import { readGatewayRows } from "./gateway-rows.ts";
import { PackWriter } from "./pack.ts";
import { RemoteCore } from "./remote-core.ts";
import { type Call, type FromWorker, plainError, type WorkerCalls, type WorkerData } from "./worker-messages.ts";

const STATS_EVERY_MS = 1_000;

export const runInThread: ThreadProgram = (world, port, data) => {
  // Given by `WorkerLink`.
  start(world, port, data as WorkerData);
};

function start(world: ThreadWorld, thread: ThreadPort, { options, queueBytesMax }: WorkerData): void {
  const sealer = createSealer();
  if (!options.disableEncryption) warmUp(sealer);
  const tell = (message: FromWorker): void => port.post(message);
  const pack = new PackWriter();
  const port = new BatchPort({
    timers: world.timers,
    post: (message, buffers) => thread.post(message, buffers),
    pack,
    bytesMax: queueBytesMax,
    rows: (rows) => readGatewayRows(rows, core),
    // Only `WorkerLink` is at the other end. One call after the other: a new certificate is for listeners that are there.
    message: (message) => {
      answered = answered.then(() => answer(calls, message as Call, tell));
    },
    drained: () => core.caughtUp(),
  });
  const core = new RemoteCore({
    rows: new CoreRowWriter(pack, () => port.mark()),
    isBehind: () => port.isFull,
    failed: (error) => tell({ kind: "failure", error: plainError(error) }),
  });
  const gateway = createGateway({ world, core, sealer, options });
  const calls = callsOf(gateway);
  let answered = Promise.resolve();
  const tellStats = (): void => {
    tell({ kind: "stats", stats: gateway.stats() });
    world.timers.after(STATS_EVERY_MS, tellStats);
  };
  world.timers.after(STATS_EVERY_MS, tellStats);
  thread.bind((message) => port.received(message));
}

function callsOf(gateway: LocalGateway): WorkerCalls {
  return {
    async listen(addresses) {
      await gateway.start(addresses);
      return gateway.ports;
    },
    stop: () => gateway.stop(),
    replaceCertificate: ({ name, certificate }) => gateway.replaceCertificate(name, certificate),
    named: (sessionIds) => gateway.connectionsOf(sessionIds),
    stats: () => gateway.stats(),
    page: ({ after, count }) => gateway.connectionsAfter(after, count),
  };
}

/** Never rejects. */
async function answer(
  calls: WorkerCalls,
  { call, name, argument }: Call,
  tell: (message: FromWorker) => void,
): Promise<void> {
  try {
    const run = calls[name] as (argument: unknown) => unknown;
    tell({ kind: "answer", call, value: await run(argument) });
  } catch (error) {
    tell({ kind: "refusal", call, error: plainError(error) });
  }
}
