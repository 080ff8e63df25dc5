// The card of styles: a gallery that moves, strength, a mixture of two, expressions.
import { card, field, h, notes, slider } from "./ui.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** A tile of the gallery: a radio button with a moving face. */
export function tile(group, name, label, checked, onchange) {
  const face = h("span.face", { "aria-hidden": "true" }, h("b", {}, name ? label[0].toUpperCase() : "–"));
  const input = h("input", { type: "radio", name: group, value: name, checked, "aria-label": label, onchange: () => onchange(name) });
  if (name) queue(() => moving(name, face));
  return h("label.tile", {}, input, face, h("span", {}, label));
}

async function moving(name, face) {
  const response = await fetch(`api/thumbnails/${encodeURIComponent(name)}`);
  if (!response.ok) return;
  const video = h("video", { ".muted": true, loop: true, playsinline: true, autoplay: !calm.matches, src: URL.createObjectURL(await response.blob()) });
  face.replaceChildren(video);
}

// One after another, so that what a user asks for meanwhile is not held up.
let last = Promise.resolve();
const queue = (work) => { last = last.then(work).catch(() => {}); };

export function mannerCard(state, onchange) {
  const told = notes();
  const chosen = { style: "", with: "", share: 0.5, expressions: new Set(), amount: 0.6, strength: 1 };
  const set = (name) => (value) => { chosen[name] = value; show(); onchange(); };
  const strengthFacts = state.sliders.find((one) => one.name === "style_strength");
  const strength = slider({ ...strengthFacts, value: 1, oninput: set("strength") });
  const share = slider({ label: "Share of the second", min: 0, max: 1, step: 0.05, value: 0.5, show: (v) => `${Math.round(100 * v)} %`, oninput: set("share") });
  const amount = slider({ label: "How much of each", min: 0.1, max: 1.5, step: 0.05, value: 0.6, oninput: set("amount") });
  const second = h("select", { onchange: () => set("with")(second.value) });
  const gallery = h("div.gallery", { role: "radiogroup", "aria-label": "Style" });
  const mixture = h("div.stack", {}, field("Mix with", second), share.element);
  const chips = state.expressions.map((name) => h("span.chip", {}, h("input", { type: "checkbox", "aria-label": name, onchange: (event) => {
    chosen.expressions[event.target.checked ? "add" : "delete"](name);
    show();
    onchange();
  } }), h("span", {}, name)));
  const show = () => {
    mixture.hidden = !chosen.style;
    share.element.hidden = !chosen.with;
    amount.element.hidden = !chosen.expressions.size;
    strength.element.hidden = !text();
  };
  const setStyles = (styles) => {
    if (!styles.some((one) => one.name === chosen.style)) chosen.style = "";
    if (!styles.some((one) => one.name === chosen.with)) chosen.with = "";
    gallery.replaceChildren(tile("style", "", "none", !chosen.style, set("style")),
      ...styles.map((one) => tile("style", one.name, one.name, one.name === chosen.style, set("style"))));
    second.replaceChildren(h("option", { value: "" }, "nothing"), ...styles.map((one) => h("option", { value: one.name, selected: one.name === chosen.with }, one.name)));
    show();
  };
  /** The mixture as the library reads it, such as "happy*0.7+smile*0.3"; empty for none. */
  const text = () => {
    const parts = [];
    if (chosen.style && chosen.with && chosen.with !== chosen.style) {
      parts.push([chosen.style, 1 - chosen.share], [chosen.with, chosen.share]);
    } else if (chosen.style) parts.push([chosen.style, 1]);
    for (const name of chosen.expressions) parts.push([name, chosen.amount]);
    const kept = parts.filter(([, weight]) => weight > 0.001);
    if (kept.length === 1 && kept[0][1] === 1) return kept[0][0];
    return kept.map(([name, weight]) => `${name}*${Number(weight.toFixed(2))}`).join("+");
  };
  setStyles(state.styles);
  const details = h("details", {}, h("summary", {}, "Expressions"), h("div.stack", {}, h("div.chips", { role: "group", "aria-label": "Expressions" }, ...chips), amount.element));
  const element = card("3", "Manner", h("p.soft", {}, "How it speaks. Learn more of them under Styles."), gallery, strength.element, mixture, details, told.element);
  return { element, setStyles, values: () => (text() ? { style: text(), style_strength: chosen.strength } : {}), told };
}
