// Faces drawn from 68 landmarks.
import { s } from "./ui.js";

/** Lines through the landmarks: first, last, closed. */
export const LINES = [[0, 16], [17, 21], [22, 26], [27, 30], [31, 35], [36, 41, true], [42, 47, true], [48, 59, true], [60, 67, true]];

/** The part of the plane that shows all of some faces, so that they are drawn at one size. */
export function frameOf(faces) {
  const xs = faces.flat().map(([x]) => x), ys = faces.flat().map(([, y]) => y);
  const left = Math.min(...xs) - 0.12, top = Math.min(...ys) - 0.12;
  return `${left} ${top} ${Math.max(...xs) - left + 0.12} ${Math.max(...ys) - top + 0.12}`;
}

/** Draw a face, (68) [x, y] in canonical units, over another that is faint. */
export function faceDrawing(face, under, label, frame) {
  const svg = s("svg", { viewBox: frame, role: "img", "aria-label": label, class: "drawn" });
  for (const [points, faint] of [[under, true], [face, false]]) {
    if (!points) continue;
    for (const [first, last, closed] of LINES) {
      let d = "";
      for (let i = first; i <= last; i++) d += `${i === first ? "M" : "L"}${points[i][0]},${points[i][1]}`;
      svg.append(s("path", { d: d + (closed ? "Z" : ""), class: faint ? "faint" : "line" }));
    }
  }
  return svg;
}
