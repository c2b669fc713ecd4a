/** kill -9 under load: what was acknowledged must be in the history afterwards, once and in order. */
import { delay, inParallel } from "../in-parallel.ts";
import type { CrashWork, Flow } from "../scenario/scenario.ts";
import { HttpCaller } from "../server/http-caller.ts";
import { addressOf } from "../server/target.ts";
import type { StreamEnd } from "../traffic/delivery-ledger.ts";
import { createLayout, type Seat } from "../traffic/layout.ts";
import { messageNumber } from "../traffic/message-number.ts";
import { newRunId, type RunContext, withGenerators } from "./run-context.ts";
import { type RunResult, runResult } from "./run-result.ts";
import { messagesOf } from "./traffic-figures.ts";
import { prepareGenerators } from "./traffic-run.ts";

const PAGE = 1_000;
const READERS = 8;
const START_MS_MAX = 60_000;

export async function runCrash(context: RunContext, work: CrashWork): Promise<RunResult> {
  const { scenario, server } = context;
  const { restart } = server;
  if (restart === undefined) throw new Error("only a server that the bench starts itself can be killed");
  return withGenerators(context, async (pool) => {
    const run = newRunId();
    const { flows } = work;
    await prepareGenerators(context, pool, {
      run,
      flows,
      warmUpSeconds: 0,
      seconds: scenario.seconds,
      verification: false,
    });
    await pool.callAll("trafficStart");
    await pool.callAll("trafficMark");
    context.progress(`${scenario.name}: ${scenario.seconds} s of load, then kill -9`);
    await delay(1_000 * scenario.seconds);
    const [startedMs, generators] = await Promise.all([restart("SIGKILL"), pool.callAll("trafficFinishWindow")]);
    const ends = (await pool.callAll("trafficDrain", () => 0)).flat();
    const caller = new HttpCaller(addressOf(server.target, "http"), READERS);
    await answers(caller);
    const restartSeconds = (performance.now() - startedMs) / 1_000;
    context.progress(`${scenario.name}: reading the history of ${ends.length} streams`);
    const found = await check(caller, run, flows, ends);
    caller.close();
    return runResult({
      figures: { messages: messagesOf(ends), restartSeconds, ...found },
      generators,
      faults: Object.entries(found)
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${name}: ${count}`),
    });
  });
}

async function answers(caller: HttpCaller): Promise<void> {
  const endMs = performance.now() + START_MS_MAX;
  while (performance.now() < endMs) {
    const answer = await caller.post("/conversation/sync", '{"uid":"bench"}').catch(() => undefined);
    if (answer !== undefined) return;
    await delay(10);
  }
  throw new Error(`the server did not answer within ${START_MS_MAX} ms of its restart`);
}

interface Found extends Record<string, number> {
  /** Acknowledged and not in the history. */
  lost: number;
  /** In the history more than once. */
  repeated: number;
  /** Behind a later one of the same sender. */
  disordered: number;
}

async function check(
  caller: HttpCaller,
  run: string,
  flows: readonly Flow[],
  ends: readonly StreamEnd[],
): Promise<Found> {
  const found: Found = { lost: 0, repeated: 0, disordered: 0 };
  const { seats } = createLayout(run, flows, { index: 0, count: 1 });
  const endOf = new Map(ends.map((end) => [end.stream, end]));
  const channels = Map.groupBy(
    seats.filter((seat) => seat.stream >= 0),
    (seat) => seat.channelId,
  );
  await inParallel([...channels.values()], READERS, async (writers) => {
    const seen = await historyOf(caller, writers[0]!, found);
    for (const { stream } of writers) {
      const end = endOf.get(stream);
      const refused = new Set(end?.notAcknowledged);
      for (let n = 1; n <= (end?.sent ?? 0); n++) {
        if (!refused.has(n) && !seen.has(messageNumber(run, stream, n))) found.lost++;
      }
    }
  });
  return found;
}

interface HistoryPage {
  readonly more: number;
  readonly messages: readonly {
    readonly client_msg_no: string;
    readonly message_seq: number;
    readonly from_uid: string;
  }[];
}

/** The message numbers of a channel, each page behind the last. */
async function historyOf(caller: HttpCaller, seat: Seat, found: Found): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const lastOf = new Map<string, string>();
  for (let from = 1, more = 1; more === 1; ) {
    const page = (await caller.postJson("/channel/messagesync", {
      login_uid: seat.uid,
      channel_id: seat.channelId,
      channel_type: seat.channelType,
      start_message_seq: from,
      end_message_seq: 0,
      limit: PAGE,
      pull_mode: 1,
    })) as HistoryPage; // The shape is the API's.
    for (const { client_msg_no: number, from_uid: sender } of page.messages) {
      if (seen.has(number)) found.repeated++;
      seen.add(number);
      const last = lastOf.get(sender);
      if (last !== undefined && number < last) found.disordered++;
      lastOf.set(sender, number);
    }
    more = page.messages.length === PAGE ? 1 : 0;
    from = (page.messages.at(-1)?.message_seq ?? 0) + 1;
  }
  return seen;
}
