// The stage: the picture with its faces and what the tracker sees, or a video over it.
import { h, s, segments } from "./ui.js";
import { LINES } from "./faces.js";

const POINTS = ["one eye", "the other eye", "the tip of the nose", "one corner of the mouth", "the other corner"];

export class Stage {
  constructor({ onface, onpoints }) {
    this.onface = onface;
    this.onpoints = onpoints;
    this.picture = null;
    this.videos = { preview: null, result: null };
    this.fit = h("div.fit");
    this.busy = h("span.busy", { hidden: true, role: "status" }, "Preview…");
    this.screen = h("div.screen", {}, this.fit, this.busy);
    this.view = segments("What the stage shows", { picture: "Picture", tracker: "Tracker", preview: "Preview", result: "Result" }, "picture", (name) => this.show(name));
    this.hint = h("p.soft", { "aria-live": "polite" });
    this.element = h("div.stage", {}, this.screen, h("div.row.spread.under", {}, this.view.element), this.hint);
    this.empty();
  }

  empty() {
    this.name = "picture";
    this.fit.replaceChildren(h("div.empty", {}, h("h1", {}, "One portrait, any voice."),
      h("p", {}, "Choose a picture that shows a face from the front. Then give it a voice: it speaks at once, and follows every slider.")));
    this.enable();
  }

  enable() {
    const there = { picture: this.picture, tracker: this.picture?.seen, preview: this.videos.preview, result: this.videos.result };
    for (const [name, thing] of Object.entries(there)) this.view.button(name).disabled = !thing;
  }

  setPicture(picture) {
    this.picture = picture;
    this.setVideo("preview", null);
    this.setVideo("result", null);
    this.show(picture.seen ? "tracker" : "picture");
  }

  /** Take a video, a URL, and show it where asked to. */
  setVideo(name, url, shows) {
    if (this.videos[name]?.startsWith("blob:")) setTimeout(URL.revokeObjectURL, 5000, this.videos[name]);
    this.videos[name] = url;
    if (url && shows) this.show(name);
    else this.enable();
  }

  show(name) {
    this.name = name;
    this.view.choose(name);
    this.enable();
    this.hint.textContent = "";
    if (name === "preview" || name === "result") this.showVideo(name);
    else if (this.picture) this.showPicture(name === "tracker");
  }

  showVideo(name) {
    const old = this.fit.querySelector("video");
    const follows = name === "preview" && old?.dataset.name === name;
    const video = h("video", {
      src: this.videos[name], controls: true, autoplay: !follows, loop: name === "preview", playsinline: true,
      ".muted": follows ? old.muted : name === "preview", "data-name": name, "aria-label": name === "preview" ? "Preview" : "The video",
    });
    video.addEventListener("loadedmetadata", () => { this.setRatio(video.videoWidth, video.videoHeight); }, { once: true });
    if (follows) this.follow(old, video);
    else this.fit.replaceChildren(video);
  }

  /** Put the next preview in the place of the last without a flash: it goes on where that one was. */
  follow(old, video) {
    this.next = video;
    video.addEventListener("loadeddata", () => { video.currentTime = old.currentTime; }, { once: true });
    video.addEventListener("seeked", () => {
      if (this.next !== video || !old.isConnected) return;
      const { paused, volume } = old;
      const focused = document.activeElement === old;
      video.volume = volume;
      old.replaceWith(video);
      old.removeAttribute("src");
      if (focused) video.focus();
      if (!paused) video.play().catch(() => {});
    }, { once: true });
  }

  /** Give the screen the shape of what it shows. */
  setRatio(width, height) { this.fit.style.setProperty("--ratio", width / height); }

  showPicture(withTracker) {
    const { picture } = this;
    const overlay = s("svg", { viewBox: `0 0 ${picture.width} ${picture.height}`, "aria-hidden": "true" });
    if (withTracker && picture.seen) draw(overlay, picture);
    this.setRatio(picture.width, picture.height);
    const image = h("img", { src: `api/pictures/${picture.id}?${picture.version || 0}`, alt: `The picture ${picture.name}` });
    this.fit.replaceChildren(image, overlay);
    if (picture.faces.length > 1) this.fit.append(...picture.faces.map((face) => this.box(face)));
    if (picture.error) this.takeClicks();
    else if (picture.faces.length > 1) this.hint.textContent = `${picture.faces.length} faces: click the one that is to speak.`;
  }

  box(face) {
    const [left, top, right, bottom] = face.box.map((share) => 100 * share);
    const chosen = face.number === this.picture.seen?.number;
    return h("button.face-box", {
      type: "button", "aria-pressed": String(chosen), "aria-label": `Face ${face.number}, number ${face.place} from the left`,
      style: `left:${left}%;top:${top}%;width:${right - left}%;height:${bottom - top}%`, onclick: () => this.onface(face.number),
    }, h("span", {}, String(face.number)));
  }

  /** Five points by clicks, or by arrow keys and Enter. */
  takeClicks() {
    const points = [];
    const cursor = { x: 0.5, y: 0.4 };
    const mark = h("i.at");
    const layer = h("div.clicks", { tabindex: 0, role: "application", "aria-label": "Set five points: arrow keys move, Enter sets" }, mark);
    const tell = () => {
      const words = points.length < 5 ? `No face is found. Click ${POINTS[points.length]} (${points.length + 1} of 5).` : "Lays a face on the points…";
      this.hint.textContent = words;
      mark.style.cssText = `left:${100 * cursor.x}%;top:${100 * cursor.y}%`;
    };
    const set = (x, y) => {
      if (points.length === 5) return;
      points.push([x, y]);
      layer.append(h("i", { style: `left:${100 * x}%;top:${100 * y}%` }));
      tell();
      if (points.length === 5) this.onpoints(points);
    };
    layer.addEventListener("click", (event) => {
      const box = layer.getBoundingClientRect();
      set((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
    layer.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 0.05 : 0.01;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (event.key === "Enter") set(cursor.x, cursor.y);
      else if (moves[event.key]) {
        cursor.x = Math.min(1, Math.max(0, cursor.x + moves[event.key][0]));
        cursor.y = Math.min(1, Math.max(0, cursor.y + moves[event.key][1]));
        tell();
      } else return;
      event.preventDefault();
    });
    this.fit.append(layer);
    tell();
  }

  setBusy(is) { this.busy.hidden = !is; }
}

function draw(svg, { seen, width, height }) {
  const at = (values, index) => `${(values[2 * index] * width).toFixed(1)},${(values[2 * index + 1] * height).toFixed(1)}`;
  let mesh = "";
  for (let i = 0; i < seen.triangles.length; i += 3) {
    mesh += `M${at(seen.mesh, seen.triangles[i])}L${at(seen.mesh, seen.triangles[i + 1])}L${at(seen.mesh, seen.triangles[i + 2])}Z`;
  }
  const unit = Math.max(width, height) / 1000;
  svg.append(s("path", { d: mesh, fill: "none", stroke: "#fff", "stroke-opacity": 0.22, "stroke-width": unit * 0.8 }));
  for (const [first, last, closed] of LINES) {
    let line = "";
    for (let i = first; i <= last; i++) line += `${i === first ? "M" : "L"}${at(seen.landmarks, i)}`;
    svg.append(s("path", { d: line + (closed ? "Z" : ""), fill: "none", stroke: "#ffb38f", "stroke-width": unit * 2.2, "stroke-linejoin": "round" }));
  }
  for (let i = 0; i < 68; i++) {
    const [x, y] = at(seen.landmarks, i).split(",");
    svg.append(s("circle", { cx: x, cy: y, r: unit * 2.4, fill: "#fff" }));
  }
}
