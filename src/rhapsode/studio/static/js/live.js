// The tab Live: a microphone, or the open voice, moves the portrait while it sounds.
import { card, check, h, notes, slider } from "./ui.js";
import { Refused } from "./api.js";
import { open as openDevice, stop as stopDevice } from "./devices.js";

export function liveTab(state, shared) {
  const told = notes();
  const canvas = h("canvas", { role: "img", "aria-label": "The live portrait", hidden: true });
  const empty = h("div.empty", {}, h("h1", {}, "Speak, and it speaks."), h("p", {}, "Open a portrait under Animate, then let the microphone move it."));
  const screen = h("div.screen", {}, canvas, empty);
  const latency = h("output.latency", { "aria-label": "Latency" }, "–");
  const speaking = h("span.soft", { role: "status" });
  const style = h("select", { "aria-label": "Style" });
  const large = h("input", { type: "checkbox" });
  const head = slider({ ...state.sliders.find((one) => one.name === "head_motion"), value: 1 });
  const start = h("button.chief", { type: "button", onclick: () => begin("microphone") }, "Use the microphone");
  const voice = h("button", { type: "button", onclick: () => begin("voice") }, "Let it say the open voice");
  const interrupt = h("button", { type: "button", disabled: true, onclick: () => running?.interrupt() }, "Interrupt");
  const end = h("button", { type: "button", disabled: true, onclick: () => running?.end() }, "End");
  const full = h("button", { type: "button", onclick: () => screen.requestFullscreen() }, "Only the face");
  let running = null;

  async function begin(source) {
    told.clear();
    running?.end();
    try {
      if (!shared.picture) throw new Refused({ message: "No portrait is open.", remedy: "Open one under Animate.", code: "no-picture" });
      if (source === "voice" && !shared.voice) throw new Refused({ message: "No voice is open.", remedy: "Open one under Animate.", code: "no-voice" });
      const wishes = { picture: shared.picture.id, large: large.checked, options: { style: style.value || null, head_motion: head.value } };
      running = await speak(source, wishes, shared, { frame, failed: (error) => { told.fail(error); running?.end(); }, ended });
      interrupt.disabled = end.disabled = false;
      empty.hidden = true;
      canvas.hidden = false;
    } catch (error) { told.fail(error); }
  }

  const ended = () => {
    running = null;
    interrupt.disabled = end.disabled = true;
    speaking.textContent = "Ended.";
  };
  const late = [];
  function frame(picture, behind, speaks) {
    if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.dataset.frames = Number(canvas.dataset.frames || 0) + 1;
    late.push(behind);
    if (late.length > 25) late.shift();
    latency.textContent = `${Math.round(1000 * [...late].sort((a, b) => a - b)[late.length >> 1])} ms`;
    speaking.textContent = speaks ? "Speaks" : "Listens";
  }
  const setStyles = (styles) => style.replaceChildren(h("option", { value: "" }, "no style"), ...styles.map((one) => h("option", { value: one.name }, one.name)));
  setStyles(state.styles);

  const controls = card("1", "Voice", h("div.row", {}, start, voice), h("div.row", {}, interrupt, end), told.element,
    h("p.soft", {}, "Wear headphones with the microphone. Interrupt drops what was still to be said: the mouth comes to rest from where it is."));
  const delay = card("2", "Latency", h("div.row", {}, latency, speaking), h("p.soft", {}, "From the sound's arrival in the browser to its frame on the screen. The open voice is played later by as much, so that lips and sound meet."));
  const look = card("3", "Look", h("div.field", {}, h("span.soft", {}, "Style"), style), head.element, check("The picture at its own size (slower)", large), h("p.soft", {}, "Taken up when it begins."));
  const camera = card("4", "As a virtual camera", h("ol", {},
    h("li", {}, "Press Only the face: the portrait fills a screen of its own."),
    h("li", {}, "In OBS Studio add a source Window Capture, and choose this window."),
    h("li", {}, "Start Virtual Camera there, and choose OBS Virtual Camera in your call."),
    h("li", {}, "Say in the call that the face is made.")), h("div.row", {}, full));
  return { element: h("div.panel", {}, h("div.split", {}, h("div.stage", {}, screen), h("div.cards", {}, controls, delay, look, camera))), setStyles };
}

/** Connect a source of sound with the studio; gives how to interrupt and end it. */
async function speak(source, wishes, shared, { frame, failed, ended }) {
  const stream = source === "microphone" ? await openDevice("microphone", { audio: true }) : null;
  const sound = new AudioContext();
  await sound.audioWorklet.addModule("static/js/pcm.js");
  const pcm = new AudioWorkletNode(sound, "pcm");
  const later = new DelayNode(sound, { maxDelayTime: 3, delayTime: 0.25 });
  const silence = new GainNode(sound, { gain: 0 });
  pcm.connect(silence).connect(sound.destination); // so that it runs
  let player = null;
  const socket = new WebSocket(new URL("api/live", location.href).href.replace(/^http/, "ws"));
  socket.binaryType = "arraybuffer";
  let began = null; // the time, on the browser's clock, of the session's beginning
  let last = -0.04; // the time of the last frame, on the session's
  socket.onopen = () => socket.send(JSON.stringify({ ...wishes, rate: sound.sampleRate }));
  pcm.port.onmessage = ({ data }) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    began ??= sound.currentTime - data.byteLength / 2 / sound.sampleRate - (last + 0.04);
    socket.send(data);
  };
  socket.onmessage = async ({ data }) => {
    if (typeof data === "string") { failed(new Refused(JSON.parse(data).error)); return; }
    const view = new DataView(data);
    const picture = await createImageBitmap(new Blob([new Uint8Array(data, 9)], { type: "image/jpeg" }));
    last = view.getFloat64(0, true);
    if (began === null || socket.readyState !== WebSocket.OPEN) return;
    const behind = sound.currentTime - began - last;
    frame(picture, behind, view.getUint8(8) === 1);
    if (player) later.delayTime.setTargetAtTime(Math.min(2.5, Math.max(0, behind)), sound.currentTime, 0.5);
  };
  const end = () => {
    socket.close();
    if (stream) stopDevice(stream);
    if (sound.state !== "closed") sound.close();
    ended();
  };
  if (stream) sound.createMediaStreamSource(stream).connect(pcm);
  else {
    const bytes = await (await fetch(`api/voices/${shared.voice.id}`)).arrayBuffer();
    player = new AudioBufferSourceNode(sound, { buffer: await sound.decodeAudioData(bytes) });
    player.connect(pcm);
    player.connect(later).connect(sound.destination);
    player.start();
  }
  return { end, interrupt: () => { player?.stop(); player?.disconnect(); later.disconnect(); socket.send("interrupt"); began = null; } };
}
