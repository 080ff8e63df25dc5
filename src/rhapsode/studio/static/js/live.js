// The tab Live: a microphone, or the open voice, moves the portrait while it sounds.
import { card, check, h, notes, slider } from "./ui.js";
import { Refused } from "./api.js";
import { open as openDevice, stop as stopDevice } from "./devices.js";
import { converse } from "./live_session.js";

export function liveTab(state, shared) {
  const told = notes();
  const video = h("video", { autoplay: true, playsinline: true, ".muted": true, "aria-label": "The live portrait", hidden: true });
  const empty = h("div.empty", {}, h("h1", {}, "Speak, and it speaks."), h("p", {}, "Open a portrait under Animate, then let the microphone move it."));
  const screen = h("div.screen", {}, video, empty);
  const latency = h("output.latency", { "aria-label": "Latency" }, "–");
  const speaking = h("span.soft", { role: "status" });
  const way = h("p.soft", { "aria-label": "Connection" }, "");
  const style = h("select", { "aria-label": "Style" });
  const large = h("input", { type: "checkbox" });
  const aloud = h("input", { type: "checkbox", onchange: () => { video.muted = !aloud.checked; } });
  const head = slider({ ...state.sliders.find((one) => one.name === "head_motion"), value: 1 });
  const start = h("button.chief", { type: "button", onclick: () => begin(microphone) }, "Use the microphone");
  const voice = h("button", { type: "button", onclick: () => begin(openVoice) }, "Let it say the open voice");
  const interrupt = h("button", { type: "button", disabled: true, onclick: () => running?.interrupt() }, "Interrupt");
  const end = h("button", { type: "button", disabled: true, onclick: () => running?.end() }, "End");
  const full = h("button", { type: "button", onclick: () => screen.requestFullscreen() }, "Only the face");
  let running = null;

  async function begin(open) {
    told.clear();
    running?.end();
    try {
      if (!shared.picture) throw new Refused({ message: "No portrait is open.", remedy: "Open one under Animate.", code: "no-picture" });
      running = await speak(await open(shared));
      interrupt.disabled = end.disabled = false;
      empty.hidden = true;
      video.hidden = false;
    } catch (error) { told.fail(error); }
  }

  /** Begin a session with a source of sound; gives how to interrupt and end both. */
  async function speak(source) {
    const late = [];
    aloud.checked = source.aloud;
    video.muted = !source.aloud;
    const wishes = { picture: shared.picture.id, large: large.checked, options: { style: style.value || null, head_motion: head.value } };
    const session = await converse(video, source.track, wishes, {
      ready: (how, why) => {
        way.textContent = `Over ${how}${why ? `: ${why}` : ""}.`;
        source.begin();
      },
      latency: (seconds) => {
        late.push(seconds);
        if (late.length > 25) late.shift();
        latency.textContent = `${Math.round(1000 * [...late].sort((a, b) => a - b)[late.length >> 1])} ms`;
      },
      speaking: (whether) => { speaking.textContent = whether ? "Speaks" : "Listens"; },
      failed: (error) => told.fail(error),
      ended: () => {
        source.end();
        if (running !== mine) return;
        running = null;
        interrupt.disabled = end.disabled = true;
        speaking.textContent = "Ended.";
      },
    });
    const mine = { end: session.end, interrupt: () => { source.interrupt(); session.interrupt(); } };
    return mine;
  }
  const setStyles = (styles) => style.replaceChildren(h("option", { value: "" }, "no style"), ...styles.map((one) => h("option", { value: one.name }, one.name)));
  setStyles(state.styles);

  const controls = card("1", "Voice", h("div.row", {}, start, voice), h("div.row", {}, interrupt, end), told.element,
    check("Play the voice, in step with the lips", aloud),
    h("p.soft", {}, "With the microphone only in headphones. Interrupt drops what was still to be said: the mouth comes to rest from where it is."));
  const delay = card("2", "Latency", h("div.row", {}, latency, speaking), way, h("p.soft", {}, "From the sound's arrival to its frame on the screen."));
  const look = card("3", "Look", h("div.field", {}, h("span.soft", {}, "Style"), style), head.element, check("The picture at its own size (slower)", large), h("p.soft", {}, "Taken up when it begins."));
  const camera = card("4", "As a virtual camera", h("ol", {},
    h("li", {}, "In OBS Studio add a source Browser with this address: ", h("code", {}, new URL("static/face.html", location.href).href)),
    h("li", {}, "Press Start Virtual Camera there, and choose OBS Virtual Camera in your call."),
    h("li", {}, "Let OBS take your microphone, too, and delay it by the latency above (Advanced Audio Properties, Sync Offset)."),
    h("li", {}, "Say in the call that the face is made.")), h("div.row", {}, full));
  return { element: h("div.panel", {}, h("div.split", {}, h("div.stage", {}, screen), h("div.cards", {}, controls, delay, look, camera))), setStyles };
}

/** The microphone, as a source of sound. */
async function microphone() {
  const stream = await openDevice("microphone", { audio: true });
  return { track: stream.getAudioTracks()[0], aloud: false, begin: () => {}, interrupt: () => {}, end: () => stopDevice(stream) };
}

/** The open voice, as a source of sound that begins now. */
async function openVoice(shared) {
  if (!shared.voice) throw new Refused({ message: "No voice is open.", remedy: "Open one under Animate.", code: "no-voice" });
  const context = new AudioContext();
  const bytes = await (await fetch(`api/voices/${shared.voice.id}`)).arrayBuffer();
  const player = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(bytes) });
  const sound = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  player.connect(sound);
  const silence = new ConstantSourceNode(context, { offset: 0 }); // so that sound goes on where the voice ends
  silence.connect(sound);
  silence.start();
  return { track: sound.stream.getAudioTracks()[0], aloud: true, begin: () => player.start(), interrupt: () => player.stop(), end: () => context.close() };
}
