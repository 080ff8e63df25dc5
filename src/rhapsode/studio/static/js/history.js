// Videos that were made: play, download, copy the command, delete.
import { clock, h, notes } from "./ui.js";
import * as api from "./api.js";

const NAMES = { style: "Style", style_strength: "Strength", fps: "Frames a second", head_motion: "Head", mouth: "Mouth", blink: "Blinks", gaze: "Gaze", teeth: "Teeth", seed: "Seed", track: "Track", channel: "Channel", live: "Live", loop: "Loop", background: "Background", aspect: "Shape" };

export function historyPanel() {
  const told = notes();
  const grid = h("div.grid");
  const none = h("p.soft", {}, "Nothing yet. What you make stays here, on this machine, until you delete it.");
  const show = ({ entries }) => {
    none.hidden = entries.length > 0;
    grid.replaceChildren(...entries.map(result));
  };
  const result = (entry) => {
    const at = `api/history/${entry.id}`;
    const thumb = h("button.thumb", { type: "button", "aria-label": `Play ${entry.voice}`, onclick: () => {
      const video = h("video", { src: `${at}/${entry.file}`, controls: true, autoplay: true, playsinline: true, "aria-label": entry.voice });
      thumb.replaceWith(h("div.thumb", {}, video));
      video.focus();
    } }, h("img", { src: `${at}/still.jpg`, alt: "", loading: "lazy" }), h("span", {}, clock(entry.seconds)));
    const command = h("pre", { tabindex: 0, "aria-label": "Command" }, entry.command);
    const copy = h("button.small", { type: "button", "aria-label": "Copy the command", onclick: async () => {
      await navigator.clipboard?.writeText(entry.command).catch(() => getSelection().selectAllChildren(command));
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Command"; }, 1500);
    } }, "Command");
    const settings = Object.entries(entry.options).filter(([, value]) => value !== null);
    return h("article.card.result", { "data-id": entry.id }, thumb, h("div.body", {},
      h("h3", { title: entry.voice }, entry.voice),
      h("p.soft", {}, `${entry.portrait}, ${entry.size.join(" × ")}, ${(entry.bytes / 1e6).toFixed(1)} MB`),
      ...entry.warnings.map((one) => h("div.note", {}, one.message)),
      h("div.row", {}, h("a.button.small", { href: `${at}/${entry.file}?download`, download: "" }, "Download"), copy,
        h("button.small.quiet", { type: "button", "aria-label": `Delete ${entry.voice}`, onclick: async () => {
          if (!confirm("Delete this video, and the copies of its picture and voice?")) return;
          try { show(await api.remove(at)); } catch (error) { told.fail(error); }
        } }, "Delete")),
      h("details", {}, h("summary", {}, "Every setting"), h("dl", {}, ...settings.flatMap(([name, value]) => [h("dt", {}, NAMES[name] ?? name), h("dd", {}, String(value))])), command)));
  };
  const refresh = async () => { try { show(await api.get("api/history")); } catch (error) { told.fail(error); } };
  refresh();
  return { element: h("section.stack.below", { "aria-labelledby": "history" }, h("h2", { id: "history" }, "Made before"), told.element, none, grid), refresh };
}
