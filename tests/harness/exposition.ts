/**
 * Reads the text format of Prometheus (version 0.0.4) and accepts nothing that is not exactly so: every line ends, every
 * family has one help and one kind before its samples, no series comes twice, a histogram adds up.
 */
export interface Exposition {
  /** By name and labels as they stand in the text, as `wk_send_total{origin="client",reason="success"}`. */
  readonly series: ReadonlyMap<string, number>;
  readonly kinds: ReadonlyMap<string, string>;
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\\n]|\\\\|\\n)+)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary)$/;
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\\\\\|\\\\"|\\\\n)*"';
const SAMPLE = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{${LABEL}(?:,${LABEL})*\\})? (\\+Inf|-Inf|NaN|-?[0-9.e+-]+)$`);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

export function parseExposition(text: string): Exposition {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const series = new Map<string, number>();
  const kinds = new Map<string, string>();
  let family = "";
  let helped = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const help = HELP.exec(line)?.[1];
    const [, typed, kind] = TYPE.exec(line) ?? [];
    if (help !== undefined) helped = help;
    else if (typed !== undefined && kind !== undefined) {
      if (helped !== typed || kinds.has(typed)) throw new Error(`no help, or a second kind: ${line}`);
      kinds.set(typed, kind);
      family = typed;
    } else {
      const [, name, labels = "", value = ""] = SAMPLE.exec(line) ?? [];
      if (name === undefined) throw new Error(`not a line of the format: ${line}`);
      const suffixes = SUFFIXES[kinds.get(family) ?? ""] ?? [];
      if (!suffixes.some((suffix) => family + suffix === name)) throw new Error(`outside of its family: ${line}`);
      if (series.has(name + labels)) throw new Error(`twice: ${line}`);
      series.set(name + labels, numberOf(value));
    }
  }
  for (const [name, kind] of kinds) if (kind === "histogram") checkHistogram(name, series);
  for (const [name, value] of series)
    if (Number.isNaN(value) || (kinds.get(name.replace(/\{.*/, "")) === "counter" && value < 0))
      throw new Error(`${name} is ${value}`);
  return { series, kinds };
}

/** The sum of all series of a name whose labels hold all of `labels`, as `reason="success"`. 0 where there is none. */
export function valueIn({ series }: Exposition, name: string, ...labels: readonly string[]): number {
  let sum = 0;
  for (const [key, value] of series)
    if (key.replace(/\{.*/, "") === name && labels.every((label) => key.includes(label))) sum += value;
  return sum;
}

function numberOf(text: string): number {
  return text.endsWith("Inf")
    ? text.startsWith("-")
      ? Number.NEGATIVE_INFINITY
      : Number.POSITIVE_INFINITY
    : Number(text);
}

function checkHistogram(name: string, series: ReadonlyMap<string, number>): void {
  let last = { labels: "", end: Number.NEGATIVE_INFINITY, count: 0 };
  for (const [key, count] of series) {
    const [, labels, end] = new RegExp(`^${name}_bucket\\{(.*)le="([^"]*)"\\}$`).exec(key) ?? [];
    if (labels === undefined || end === undefined) continue;
    if (last.labels !== labels) last = { labels, end: Number.NEGATIVE_INFINITY, count: 0 };
    const bucket = { labels, end: numberOf(end), count };
    if (bucket.end <= last.end || bucket.count < last.count) throw new Error(`${key} is below the bucket before it`);
    last = bucket;
    if (bucket.end < Number.POSITIVE_INFINITY) continue;
    const others = labels === "" ? "" : `{${labels.slice(0, -1)}}`;
    if (series.get(`${name}_count${others}`) !== count) throw new Error(`${name}_count is not its last bucket`);
  }
}
