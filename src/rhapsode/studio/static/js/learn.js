// The card that learns a style from a clip, with a curve that grows.
import { card, check, clock, dropZone, field, h, notes } from "./ui.js";
import * as api from "./api.js";
import { camera, record } from "./devices.js";
import { chart } from "./chart.js";

const STAGES = { tracking: "Follows the face", learning: "Learns" };

export function learnCard(state, onlearnt) {
  if (!state.learns) {
    return card("", "Learn a style", h("div.note.plain", {}, "Learning needs the extra train: ", h("code", {}, "pip install 'rhapsode[train]'")));
  }
  const told = notes();
  const chosen = h("p.soft");
  const curve = h("div"), place = h("div");
  const clips = { clip: null, neutral: null };
  const name = h("input", { type: "text", maxlength: 80, autocomplete: "off", oninput: () => ready() });
  const license = h("input", { type: "text", maxlength: 200, autocomplete: "off" });
  const steps = h("input", { type: "number", min: 1, max: 2000, value: 600 });
  const pictures = h("input", { type: "checkbox" });
  const go = h("button.chief", { type: "button", disabled: true, onclick: learn }, "Learn it");
  const ready = () => { go.disabled = !(clips.clip && name.value.trim()); };

  const take = (which) => async (file, called) => {
    try {
      clips[which] = await api.upload("api/clips", file, called);
      if (which === "clip" && !name.value) name.value = clips.clip.name.replace(/\.\w+$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 40);
      chosen.textContent = [clips.clip?.name, clips.neutral && `at rest: ${clips.neutral.name}`].filter(Boolean).join("; ");
      told.clear();
      ready();
    } catch (error) { told.fail(error); }
  };
  const film = h("button", { type: "button", onclick: () => camera("Record a clip", "Record", true, filming(take("clip"))).catch(told.fail) }, "Camera");
  const zone = dropZone({ label: "Choose a clip", accept: "video/*", onfile: take("clip"), extra: [film], hint: "One person who speaks or sings, 10 s or more is best." });
  const neutral = dropZone({ label: "Choose a face at rest", accept: "image/*,video/*", onfile: take("neutral"), hint: "The same person, relaxed: then a smile or frown that lasts becomes part of the style." });

  async function learn() {
    told.clear();
    go.disabled = true;
    let shown = 0;
    const draw = (rows) => {
      if (rows.length === shown) return;
      shown = rows.length;
      curve.replaceChildren(curveOf(rows));
    };
    try {
      const wanted = { clip: clips.clip.id, neutral: clips.neutral?.id, name: name.value.trim(), license: license.value, steps: Number(steps.value), pictures: pictures.checked };
      const ended = await api.runJob(place, await api.send("api/styles/learn", wanted), { h, clock }, STAGES, draw);
      if (ended.state === "cancelled") told.say("Cancelled. No style was kept.", "plain");
      else {
        draw(ended.rows);
        told.say(`Learnt: ${ended.result.name} is among your styles. ${ended.result.warnings.join(" ")}`, "good");
        await onlearnt(ended.result.name);
      }
    } catch (error) { told.fail(error); } finally { ready(); }
  }

  return card("", "Learn a style", zone, chosen, h("div.fields", {}, field("Name", name), field("License", license)),
    h("details", {}, h("summary", {}, "More"), h("div.stack", {}, neutral, field("Steps at most", steps), check("Keep four small pictures of the person in the style", pictures))),
    go, place, curve, told.element);
}

/** The learning curve: how near the style is, and how well lips still follow. */
export function curveOf(rows) {
  const of = (key) => rows.filter((row) => key in row).map((row) => [row.step, row[key]]);
  return h("div.pair", {}, chart("Distance from the style", "steps", [{ name: "distance", points: of("distance") }]),
    chart("Lips in sync", "steps", [{ name: "correlation", points: of("lip_sync") }]));
}

/** Record until the button is pressed again. */
const filming = (done) => {
  let recorder = null;
  return async ({ stream, go }) => {
    if (!recorder) {
      recorder = record(stream);
      go.textContent = "Stop";
      return false;
    }
    done(await recorder.finish(), "camera.webm");
    return true;
  };
};
