// Two styles on one portrait, side by side; and a mixture of them, kept as a style.
import { card, field, h, notes, slider } from "./ui.js";
import * as api from "./api.js";

export function compareCard(state, shared, onmixed) {
  const told = notes();
  const pickers = [h("select"), h("select")];
  const place = h("div.pair");
  const share = slider({ label: "Share of the second", min: 0.05, max: 0.95, step: 0.05, value: 0.5, show: (v) => `${Math.round(100 * v)} %` });
  const name = h("input", { type: "text", maxlength: 80, autocomplete: "off" });
  const setStyles = (styles) => pickers.forEach((picker, index) => {
    const before = picker.value;
    picker.replaceChildren(h("option", { value: "" }, "no style"), ...styles.map((one) => h("option", { value: one.name }, one.name)));
    picker.value = styles.some((one) => one.name === before) ? before : styles[index]?.name ?? "";
  });
  setStyles(state.styles);

  async function compare() {
    told.clear();
    try {
      if (!shared.picture || !shared.voice) throw Object.assign(new Error("No portrait and voice are open."), { remedy: "Open them under Animate." });
      const films = [];
      for (const { value } of pickers) {
        films.push(await api.blob("api/preview", { picture: shared.picture.id, voice: shared.voice.id, options: value ? { style: value } : {} }));
      }
      const videos = films.map((film, index) => h("video", { ".muted": index === 1, playsinline: true, loop: true, controls: true, src: URL.createObjectURL(film), "aria-label": pickers[index].value || "no style" }));
      place.replaceChildren(...videos.map((video, index) => h("figure", {}, video, pickers[index].value || "no style")));
      videos[0].addEventListener("play", () => { videos[1].currentTime = videos[0].currentTime; videos[1].play(); });
      videos[0].addEventListener("pause", () => videos[1].pause());
      videos[0].addEventListener("seeked", () => { videos[1].currentTime = videos[0].currentTime; });
      videos[0].play().catch(() => {});
    } catch (error) { told.fail(error); }
  }

  async function mix() {
    told.clear();
    const [one, other] = pickers.map((picker) => picker.value);
    try {
      if (!one || !other || one === other) throw Object.assign(new Error("Two different styles are needed to mix."), { remedy: "Choose them above." });
      const mixture = `${one}*${(1 - share.value).toFixed(2)}+${other}*${share.value.toFixed(2)}`;
      const made = await api.send("api/styles/mix", { mixture, name: name.value.trim() });
      told.say(`${made.name} is among your styles: ${mixture}.`, "plain");
      await onmixed(made.name);
    } catch (error) { told.fail(error); }
  }

  const element = card("", "Compare and mix", h("div.fields", {}, field("First", pickers[0]), field("Second", pickers[1])),
    h("div.row", {}, h("button", { type: "button", onclick: compare }, "Compare on the open portrait")), place,
    h("details", {}, h("summary", {}, "Mix these two"), h("div.stack", {}, share.element, field("Name of the mixture", name),
      h("div.row", {}, h("button", { type: "button", onclick: mix }, "Keep it")))), told.element);
  return { element, setStyles };
}
