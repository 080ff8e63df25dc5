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
  let running = null;
  /** Ask for a preview; while one is made, only the last of further wishes is kept. */
  function changed(shows = false) {
    output.make.disabled = !(now.picture && now.voice);
    if (output.make.disabled) return;
    wanted = { shows: shows || stage.name !== "tracker" };
    if (!running) preview();
  }

  async function preview() {
    stage.setBusy(true);
    while (wanted) {
      const { shows } = wanted;
      const { picture } = now;
      wanted = null;
      running = new AbortController();
      try {
        const film = await api.blob("api/preview", values(), running.signal);
        if (picture === now.picture) stage.setVideo("preview", URL.createObjectURL(film), shows);
        manner.told.clear();
      } catch (error) {
        if (error.name !== "AbortError") manner.told.fail(error);
      }
    }
    stage.setBusy(false);
    running = null;
  }

  async function make() {
    told.clear();
    const held = document.activeElement === output.make; // who works by keyboard goes on where they are
    output.make.disabled = true;
    try {
      const job = await api.send("api/videos", { ...values(), size: output.size() });
      const work = api.runJob(output.place, job, { h, clock }, { frames: "Frames", portrait: "Opens the portrait" });
      if (held) output.place.querySelector("button").focus();
      const ended = await work;
      if (ended.state === "cancelled") told.say("Cancelled. Nothing half-made stays.", "plain");
      else {
        stage.setVideo("result", `api/history/${ended.result.id}/${ended.result.file}`, true);
        told.say(["Done: it plays on the stage. ", h("a", { href: `api/history/${ended.result.id}/${ended.result.file}?download`, download: "" }, "Download it"), ", here or under Made before."], "good");
        await history.refresh();
      }
    } catch (error) {
      told.fail(error);
    } finally {
      output.make.disabled = !(now.picture && now.voice);
      if (held) (told.element.querySelector("a") ?? output.make).focus();
    }
  }

  // While a slider is dragged, every preview that is finished is shown; once it is let go, what is under way is stale.
  const settled = () => { if (wanted) running?.abort(); };
  const cards = h("div.cards", { onchange: settled }, portrait.element, voice.element, manner.element, motion.element, output.element,
    h("div.action", {}, output.place, told.element, output.make));
  return {
    element: h("div.panel", {}, h("div.split", {}, stage.element, cards, history.element)),
    setStyles: manner.setStyles,
  };
}
