/** Runs cases on one server: what can run beside others at once in parallel, what ends the server afterwards and alone. */
import type { DescribedApi } from "../harness/described-api.ts";
import type { ServerProcess, Settings } from "../harness/server-process.ts";
import { delay } from "../harness/waiting.ts";
import type { WebhookReceiver } from "../harness/webhook-receiver.ts";
import { type Case, needsServerAlone, type Step } from "./case.ts";
import { CaseRun, NOTHING } from "./case-run.ts";
import { type Difference, Expectations } from "./expectation.ts";

export interface Target {
  readonly server: ServerProcess;
  readonly configurations: Readonly<Record<string, Settings>>;
  readonly receiver: WebhookReceiver;
  /** Every HTTP answer is held against that of its port; undefined for a program that does not describe its API. */
  readonly described: Readonly<Record<"api" | "manager", DescribedApi>> | undefined;
}

const RETRY_EVERY_MS = 40;
const UNTIL_MS = 5_000;

/** Throws with what differs. */
async function runCase(recorded: Case, target: Target): Promise<void> {
  const expectations = new Expectations();
  using run = new CaseRun(recorded, target, expectations);
  const failures: string[] = [];
  for (const [index, step] of recorded.steps.entries()) {
    const differences = await runStep(step, run, expectations);
    if (differences.length > 0) failures.push(describe(index + 1, step, differences));
  }
  if (failures.length > 0) throw new Error(`${recorded.why}\n${failures.join("\n")}`);
}

async function runStep(step: Step, run: CaseRun, expectations: Expectations): Promise<Difference[]> {
  const expected = step.ours === undefined ? step.v225 : step.ours;
  const mayAdd = (path: string): boolean =>
    step.shape === true ||
    (step.http?.path === "/message/send" && (path === "body.data.message_seq" || path === "body.data.reason"));
  const once = async (): Promise<Difference[]> => {
    const observed = await run.act(step);
    if (observed === NOTHING) return [];
    if (expected === undefined) return [{ at: "", expected: "(nothing recorded)", got: JSON.stringify(observed) }];
    return expectations.compare(expected, observed, {
      mayAdd,
      ...(step.unordered === undefined ? {} : { unordered: step.unordered }),
    });
  };
  let differences = await once();
  if (step.until === undefined || step.until.atOnce === true) return differences;
  const end = Date.now() + (step.until.withinMs ?? UNTIL_MS);
  while (differences.length > 0 && Date.now() < end) {
    await delay(RETRY_EVERY_MS);
    differences = await once();
  }
  return differences;
}

function describe(number: number, step: Step, differences: readonly Difference[]): string {
  const [action, wanted] = Object.entries(step)[0] ?? ["nothing", undefined];
  const short = (text: string): string => (text.length > 600 ? `${text.slice(0, 600)}…` : text);
  return [
    `step ${number}: ${action} ${short(JSON.stringify(wanted) ?? "")}`,
    ...(step.ours === undefined || step.because === undefined ? [] : [`  deliberate: ${step.because}`]),
    ...differences
      .slice(0, 10)
      .map(
        (difference) =>
          `  at ${difference.at || "the observation"}\n    expected ${short(difference.expected)}\n    got      ${short(difference.got)}`,
      ),
  ].join("\n");
}

/** Begins all cases, `parallel` at a time; each entry settles when its case has run. */
export function startAll(
  cases: readonly Case[],
  target: Target,
  parallel: number,
): Map<Case, Promise<Error | undefined>> {
  const outcomes = new Map<Case, PromiseWithResolvers<Error | undefined>>();
  for (const recorded of cases) outcomes.set(recorded, Promise.withResolvers());
  const work = async (queue: Iterator<Case>): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      const recorded = next.value;
      outcomes.get(recorded)!.resolve(await outcomeOf(recorded, target));
    }
  };
  const together = cases.filter((recorded) => !needsServerAlone(recorded)).values();
  const alone = cases.filter(needsServerAlone).values();
  void Promise.all(Array.from({ length: parallel }, () => work(together))).then(() => work(alone)); // settles every entry
  return new Map([...outcomes].map(([recorded, outcome]) => [recorded, outcome.promise]));
}

async function outcomeOf(recorded: Case, target: Target): Promise<Error | undefined> {
  try {
    await runCase(recorded, target);
    if (target.server.exited === undefined) return undefined;
    throw new Error(`the server ended during this case or one beside it\n${target.server.outputTail()}`);
  } catch (error) {
    if (target.server.exited !== undefined) await target.server.startAgain().catch(() => undefined);
    return error instanceof Error ? error : new Error(String(error));
  }
}
