// The card that opens a voice: a file, the microphone, or a text; and where in it the preview lies.
import { card, clock, dropZone, field, h, notes, s, segments, slider } from "./ui.js";
import * as api from "./api.js";
import { open as openDevice, record, stop } from "./devices.js";

export function voiceCard(state, { onvoice, onstart }) {
  const told = notes();
  const shown = h("div.stack");
  const take = (voice) => {
    told.warn(voice.warnings);
    const player = h("audio", { controls: true, src: `api/voices/${voice.id}`, "aria-label": "The voice" });
    const wave = waveform(voice);
    const last = Math.max(0, Math.min(voice.seconds, 300) - 2);
    const start = slider({
      label: "Preview from", min: 0, max: last, step: 0.1, value: Math.min(voice.begins, last), show: (v) => `${Number(v).toFixed(1)} s`,
      oninput: (value) => { wave.mark(value); onstart(value); },
    });
    wave.mark(start.value);
    wave.element.addEventListener("click", (event) => {
      const box = wave.element.getBoundingClientRect();
      start.set(((event.clientX - box.left) / box.width) * voice.seconds - 1);
      start.input.dispatchEvent(new Event("input"));
    });
    shown.replaceChildren(h("p.soft", {}, `${voice.name}, ${clock(voice.seconds)}`), wave.element, last > 0 ? start.element : "", player);
    onvoice(voice, start.value);
  };
  const attempt = async (words, work) => {
    told.say(words, "plain");
    try { take(await work()); } catch (error) { told.fail(error); }
  };
  const file = dropZone({
    label: "Choose a recording", accept: "audio/*,video/*", hint: "Or drop it here. Any sound, or the sound of a video.",
    onfile: (chosen) => attempt("Listens…", () => api.upload("api/voices", chosen)),
  });
  const ways = { file, microphone: microphone(attempt, told), text: spoken(state, attempt) };
  const body = h("div", {}, file);
  const way = segments("Where the voice comes from", { file: "File", microphone: "Microphone", text: "Text" }, "file",
    (name) => body.replaceChildren(ways[name]));
  return { element: card("2", "Voice", way.element, body, told.element, shown) };
}

function microphone(attempt, told) {
  let running = null;
  const button = h("button.chief", { type: "button", onclick: async () => {
    try {
      if (!running) {
        const stream = await openDevice("microphone", { audio: true });
        running = { stream, recorder: record(stream) };
        button.textContent = "Stop recording";
      } else {
        const { stream, recorder } = running;
        running = null;
        button.textContent = "Record";
        const sound = await recorder.finish();
        stop(stream);
        await attempt("Listens…", () => api.upload("api/voices", sound, "microphone.webm"));
      }
    } catch (error) { told.fail(error); }
  } }, "Record");
  return h("div.drop", {}, button, h("p.soft", {}, "A quiet room and a close microphone move the lips best."));
}

function spoken(state, attempt) {
  if (!state.languages.length) {
    return h("div.note.plain", {}, "Text is spoken with the extra text: ", h("code", {}, "pip install 'rhapsode[text]'"));
  }
  const text = h("textarea", { maxlength: 20000 });
  text.value = "Good evening. This face is a single photograph, and a small synthesiser lends it a voice.";
  const language = h("select", {}, ...state.languages.map((code) => h("option", { value: code, selected: code === "en" }, named(code))).sort((one, other) => one.text.localeCompare(other.text)));
  const button = h("button.chief", { type: "button", onclick: () => attempt("Speaks…",
    () => api.send("api/voices/spoken", { text: text.value, language: language.value })) }, "Speak it");
  return h("div.stack", {}, field("Text", text), h("div.fields.bottom", {}, field("Language", language), button),
    h("p.soft", {}, "A small synthesiser speaks it. A recording moves the lips better."));
}

/** The name of a language of a code such as pt-br; the code where the browser knows none. */
function named(code) {
  try { return new Intl.DisplayNames(["en"], { type: "language" }).of(code); } catch { return code; }
}

function waveform(voice) {
  const { bars, seconds } = voice;
  const svg = s("svg", { class: "wave", viewBox: `0 0 ${bars.length * 4} 56`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const most = Math.max(0.05, ...bars);
  bars.forEach((bar, index) => {
    const height = Math.max(2, (50 * bar) / most);
    svg.append(s("rect", { x: index * 4, y: 28 - height / 2, width: 2.4, height, rx: 1 }));
  });
  const marked = s("rect", { class: "window", y: 1, height: 54, rx: 4, width: Math.max(4, (bars.length * 4 * Math.min(2, seconds)) / seconds) });
  svg.append(marked);
  return { element: svg, mark: (start) => marked.setAttribute("x", (bars.length * 4 * start) / seconds) };
}
