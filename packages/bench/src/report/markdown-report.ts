/** The report for people: one Markdown text, and the plots it shows as files beside it, because few viewers show SVG inside Markdown. */
import type { Machine } from "./machine.ts";
import { numberText } from "./number-text.ts";
import type { Figure, ScenarioResult } from "./scenario-result.ts";
import { type Plot, svgPlot } from "./svg-plot.ts";

export interface Report {
  /** Of the day, as ISO text. */
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  /** Generator processes of each run. */
  readonly generators: number;
  /** Whether the bench started the server itself. */
  readonly isOwnServer: boolean;
  readonly results: readonly ScenarioResult[];
}

export interface MarkdownReport {
  readonly text: string;
  /** By the name under which the text refers to it. */
  readonly plots: ReadonlyMap<string, string>;
}

export function markdownReport(report: Report): MarkdownReport {
  const { machine } = report;
  const plots = new Map<string, string>();
  const parts = [
    "# Load report",
    "",
    `${report.date}, \`${report.command}\``,
    "",
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGigabytes} GB, ${machine.system}, Node ${machine.node}, load ${numberText(machine.load)} at the start.`,
    `${report.generators} generator process${report.generators === 1 ? "" : "es"} on the same machine: server and generator share its ${machine.cores} cores, so what the generator uses the server cannot.`,
    report.isOwnServer
      ? "The server was started by the bench, with an empty folder for each run."
      : "The server was running before; what it had stored is not known here.",
    "Figures are medians of the runs, the spread in brackets. Latencies of an open loop count from the moment a message should have been sent.",
    "Figures of WuKongIM v2.2.5 are of another day and another run on a machine of this size.",
    "",
    summaryTable(report.results),
    "",
    ...report.results.flatMap((result) => section(result, plots)),
  ];
  return { text: `${parts.join("\n")}\n`, plots };
}

const SUMMARY = ["sendsPerSecond", "deliveriesPerSecond", "ackP50Ms", "ackP99Ms", "serverMicrosPerMessage"] as const;

function summaryTable(results: readonly ScenarioResult[]): string {
  const rows = results.map((result) => {
    const cells = SUMMARY.map((name) => figureText(result.figures[name]));
    return `| ${result.scenario.name} | ${cells.join(" | ")} | ${verdictText(result)} |`;
  });
  return [
    "| Scenario | sends/s | deliveries/s | SENDACK p50 ms | p99 ms | server µs a message | Verdict |",
    "|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

export function verdictText(result: ScenarioResult): string {
  if (result.faults.length > 0) return "FAILED";
  if (result.isSaturated) return "INVALID: generator saturated";
  const missed = result.goals.filter((goal) => !goal.isReached);
  if (result.goals.length === 0) return "–";
  return missed.length === 0 ? "goals reached" : `missed: ${missed.map((goal) => goal.figure).join(", ")}`;
}

function section(result: ScenarioResult, plots: Map<string, string>): readonly string[] {
  const { scenario, runs } = result;
  const last = runs.at(-1)!;
  return [
    `## ${scenario.name}: ${scenario.title}`,
    "",
    ...(scenario.about === "" ? [] : [scenario.about, ""]),
    `${scenario.transport}, protocol version ${scenario.version}, encryption ${scenario.encryption}, ${runs.length} run${runs.length === 1 ? "" : "s"} of ${scenario.seconds} s after ${scenario.warmUpSeconds} s of warm-up.`,
    ...result.faults.map((fault) => `\n**Fault:** ${fault}`),
    ...(result.isSaturated ? ["\n**Invalid:** a generator process was saturated."] : []),
    ...result.notes.map((note) => `\nNote: ${note}.`),
    "",
    figureTable(result),
    "",
    ...goalLines(result),
    ...plotsOf(result, last).flatMap((plot) => {
      const file = `${scenario.name}-${plot.name}.svg`;
      plots.set(file, svgPlot(plot));
      return [`![${plot.title}](${file})`, ""];
    }),
  ];
}

function figureTable(result: ScenarioResult): string {
  const original = result.scenario.original;
  const hasOriginal = Object.keys(original).length > 0;
  const rows = Object.entries(result.figures).map(([name, figure]) => {
    const theirs = original[name];
    const ratio = theirs === undefined ? " | " : `${numberText(theirs)} | × ${numberText(figure.median / theirs)}`;
    return `| ${name} | ${figureText(figure)} |${hasOriginal ? ` ${ratio} |` : ""}`;
  });
  const head = hasOriginal
    ? ["| Figure | median (spread) | WuKongIM v2.2.5 | ratio |", "|---|---|---|---|"]
    : ["| Figure | median (spread) |", "|---|---|"];
  return [...head, ...rows].join("\n");
}

function figureText(figure: Figure | undefined): string {
  if (figure === undefined) return "";
  const spread = figure.min === figure.max ? "" : ` (${numberText(figure.min)}–${numberText(figure.max)})`;
  return `${numberText(figure.median)}${spread}`;
}

function goalLines(result: ScenarioResult): readonly string[] {
  if (result.goals.length === 0) return [];
  const lines = result.goals.map((goal) => {
    const bounds = [
      ...(goal.min === undefined ? [] : [`at least ${numberText(goal.min)}`]),
      ...(goal.max === undefined ? [] : [`at most ${numberText(goal.max)}`]),
    ];
    const value = goal.value === undefined ? "not measured" : numberText(goal.value);
    return `- ${goal.isReached ? "reached" : "**missed**"}: ${goal.figure} ${bounds.join(" and ")}, measured ${value}`;
  });
  return ["Goals:", "", ...lines, ""];
}

interface NamedPlot extends Plot {
  readonly name: string;
}

function plotsOf(result: ScenarioResult, last: ScenarioResult["runs"][number]): readonly NamedPlot[] {
  const plots: NamedPlot[] = [];
  if (last.latencies.length > 0) {
    plots.push({
      name: "latency",
      title: `${result.scenario.name}: latency by percentile, last run`,
      xLabel: "percentile",
      yLabel: "milliseconds",
      isLogarithmic: true,
      curves: last.latencies.map(({ name, points }) => ({
        name,
        points: points
          .filter(([percent]) => percent < 100)
          .map(([percent, ms]) => [-Math.log10(1 - percent / 100), ms]),
      })),
      xMarks: [0, 1, 2, 3, 4].map((nines) => ({ at: nines, text: String(100 - 100 / 10 ** nines) })),
    });
  }
  if (last.rates.length > 1) {
    plots.push({
      name: "rate",
      title: `${result.scenario.name}: rate over time, last run`,
      xLabel: "seconds",
      yLabel: "a second",
      curves: [
        { name: "sends", points: last.rates.map((rate) => [rate.second, rate.sendsPerSecond]) },
        { name: "deliveries", points: last.rates.map((rate) => [rate.second, rate.deliveriesPerSecond]) },
      ],
    });
  }
  return plots;
}
