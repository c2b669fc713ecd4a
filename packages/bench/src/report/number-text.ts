/** Numbers as a reader wants them: three significant digits, thousands apart. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  if (Number.isInteger(value)) return String(value);
  if (size >= 10) return value.toFixed(1);
  return size < 0.01 ? value.toPrecision(2) : value.toFixed(2);
}
