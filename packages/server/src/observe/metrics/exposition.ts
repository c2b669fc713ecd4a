/** Metrics as Prometheus reads them: the text format, version 0.0.4. */
import type { HistogramSnapshot } from "../histogram.ts";
import type { Family, Labelled, SummarySnapshot } from "./family.ts";

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export interface Exposed {
  readonly family: Pick<Family<never>, "name" | "kind" | "help" | "labels">;
  readonly value: ReturnType<Family<never>["read"]>;
}

export function exposition(all: readonly Exposed[]): string {
  return all.map(exposeFamily).join("");
}

function exposeFamily({ family, value }: Exposed): string {
  const lines = [`# HELP ${family.name} ${escapeHelp(family.help)}`, `# TYPE ${family.name} ${family.kind}`];
  for (const { labels, value: each } of seriesOf(value)) {
    const names = family.labels ?? [];
    const pairs = names.map((name, index) => `${name}="${escapeLabel(labels[index] ?? "")}"`);
    if (typeof each === "number") lines.push(sample(family.name, pairs, each));
    else if ("quantiles" in each) lines.push(...summaryLines(family.name, pairs, each));
    else lines.push(...histogramLines(family.name, pairs, each));
  }
  return `${lines.join("\n")}\n`;
}

function seriesOf(value: Exposed["value"]): readonly Labelled[] {
  return Array.isArray(value) ? value : [{ labels: [], value: value as Labelled["value"] }]; // not a list: one series
}

function histogramLines(name: string, pairs: readonly string[], { bounds, counts, sum }: HistogramSnapshot): string[] {
  let upTo = 0;
  const lines = counts.map((count, index) => {
    upTo += count;
    return sample(`${name}_bucket`, [...pairs, `le="${numberText(bounds[index] ?? Number.POSITIVE_INFINITY)}"`], upTo);
  });
  return [...lines, sample(`${name}_sum`, pairs, sum), sample(`${name}_count`, pairs, upTo)];
}

function summaryLines(name: string, pairs: readonly string[], { quantiles, sum, count }: SummarySnapshot): string[] {
  const lines = quantiles.map(({ quantile, value }) => sample(name, [...pairs, `quantile="${quantile}"`], value));
  return [...lines, sample(`${name}_sum`, pairs, sum), sample(`${name}_count`, pairs, count)];
}

function sample(name: string, pairs: readonly string[], value: number): string {
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
