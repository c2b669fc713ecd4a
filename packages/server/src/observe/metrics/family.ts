/**
 * What one metric is: its name, kind, help and labels, and how it is read out of the numbers that a part of the server
 * keeps. Nothing is counted here: parts only bump plain numbers, and a scrape gathers them.
 */
import type { HistogramSnapshot } from "../histogram.ts";

/** The quantiles of a window, and the sum and count since the start. */
export interface SummarySnapshot {
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[];
  readonly sum: number;
  readonly count: number;
}

type Value = number | HistogramSnapshot | SummarySnapshot;

/** One series of a family with labels. */
export interface Labelled {
  /** In the order of the family's `labels`. Never text that a client or back end chose. */
  readonly labels: readonly string[];
  readonly value: Value;
}

export interface Family<Stats> {
  /** With its unit; a counter ends in `_total`. */
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram" | "summary";
  readonly help: string;
  readonly labels?: readonly string[];
  /** One value, or one per combination of labels. */
  readonly read: (stats: Stats) => Value | readonly Labelled[];
}

/** One series for each property of `record`. */
export function byKey(record: Readonly<Record<string, number>>): Labelled[] {
  return Object.entries(record).map(([key, value]) => ({ labels: [key], value }));
}

/** One series for each name that is not empty; its place is that of its number. */
export function byIndex(names: readonly string[], numbers: readonly number[]): Labelled[] {
  return names.flatMap((name, index) => (name === "" ? [] : [{ labels: [name], value: numbers[index] ?? 0 }]));
}
