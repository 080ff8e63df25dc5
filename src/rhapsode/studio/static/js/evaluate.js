// The tab Evaluate: a made video against a clip of a real speaker who says the same.
import { card, clock, dropZone, field, h, notes } from "./ui.js";
import * as api from "./api.js";
import { chart } from "./chart.js";

export function evaluateTab(state) {
  const told = notes();
  const place = h("div"), shown = h("div.cards");
  const results = h("select", { onchange: () => ready() });
  const seen = { clip: h("div"), made: h("div") };
  const opened = { clip: null, made: null };
  const take = (which) => async (file) => {
    try {
      opened[which] = await api.upload("api/clips", file);
      seen[which].replaceChildren(h("video.chosen", { src: URL.createObjectURL(file), controls: true, playsinline: true, ".muted": true, "aria-label": file.name }), h("p.soft", {}, file.name));
      if (which === "made") results.value = "";
      ready();
    } catch (error) { told.fail(error); }
  };
  const go = h("button.chief", { type: "button", disabled: true, onclick: evaluate }, "Compare them");
  const ready = () => { go.disabled = !(opened.clip && (results.value || opened.made)); };

  async function refresh() {
    const { entries } = await api.get("api/history");
    const before = results.value;
    results.replaceChildren(h("option", { value: "" }, "none of these"), ...entries.map((one) => h("option", { value: one.id }, `${one.voice.slice(0, 40)} (${one.portrait})`)));
    results.value = entries.some((one) => one.id === before) ? before : opened.made ? "" : entries[0]?.id ?? "";
    ready();
  }

  async function evaluate() {
    told.clear();
    go.disabled = true;
    try {
      const job = await api.send("api/evaluations", { clip: opened.clip.id, result: results.value, made: opened.made?.id });
      const ended = await api.runJob(place, job, { h, clock }, { tracking: "Follows the faces" });
      if (ended.state === "cancelled") told.say("Cancelled.", "plain");
      else show(ended.result);
    } catch (error) { told.fail(error); } finally { ready(); }
  }

  function show(result) {
    told.warn(result.warnings.map((message) => ({ message })));
    const of = (key) => result[key].map((value, index) => [result.times[index], value]);
    const pictures = (which, words) => result.moments.map((time, index) => h("figure", {},
      h("img", { src: `api/evaluations/${result.pictures}/${which}-${index}.jpg`, alt: `${words} at ${time} s` }), `${time} s`));
    shown.replaceChildren(
      card("", "Figures", h("div.scroll", {}, h("table", {}, h("thead", {}, h("tr", {}, ...["Figure", "Video", "Best"].map((word) => h("th", { scope: "col" }, word)))),
        h("tbody", {}, ...result.figures.map((one) => h("tr", {}, h("th", { scope: "row" }, one.name, h("span.soft", {}, one.means)), h("td.number", {}, one.value === null ? "–" : String(one.value)), h("td", {}, one.best))))))),
      card("", "Curves", chart("Mouth opening, eye distances", "s", [{ name: "the video", points: of("made") }, { name: "the clip", points: of("real") }])),
      card("", "Pictures", h("p.soft", {}, "Where the clip's mouth is widest: the video above, the clip below."), h("div.strip", {}, ...pictures("made", "The video")), h("div.strip", {}, ...pictures("real", "The clip"))));
  }

  const choose = state.learns ? card("", "What is compared", field("A video made before", results),
    dropZone({ label: "Or choose a video", accept: "video/*", onfile: take("made") }), seen.made,
    dropZone({ label: "Choose the clip", accept: "video/*", onfile: take("clip"), hint: "A real speaker; the video is best made of this clip's own sound." }), seen.clip,
    go, place, told.element)
    : card("", "What is compared", h("div.note.plain", {}, "Evaluating needs the extra train: ", h("code", {}, "pip install 'rhapsode[train]'")));
  shown.append(card("", "How near is it?", h("p", {}, "A video that was made of a clip's sound is compared with the clip: whether the mouth moves in step and as far, how the head moves, how often the eyes blink. Both faces are followed by the same tracker."),
    h("p.soft", {}, "Many clips at once: rhapsode evaluate motion.")));
  return { element: h("div.panel", {}, h("div.split", {}, shown, h("div.cards", {}, choose))), shown: () => { refresh().catch(told.fail); } };
}
