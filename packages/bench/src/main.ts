/**
 * The command line: runs scenarios against a running server, or against one of its own, and writes what came out as
 * JSON and as Markdown. Ends with 1 when messages were lost, or a generator was the limit, or something failed.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describeMachine } from "./report/machine.ts";
import { markdownReport, type Report, verdictText } from "./report/markdown-report.ts";
import { numberText } from "./report/number-text.ts";
import { ProgressLine } from "./report/progress-line.ts";
import { exitCodeOf, type ScenarioResult, summarize } from "./report/scenario-result.ts";
import type { RunResult } from "./runs/run-result.ts";
import { runScenario } from "./runs/scenario-run.ts";
import { parseComparison, variantsOf } from "./scenario/comparison.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { loadScenario, scenarioNames } from "./scenario/scenario-files.ts";
import { foreignServer, launchServer, type ServerUnderLoad } from "./server/server-under-load.ts";
import { parseTarget } from "./server/target.ts";

interface Options {
  readonly scenario?: readonly string[];
  readonly target?: string;
  readonly pid?: string;
  readonly dataDir?: string;
  readonly duration?: string;
  readonly warmUp?: string;
  readonly runs: string;
  readonly generators: string;
  readonly out: string;
  readonly compare?: string;
  readonly allowSaturated?: true;
  readonly list?: true;
}

/** What runs without --scenario: less than five minutes on two cores. */
const SHORT_MATRIX = [
  "lone-sender",
  "pairs-x1",
  "pairs-x8",
  "pairs-x64",
  "pairs-x8-plain",
  "pairs-x8-websocket",
  "first-messages",
  "open-loop-1000",
  "group-1000",
  "logins",
  "message-send",
  "conversation-sync",
];
const HEADLINES = [
  "sendsPerSecond",
  "deliveriesPerSecond",
  "ackP50Ms",
  "ackP99Ms",
  "deliveryP99Ms",
  "loginsPerSecond",
  "requestsPerSecond",
  "requestP99Ms",
  "kilobytesPerConnection",
  "startSeconds",
  "costRatio",
  "goodputShare",
  "serverMicrosPerMessage",
  "serverMicrosPerDelivery",
];

const program = new Command("bench")
  .description("Puts load on a messaging server that speaks WuKongIM's protocols, and says what it did.")
  .option("-s, --scenario <name...>", "names or files; without it, a short matrix")
  .option("-t, --target <addresses>", "tcp://host:port,ws://…,http://… of a running server; without it, one is started")
  .option("--pid <pid>", "of that server, for its CPU and memory")
  .option("--data-dir <folder>", "of that server, for what a message takes on the disk")
  .option("--duration <seconds>", "instead of the scenario's")
  .option("--warm-up <seconds>", "instead of the scenario's")
  .option("--runs <count>", "medians and spread of so many", "1")
  .option("--generators <count>", "generator processes", "1")
  .option("--out <folder>", "for result.json, report.md and its plots", "bench-results")
  .option("--compare <setting=values>", "each scenario with each of these values of a server's setting, in turn")
  .option("--allow-saturated", "take results that the generator limited")
  .option("--list", "the scenarios that there are");

// So that the exit handlers end the server and remove its folder.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

await main(program.parse().opts<Options>()).catch((error: unknown) => {
  process.stderr.write(`\nbench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});

async function main(options: Options): Promise<void> {
  if (options.list) {
    for (const name of scenarioNames()) process.stdout.write(`${name.padEnd(28)} ${loadScenario(name).title}\n`);
    return;
  }
  const scenarios = (options.scenario ?? SHORT_MATRIX).map((name) => withOverrides(loadScenario(name), options));
  const comparison = options.compare === undefined ? undefined : parseComparison(options.compare);
  if (comparison !== undefined && options.target !== undefined) {
    throw new Error("--compare starts servers of its own: it cannot be with --target");
  }
  const report = {
    date: new Date().toISOString().slice(0, 10),
    command: `npm run bench -- ${process.argv.slice(2).join(" ")}`.trim(),
    machine: describeMachine(),
    generators: Number(options.generators),
    isOwnServer: options.target === undefined,
  };
  const line = new ProgressLine();
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    const variants = variantsOf(scenario, comparison).map((variant) => ({ variant, runs: [] as RunResult[] }));
    // In turn, so that what the machine does meanwhile meets all of them.
    for (let run = 0; run < Number(options.runs); run++) {
      for (const { variant, runs } of variants) runs.push(await oneRun(variant, options, line));
    }
    for (const { variant, runs } of variants) {
      const result = summarize(variant, runs);
      results.push(result);
      line.say(`${variant.name.padEnd(28)} ${headlineOf(result)}  ${verdictText(result)}`);
      for (const text of [...result.faults.map((fault) => `fault: ${fault}`), ...result.notes]) line.say(`  ${text}`);
    }
    write(options.out, { ...report, results });
  }
  line.say(`written to ${join(options.out, "result.json")} and report.md`);
  const allowsSaturated = options.allowSaturated === true;
  if (results.some((result) => result.isSaturated) && !allowsSaturated) {
    line.say("a generator was saturated: its result is invalid (--allow-saturated takes it all the same)");
  }
  process.exitCode = exitCodeOf(results, allowsSaturated);
}

async function oneRun(scenario: Scenario, options: Options, line: ProgressLine): Promise<RunResult> {
  const server = await serverFor(scenario, options);
  try {
    const context = {
      scenario,
      server,
      generators: Number(options.generators),
      progress: (text: string) => line.show(text),
    };
    return await runScenario(context);
  } finally {
    await server.stop();
  }
}

async function serverFor(scenario: Scenario, options: Options): Promise<ServerUnderLoad> {
  if (options.target === undefined) return launchServer(scenario.server);
  const pid = options.pid === undefined ? undefined : Number(options.pid);
  return foreignServer(parseTarget(options.target), pid, options.dataDir);
}

function withOverrides(scenario: Scenario, options: Options): Scenario {
  return {
    ...scenario,
    ...(options.duration === undefined ? {} : { seconds: Number(options.duration) }),
    ...(options.warmUp === undefined ? {} : { warmUpSeconds: Number(options.warmUp) }),
  };
}

function headlineOf(result: ScenarioResult): string {
  return HEADLINES.filter((name) => result.figures[name] !== undefined)
    .map((name) => `${name} ${numberText(result.figures[name]!.median)}`)
    .join("  ");
}

function write(folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "result.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  const { text, plots } = markdownReport(report);
  writeFileSync(join(folder, "report.md"), text);
  for (const [file, svg] of plots) writeFileSync(join(folder, file), svg);
}
