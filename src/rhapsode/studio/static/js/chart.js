// Curves: lines over a common axis, drawn as SVG, with their figures in words for who cannot see them.
import { h, s } from "./ui.js";

const HIGH = 190, LEFT = 56, RIGHT = 10, TOP = 10, LOW = 26;

/** A figure with as many digits as tell apart what lies a hundredth of the span away. */
const short = (value, span = 1) => (Number.isInteger(value) ? String(value) : value.toFixed(Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(span) + 0.5)))));

/** Draw series, each `{ name, points: [[x, y], ...] }`; the second is dashed. */
export function chart(title, unit, series) {
  const kept = series.filter((one) => one.points.length);
  const points = kept.flatMap((one) => one.points);
  const svg = s("svg", { class: "chart", role: "img", "aria-label": spoken(title, kept) });
  if (points.length) new ResizeObserver(([{ contentRect }]) => draw(Math.max(160, contentRect.width))).observe(svg);
  /** Draw at the width, pixels, that it has on the page. */
  function draw(wide) {
    svg.setAttribute("viewBox", `0 0 ${wide} ${HIGH}`);
    svg.replaceChildren();
    const [x0, x1] = range(points.map(([x]) => x));
    const [y0, y1] = range(points.map(([, y]) => y));
    const px = (x) => LEFT + ((wide - LEFT - RIGHT) * (x - x0)) / (x1 - x0);
    const py = (y) => HIGH - LOW - ((HIGH - LOW - TOP) * (y - y0)) / (y1 - y0);
    for (const y of [y0, (y0 + y1) / 2, y1]) {
      svg.append(s("line", { class: "axis", x1: LEFT, x2: wide - RIGHT, y1: py(y), y2: py(y) }));
      svg.append(s("text", { x: LEFT - 6, y: py(y) + 4, "text-anchor": "end" }, short(y, y1 - y0)));
    }
    for (const [x, anchor] of [[x0, "start"], [x1, "end"]]) {
      svg.append(s("text", { x: px(x), y: HIGH - 8, "text-anchor": anchor }, `${short(x, x1 - x0)} ${unit}`));
    }
    kept.forEach((one, index) => {
      const d = one.points.map(([x, y], i) => `${i ? "L" : "M"}${px(x).toFixed(1)},${py(y).toFixed(1)}`).join("");
      svg.append(s("path", { d, class: index ? "second" : "first" }));
    });
  }
  const legend = kept.length > 1 && h("div.legend", {}, ...kept.map((one, index) => h(index ? "span.second" : "span", {}, h("i"), one.name)));
  return h("div.stack", {}, h("h3", {}, title), svg, legend);
}

function range(values) {
  let low = Math.min(...values), high = Math.max(...values);
  if (high - low < 1e-9) { low -= 0.5; high += 0.5; }
  return [low, high];
}

const spoken = (title, series) => `${title}. ${series.map((one) => {
  const last = one.points.at(-1);
  return `${one.name}: ${one.points.length} points, at the end ${short(last[1])}`;
}).join(". ")}`;
