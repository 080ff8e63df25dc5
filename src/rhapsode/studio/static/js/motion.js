// The cards of sliders, and of what the video is to be.
import { card, field, h, slider } from "./ui.js";

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
  const seed = h("input", { type: "number", min: 0, step: 1, value: 0, onchange });
  const loop = h("select", {}, h("option", { value: "false" }, "free"), h("option", { value: "true" }, "as it began"));
  const teeth = h("select", { onchange }, h("option", { value: "true" }, "drawn"), h("option", { value: "false" }, "as shown"));
  const make = h("button.chief", { type: "button", disabled: true, onclick: onmake }, "Make the video");
  const place = h("div");
  const element = card("5", "Video",
    h("div.fields", {}, field("Frames", fps), field("Longest side", size)),
    h("div.fields", {}, field("Teeth", teeth), field("End", loop), field("Seed", seed)), make, place);
  return {
    element, make, place,
    options: () => ({ fps: fps.value, seed: Number(seed.value) || 0, teeth: teeth.value === "true", loop: loop.value === "true" }),
    size: () => (size.value ? Number(size.value) : null),
  };
}
