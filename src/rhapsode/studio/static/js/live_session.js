// A live session: sound goes to the studio, the face and its voice come back into a video element. Over WebRTC; over the
// WebSocket that arranges it, where there is none. docs/server.md tells the messages.
import { Refused } from "./api.js";

/**
 * Begin a session; gives how to interrupt and end it.
 * `video`: shows it. `track`: of sound. `wishes`: picture and options.
 * `on`: what happens: ready(way, why), latency(seconds), speaking(whether), failed(error), ended().
 */
export async function converse(video, track, wishes, on) {
  const context = new AudioContext();
  const peer = await offering(track);
  const socket = new WebSocket(new URL("api/live", location.href).href.replace(/^http/, "ws"));
  socket.binaryType = "arraybuffer";
  let way = null;
  const start = { type: "start", ...wishes, newest: true, sample_rate: context.sampleRate, offer: peer?.connection.localDescription.sdp };
  socket.onopen = () => socket.send(JSON.stringify(start));
  socket.onmessage = async ({ data }) => {
    if (typeof data !== "string") { way?.frame(data); return; }
    const said = JSON.parse(data);
    if (said.type === "answer") await peer.connection.setRemoteDescription({ type: "answer", sdp: said.sdp });
    else if (said.type === "ready") {
      way = said.format === "webrtc" ? overTracks(peer, video, on) : await overSocket(socket, context, track, on);
      video.srcObject = way.stream;
      on.ready(said.format === "webrtc" ? "WebRTC" : "WebSocket", said.why);
    } else if (said.type === "speaking") on.speaking(said.speaking);
    else if (said.type === "error") on.failed(new Refused(said));
    else way?.said(said);
  };
  socket.onclose = () => {
    peer?.connection.close();
    way?.end();
    context.close();
    if (way && video.srcObject === way.stream) video.srcObject = null;
    on.ended();
  };
  return { end: () => socket.close(), interrupt: () => { way?.interrupt(); socket.send('{"type": "interrupt"}'); } };
}

/** Offer a connection that sends a track; no server is asked how the two sides reach each other. */
async function offering(track) {
  if (!window.RTCPeerConnection) return null;
  const connection = new RTCPeerConnection({ iceServers: [] });
  const stream = new MediaStream();
  connection.ontrack = (event) => stream.addTrack(event.track);
  connection.addTransceiver(track, { direction: "sendrecv" });
  connection.addTransceiver("video", { direction: "recvonly" });
  await connection.setLocalDescription();
  return { connection, stream };
}

/** Face and voice come as tracks. How late a picture is: until it was sent, on its way, and here until it is shown. */
function overTracks({ connection, stream }, video, on) {
  let [sent, way, running] = [null, 0, true];
  const shown = (_now, { receiveTime, expectedDisplayTime }) => {
    if (!running) return;
    if (sent !== null && receiveTime) on.latency(sent + way + (expectedDisplayTime - receiveTime) / 1000);
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
  const said = async ({ type, seconds }) => {
    if (type !== "latency") return;
    sent = seconds;
    for (const one of (await connection.getStats()).values()) if (one.nominated) way = (one.currentRoundTripTime ?? 0) / 2;
  };
  return { stream, said, interrupt: () => {}, end: () => { running = false; } };
}

/** Face as JPEGs in messages; the voice is that which is sent, played later by as much as the face is late. */
async function overSocket(socket, context, track, on) {
  await context.audioWorklet.addModule("static/js/pcm.js");
  const source = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) });
  const pcm = new AudioWorkletNode(context, "pcm");
  const later = new DelayNode(context, { maxDelayTime: 3, delayTime: 0.25 });
  const voice = new MediaStreamAudioDestinationNode(context);
  source.connect(pcm).connect(new GainNode(context, { gain: 0 })).connect(context.destination); // so that it runs
  source.connect(later).connect(voice);
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  let since = null; // the context's time at the first sample since the beginning or an interruption,
  let origin = 0; // and that of the session, once it is known
  pcm.port.onmessage = ({ data }) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    since ??= context.currentTime - data.byteLength / 2 / context.sampleRate;
    socket.send(data);
  };
  const frame = async (data) => {
    const view = new DataView(data);
    const jpeg = new Uint8Array(data, 16, view.getUint32(12, true));
    const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
    pen.drawImage(picture, 0, 0);
    if (since === null || origin === null || context.state === "closed") return;
    const behind = context.currentTime - since - (view.getFloat64(0, true) - origin);
    on.latency(behind);
    later.delayTime.setTargetAtTime(Math.min(2.5, Math.max(0, behind)), context.currentTime, 0.5);
  };
  const said = ({ type, time }) => { if (type === "interrupted") origin = time; };
  const stream = new MediaStream([...canvas.captureStream().getTracks(), ...voice.stream.getTracks()]);
  return { stream, frame, said, interrupt: () => { since = origin = null; }, end: () => {} };
}
