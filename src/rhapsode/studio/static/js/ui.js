// Elements, and the controls that several tabs have. No framework: a page is a tree of `h`.

/** Make an element: attributes, `on...` listeners, properties that begin with a dot, then children. */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith(".")) element[key.slice(1)] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
/** Make an SVG element. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

let count = 0;
export const uid = (stem) => `${stem}-${++count}`;

/** A card of a tab: its number, title and content. */
export function card(step, title, ...content) {
  const id = uid("card");
  const head = h("h2", { id }, step && h("span.step", { "aria-hidden": "true" }, step), title);
  return h("section.card", { "aria-labelledby": id }, head, ...content);
}

/** A labelled control. */
export function field(label, control) {
  control.id ||= uid("field");
  return h("div.field", {}, h("label", { for: control.id }, label), control);
}

export const check = (label, input) => h("label.check", {}, input, label);

/** A slider with its label, value and a word on what it does. `input` is its control. */
export function slider({ label, min, max, step, value, help, show = (v) => Number(v).toFixed(2), oninput }) {
  const id = uid("slider");
  const output = h("output", { for: id });
  const input = h("input", { id, type: "range", min, max, step, value, "aria-describedby": help && `${id}-help` });
  const draw = () => {
    output.textContent = show(input.value);
    input.style.setProperty("--at", `${(100 * (input.value - input.min)) / (input.max - input.min || 1)}%`);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => { draw(); oninput?.(Number(input.value)); });
  draw();
  const element = h("div.slider", {}, h("label", { for: id }, label), output, input, help && h("span.soft", { id: `${id}-help` }, help));
  const set = (to) => { input.value = to; draw(); };
  return { element, input, set, draw, get value() { return Number(input.value); } };
}

/** Buttons of which one is chosen. */
export function segments(label, names, chosen, onchange) {
  const buttons = new Map();
  const choose = (name, silent) => {
    for (const [one, button] of buttons) button.setAttribute("aria-pressed", String(one === name));
    if (!silent) onchange(name);
  };
  for (const [name, words] of Object.entries(names)) {
    buttons.set(name, h("button", { type: "button", onclick: () => choose(name) }, words));
  }
  const element = h("div.segments", { role: "group", "aria-label": label }, ...buttons.values());
  choose(chosen, true);
  return { element, choose: (name) => choose(name, true), button: (name) => buttons.get(name) };
}

/** A place for words about what went wrong or is noteworthy, read aloud when they change. */
export function notes() {
  const element = h("div.stack", { role: "status", "aria-live": "polite" });
  return {
    element,
    clear: () => element.replaceChildren(),
    say: (words, kind = "") => element.replaceChildren(h(`div.note${kind && `.${kind}`}`, {}, ...[words].flat())),
    warn: (list) => element.replaceChildren(...list.map((one) => h("div.note", {}, one.message))),
    fail: (error) => {
      element.replaceChildren(h("div.note.bad", { role: "alert" }, h("b", {}, error.message), error.remedy || ""));
    },
  };
}

/** A file by clicking, by keyboard, or dropped on it. */
export function dropZone({ label, accept, hint, onfile, extra = [] }) {
  const input = h("input", { type: "file", accept, class: "hidden", "aria-label": label, onchange: () => {
    if (input.files[0]) onfile(input.files[0]);
    input.value = "";
  } });
  const zone = h("div.drop", {},
    h("div.row", {}, h("button", { type: "button", onclick: () => input.click() }, label), ...extra),
    hint && h("p.soft", {}, hint), input);
  for (const event of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(event, (happened) => {
      happened.preventDefault();
      zone.classList.toggle("over", event === "dragover");
      if (event === "drop" && happened.dataTransfer.files[0]) onfile(happened.dataTransfer.files[0]);
    });
  }
  input.tabIndex = -1;
  return zone;
}

export const clock = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  return whole >= 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole} s`;
};
