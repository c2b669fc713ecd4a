/** A line plot as one SVG file. No scripts and no styles, so that every viewer shows it. */
import { numberText } from "./number-text.ts";

export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly curves: readonly Curve[];
  /** Where the x axis has marks; default: five of equal distance. */
  readonly xMarks?: readonly { readonly at: number; readonly text: string }[];
  readonly isLogarithmic?: boolean;
}

const WIDTH = 640;
const HEIGHT = 280;
const LEFT = 70;
const RIGHT = 16;
const TOP = 46;
const BOTTOM = 44;
const MARKS = 5;
const COLOURS = ["#1f6feb", "#d9480f", "#2b8a3e", "#862e9c", "#868e96"];
/** Of the second and later curves, so that one that lies on another is seen. */
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "4 6"];
const LEGEND_WIDTH = 150;

export function svgPlot(plot: Plot): string {
  const points = plot.curves.flatMap((curve) => curve.points);
  if (points.length === 0) return "";
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y).filter((y) => plot.isLogarithmic !== true || y > 0);
  const [xMin, xMax] = [Math.min(...xs), Math.max(...xs)];
  const yMin = plot.isLogarithmic === true ? Math.min(...ys) : 0;
  const yMax = Math.max(...ys, yMin + 1e-9);
  const x = (value: number): number => LEFT + ((value - xMin) / (xMax - xMin || 1)) * (WIDTH - LEFT - RIGHT);
  const scaled = (value: number): number =>
    plot.isLogarithmic === true
      ? Math.log(Math.max(value, yMin) / yMin) / (Math.log(yMax / yMin) || 1)
      : (value - yMin) / (yMax - yMin);
  const y = (value: number): number => HEIGHT - BOTTOM - scaled(value) * (HEIGHT - TOP - BOTTOM);
  const yValues = Array.from({ length: MARKS }, (_, index) => {
    const share = index / (MARKS - 1);
    return plot.isLogarithmic === true ? yMin * (yMax / yMin) ** share : yMin + share * (yMax - yMin);
  });
  const xMarks =
    plot.xMarks ??
    Array.from({ length: MARKS }, (_, index) => {
      const at = xMin + (index / (MARKS - 1)) * (xMax - xMin);
      return { at, text: numberText(at) };
    });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    textAt(WIDTH / 2, 16, "middle", plot.title, "13"),
    ...yValues.flatMap((value) => [
      `<line x1="${LEFT}" y1="${y(value).toFixed(1)}" x2="${WIDTH - RIGHT}" y2="${y(value).toFixed(1)}" stroke="#dee2e6"/>`,
      textAt(LEFT - 6, y(value) + 4, "end", numberText(value)),
    ]),
    ...xMarks.map((mark) => textAt(x(mark.at), HEIGHT - BOTTOM + 16, "middle", mark.text)),
    textAt((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "middle", plot.xLabel),
    `<text x="14" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 ${HEIGHT / 2})">${escaped(plot.yLabel)}</text>`,
    ...plot.curves.flatMap((curve, index) => {
      const colour = COLOURS[index % COLOURS.length]!;
      const dashes = DASHES[index % DASHES.length]!;
      const dash = dashes === "" ? "" : ` stroke-dasharray="${dashes}"`;
      const legend = LEFT + LEGEND_WIDTH * index;
      const line = curve.points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ");
      return [
        `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
        `<line x1="${legend}" y1="${TOP - 12}" x2="${legend + 22}" y2="${TOP - 12}" stroke="${colour}" stroke-width="2"${dash}/>`,
        textAt(legend + 28, TOP - 8, "start", curve.name),
      ];
    }),
    "</svg>",
  ].join("");
}

function textAt(x: number, y: number, anchor: string, text: string, size = "11"): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
