// The tab Animate: stage at the left, cards at its side, history below.
import { clock, h, notes } from "./ui.js";
import * as api from "./api.js";
import { Stage } from "./stage.js";
import { portraitCard } from "./portrait.js";
import { voiceCard } from "./voice.js";
import { mannerCard } from "./manner.js";
import { motionCard, outputCard } from "./motion.js";
import { historyPanel } from "./history.js";

export function animateTab(state, shared) {
  const now = { picture: null, voice: null, start: 0 };
  const told = notes();
  const stage = new Stage({ onface: (face) => portrait.choose({ face }), onpoints: (points) => portrait.choose({ points }) });
  const portrait = portraitCard((picture) => {
    now.picture = picture.seen ? picture : null;
    shared.picture = now.picture;
    stage.setPicture(picture);
    changed(picture.faces.length === 1); // of several, one is chosen first
  });
  const voice = voiceCard(state, {
    onvoice: (opened, start) => { Object.assign(now, { voice: opened, start }); shared.voice = opened; changed(true); },
    onstart: (start) => { now.start = start; changed(true); },
  });
  const manner = mannerCard(state, () => changed(true));
  const motion = motionCard(state, () => changed(true));
  const output = outputCard(() => changed(true), make);
  const history = historyPanel();

  const values = () => ({
    picture: now.picture?.id, voice: now.voice?.id, start: now.start,
    backdrop: output.backdrop(), options: { ...manner.values(), ...motion.values(), ...output.options() },
  });

  let wanted = null;
  let running = false;
  /** Ask for a preview; while one is made, only the last of further wishes is kept. */
  function changed(shows = false) {
    output.make.disabled = !(now.picture && now.voice);
    if (output.make.disabled) return;
    wanted = { shows: shows || stage.name !== "tracker", since: performance.now() };
    if (!running) preview();
  }

  async function preview() {
    running = true;
    stage.setBusy(true);
    while (wanted) {
      const { shows, since } = wanted;
      const { picture } = now;
      wanted = null;
      try {
        const film = await api.blob("api/preview", values());
        if (picture === now.picture) stage.setVideo("preview", URL.createObjectURL(film), shows);
        stage.element.dataset.previewMs = Math.round(performance.now() - since);
        manner.told.clear();
      } catch (error) {
        manner.told.fail(error);
      }
    }
    stage.setBusy(false);
    running = false;
  }

  async function make() {
    told.clear();
    output.make.disabled = true;
    try {
      const job = await api.send("api/videos", { ...values(), size: output.size() });
      const ended = await api.runJob(output.place, job, { h, clock }, { frames: "Frames", portrait: "Opens the portrait" });
      if (ended.state === "cancelled") told.say("Cancelled. Nothing half-made stays.", "plain");
      else {
        stage.setVideo("result", `api/history/${ended.result.id}/${ended.result.file}`, true);
        told.say("Done: it plays on the stage, and stands below among what was made before.", "good");
        await history.refresh();
      }
    } catch (error) {
      told.fail(error);
    } finally {
      output.make.disabled = !(now.picture && now.voice);
    }
  }

  output.element.append(told.element);
  const cards = h("div.cards", {}, portrait.element, voice.element, manner.element, motion.element, output.element);
  return {
    element: h("div.panel", {}, h("div.split", {}, stage.element, cards), history.element),
    setStyles: manner.setStyles,
  };
}
