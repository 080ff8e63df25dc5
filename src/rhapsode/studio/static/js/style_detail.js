// All that is known of one style: faces, curves, origin; rename, export, delete.
import { card, h, notes } from "./ui.js";
import * as api from "./api.js";
import { chart } from "./chart.js";
import { faceDrawing, frameOf } from "./faces.js";
import { curveOf } from "./learn.js";

export function detailCard(shared, onchanged) {
  const told = notes();
  const body = h("div.stack", {}, h("p.soft", {}, "Choose a style above."));
  const element = card("", "The style", told.element, body);
  const title = element.querySelector("h2");

  async function show(name) {
    told.clear();
    try {
      const style = await api.get(`api/styles/${encodeURIComponent(name)}`);
      title.textContent = style.name;
      body.replaceChildren(faces(style), ...bodyOf(style));
    } catch (error) { told.fail(error); }
  }

  const bodyOf = (style) => [
    h("dl", {}, ...Object.entries({ ...style.origin, License: style.license || "none", Size: `${style.kilobytes} kB`, Blinks: `× ${style.blinks}`,
      Head: Object.entries(style.head).map(([way, gain]) => `${way.toLowerCase()} × ${gain}`).join(", "),
      "Lasting expression": inWords(style.units) || "none",
    }).flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)])),
    motion(style),
    style.curve.length > 1 && h("details", {}, h("summary", {}, "How it was learnt"), curveOf(style.curve)),
    h("div.row", {}, h("a.button.small", { href: `api/styles/${encodeURIComponent(style.name)}/export`, download: "" }, "Export"), ...own(style)),
  ].filter(Boolean);

  const own = (style) => {
    if (style.shipped) return [h("span.soft", {}, "Comes with Rhapsode, and stays as it is.")];
    const name = h("input", { type: "text", value: style.name, maxlength: 80, "aria-label": "New name" });
    const act = async (work, words) => {
      try {
        const given = await work();
        await onchanged(words === "deleted" ? null : given.name);
      } catch (error) { told.fail(error); }
    };
    return [
      h("button.small", { type: "button", onclick: () => confirm(`Delete the style ${style.name}?`) && act(() => api.remove(`api/styles/${encodeURIComponent(style.name)}`), "deleted") }, "Delete"),
      h("details", {}, h("summary", {}, "Rename"), h("div.row", {}, name,
        h("button.small", { type: "button", onclick: () => act(() => api.send(`api/styles/${encodeURIComponent(style.name)}/rename`, { name: name.value }), "renamed") }, "Rename it"))),
    ];
  };

  function motion(style) {
    const place = h("div");
    const button = h("button.small", { type: "button", onclick: async () => {
      try {
        if (!shared.picture || !shared.voice) throw Object.assign(new Error("No portrait and voice are open."), { remedy: "Open them under Animate." });
        const told = await api.send(`api/styles/${encodeURIComponent(style.name)}/curves`, { picture: shared.picture.id, voice: shared.voice.id });
        const of = (name, key) => told[name][key].map((value, index) => [told.times[index], value]);
        place.replaceChildren(h("div.pair", {}, ...[["mouth", "Mouth opening"], ["nod", "Nod, degrees"]].map(([key, words]) =>
          chart(words, "s", [{ name: style.name, points: of("styled", key) }, { name: "no style", points: of("plain", key) }]))));
      } catch (error) { told.fail(error); }
    } }, "Draw its motion on the open portrait and voice");
    return h("div.stack", {}, h("div.row", {}, button), place);
  }
  return { element, show };
}

function faces(style) {
  const frame = frameOf([style.rest, ...style.references.flatMap((one) => [one.face, one.plain])]);
  const figures = style.references.map((one, index) => h("figure", {},
    style.pictures ? h("img", { src: `api/styles/${encodeURIComponent(style.name)}/pictures/${index}`, alt: `The person at ${one.name}` }) : "",
    faceDrawing(one.face, one.plain, `Landmarks at ${one.name}`, frame), one.name === "None" ? "rest" : `“${one.name}”`));
  return h("div.stack", {}, h("div.strip.faces", {}, h("figure", {}, faceDrawing(style.rest, null, "Face that lasts", frame), "lasting"), ...figures),
    h("p.soft", {}, "The face that lasts, and the four reference images as landmarks; faint: those of no style."));
}

/** Units of expression in words; both sides of the face as one where they are alike. */
function inWords(units) {
  const told = [];
  for (const [unit, value] of Object.entries(units)) {
    const other = unit.endsWith("Left") ? unit.replace(/Left$/, "Right") : unit.endsWith("Right") ? unit.replace(/Right$/, "Left") : null;
    const alike = other in units && Math.abs(units[other] - value) < 0.2;
    if (alike && unit.endsWith("Right")) continue;
    const name = (alike ? unit.replace(/Left$/, "") : unit).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    const mean = alike ? (value + units[other]) / 2 : value;
    told.push(`${name} ${mean > 0 ? "+" : "−"}${Math.abs(mean).toFixed(2)}`);
  }
  return told.join(", ");
}
