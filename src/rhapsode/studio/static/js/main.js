// The page: tabs, light and dark, and what one reads first.
import { check, h } from "./ui.js";
import * as api from "./api.js";
import { animateTab } from "./animate.js";
import { stylesTab } from "./styles.js";
import { liveTab } from "./live.js";
import { evaluateTab } from "./evaluate.js";

const TABS = { animate: ["Animate", animateTab], styles: ["Styles", stylesTab], live: ["Live", liveTab], evaluate: ["Evaluate", evaluateTab] };

function theme() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const set = (name) => { root.dataset.theme = name; };
  set(localStorage.getItem("theme") ?? (system.matches ? "dark" : "light"));
  system.addEventListener("change", () => { if (!localStorage.getItem("theme")) set(system.matches ? "dark" : "light"); });
  document.getElementById("theme").addEventListener("click", () => {
    set(root.dataset.theme === "dark" ? "light" : "dark");
    localStorage.setItem("theme", root.dataset.theme);
  });
}

/** What consent means, until it was read once. */
function welcome() {
  const agreed = h("input", { type: "checkbox", onchange: () => { go.disabled = !agreed.checked; } });
  const go = h("button.chief", { type: "button", disabled: true, onclick: async () => { await api.send("api/consent"); dialog.close(); } }, "Open the studio");
  const dialog = h("dialog", { "aria-labelledby": "welcome" }, h("div.stack", {},
    h("h1", { id: "welcome" }, "Before you lend anyone a voice"),
    h("p", {}, "Animate people, and learn from people, who have agreed to it; yourself; or figures of art and history in a way that nobody can take for a record."),
    h("p", {}, "To agree, a person must know what will be said in their likeness and where it will be shown, and must be able to take it back."),
    h("p", {}, "Every video says that it is made by AI, and an MP4 proves it by signed Content Credentials, which ", h("code", {}, "rhapsode verify"), " reads. Leave the mark in, and say openly that it is made: in the EU, article 50 of the AI Act asks for both."),
    h("p", {}, "Nothing leaves this machine. Pictures and voices of finished videos are kept here, under Made before, until you delete them there."),
    check("I have read this, and have the consent that I need.", agreed), h("div.row", {}, go)));
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
}

function build(state) {
  const shared = { picture: null, voice: null, async styles() {
    const { styles } = await api.get("api/state");
    for (const tab of Object.values(made)) tab.setStyles?.(styles);
  } };
  const list = document.querySelector(".tabs");
  const main = document.getElementById("main");
  const made = {};
  const buttons = {};
  const choose = (name) => {
    if (!made[name]) {
      made[name] = TABS[name][1](state, shared);
      made[name].element.id = `panel-${name}`;
      made[name].element.setAttribute("role", "tabpanel");
      made[name].element.setAttribute("aria-labelledby", `tab-${name}`);
      main.append(made[name].element);
      buttons[name].setAttribute("aria-controls", `panel-${name}`);
    }
    for (const [one, button] of Object.entries(buttons)) {
      button.setAttribute("aria-selected", String(one === name));
      button.tabIndex = one === name ? 0 : -1;
      if (made[one]) made[one].element.hidden = one !== name;
    }
    made[name].shown?.();
    history.replaceState(null, "", `#${name}`);
  };
  Object.entries(TABS).forEach(([name, [label]], index, all) => {
    buttons[name] = h("button", { type: "button", role: "tab", id: `tab-${name}`, onclick: () => choose(name), onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = all[(index + step + all.length) % all.length][0];
      choose(next);
      buttons[next].focus();
    } }, label);
    list.append(buttons[name]);
  });
  const asked = location.hash.slice(1);
  choose(asked in TABS ? asked : "animate");
}

theme();
api.get("api/state").then((state) => {
  build(state);
  if (!state.consented) welcome();
}).catch((error) => {
  document.getElementById("main").append(h("div.note.bad", { role: "alert" }, h("b", {}, error.message), error.remedy ?? ""));
});
