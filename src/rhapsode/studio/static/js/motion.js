// The cards of sliders, and of what the video is to be.
import { card, check, field, h, notes, slider } from "./ui.js";
import * as api from "./api.js";

export function motionCard(state, onchange) {
  const facts = state.sliders.filter((one) => one.name !== "style_strength");
  const sliders = new Map(facts.map((one) => [one.name, slider({ ...one, value: one.default, oninput: onchange })]));
  const reset = h("button.small", { type: "button", onclick: () => {
    facts.forEach((one) => sliders.get(one.name).set(one.default));
    onchange();
  } }, "Natural");
  const element = card("4", "Motion", ...[...sliders.values()].map((one) => one.element), h("div.row", {}, reset));
  return {
    element,
    values: () => Object.fromEntries([...sliders].map(([name, one]) => [name, one.value])),
    set: (values) => sliders.forEach((one, name) => one.set(values[name] ?? 1)),
  };
}

export function outputCard(onchange, onmake) {
  const rates = ["12", "24", "25", "30", "50", "60"];
  const fps = h("select", { onchange }, ...rates.map((one) => h("option", { value: one, selected: one === "25" }, `${one} / s`)));
  const size = h("select", {}, h("option", { value: "" }, "its own"), ...[256, 512, 720, 1080].map((one) => h("option", { value: one }, `${one} pixels`)));
  const shapes = [["keep", "the picture's own"], ["9:16", "9:16, upright"], ["1:1", "1:1, square"], ["16:9", "16:9, wide"]];
  const aspect = h("select", { onchange }, ...shapes.map(([value, words]) => h("option", { value }, words)));
  const seed = h("input", { type: "number", min: 0, step: 1, value: 0, onchange });
  const teeth = h("select", { onchange }, h("option", { value: "true" }, "drawn"), h("option", { value: "false" }, "as shown"));
  const loop = h("input", { type: "checkbox", onchange });
  const behind = backgroundField(onchange);
  const make = h("button.chief", { type: "button", disabled: true, onclick: onmake }, "Make the video");
  const place = h("div");
  const element = card("5", "Video",
    h("div.fields", {}, field("Frames", fps), field("Longest side", size)),
    h("div.fields", {}, field("Teeth", teeth), field("Seed", seed)), field("Shape", aspect), behind.element, check("End where it begins, to be looped", loop));
  return {
    element, make, place,
    options: () => ({ fps: fps.value, seed: Number(seed.value) || 0, teeth: teeth.value === "true", loop: loop.checked, aspect: aspect.value, ...behind.options() }),
    size: () => (size.value ? Number(size.value) : null),
    backdrop: behind.backdrop,
  };
}

/** The picture's own background, a colour, a picture, or none. */
function backgroundField(onchange) {
  const told = notes();
  let opened = null;
  const colour = h("input", { type: "color", value: "#e8dfd2", "aria-label": "Colour of the background", hidden: true, onchange });
  const picture = h("input", { type: "file", accept: "image/*", "aria-label": "Picture of the background", hidden: true, onchange: async () => {
    try { opened = await api.upload("api/clips", picture.files[0]); told.clear(); onchange(); } catch (error) { told.fail(error); }
  } });
  const kind = h("select", { onchange: () => {
    colour.hidden = kind.value !== "colour";
    picture.hidden = kind.value !== "picture";
    told.clear();
    if (kind.value === "transparent") told.say("The video becomes a WebM with transparency; the preview shows grey there.", "plain");
    if (kind.value !== "picture" || opened) onchange();
  } }, ...[["keep", "the picture's own"], ["colour", "a colour"], ["picture", "a picture"], ["transparent", "transparent"]].map(([value, words]) => h("option", { value }, words)));
  return {
    element: h("div.stack", {}, field("Background", kind), colour, picture, told.element),
    options: () => ({ background: kind.value === "colour" ? colour.value : kind.value === "transparent" ? "transparent" : "keep" }),
    backdrop: () => (kind.value === "picture" ? opened?.id : undefined),
  };
}
