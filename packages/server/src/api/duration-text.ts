/** How long something has lasted, as WuKongIM writes it: `5s`, `4m5s`, `3h4m5s`, `2d3h4m5s`, `1y2d3h4m5s`. */
export function durationText(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  const units = [
    [Math.floor(seconds / 31_536_000), "y"],
    [Math.floor(seconds / 86_400) % 365, "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  return units
    .slice(first)
    .map(([count, unit]) => `${count}${unit}`)
    .join("");
}
