// The tab Styles: the library at the left, what one learns and compares at its side.
import { card, h, notes } from "./ui.js";
import * as api from "./api.js";
import { tile } from "./manner.js";
import { learnCard } from "./learn.js";
import { detailCard } from "./style_detail.js";
import { compareCard } from "./compare.js";

export function stylesTab(state, shared) {
  const told = notes();
  let styles = state.styles;
  const gallery = h("div.gallery.large", { role: "radiogroup", "aria-label": "Styles" });
  const changed = async (name) => {
    await shared.styles();
    const next = styles.some((one) => one.name === name) ? name : styles[0]?.name;
    const input = [...gallery.querySelectorAll("input")].find((one) => one.value === next);
    if (input) { input.checked = true; detail.show(next); }
  };
  const detail = detailCard(shared, changed);
  const compare = compareCard(state, shared, changed);
  const setStyles = (list) => {
    styles = list;
    gallery.replaceChildren(...list.map((one) => tile("library", one.name, one.name, false, (name) => detail.show(name))));
    compare.setStyles(list);
  };
  const file = h("input", { type: "file", accept: ".safetensors", class: "hidden", "aria-label": "Import a style file", tabindex: -1, onchange: async () => {
    try { await changed((await api.upload("api/styles/import", file.files[0])).name); told.clear(); } catch (error) { told.fail(error); }
    file.value = "";
  } });
  setStyles(state.styles);
  const library = card("", "Your styles, and those that come with it", gallery,
    h("div.row", {}, h("button.small", { type: "button", onclick: () => file.click() }, "Import"), file), told.element);
  return {
    element: h("div.panel", {}, h("div.split", {}, h("div.cards", {}, library, detail.element),
      h("div.cards", {}, learnCard(state, changed), compare.element))),
    setStyles,
  };
}
