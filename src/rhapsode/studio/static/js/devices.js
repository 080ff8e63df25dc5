// Camera and microphone: a still, a clip, a recording.
import { h } from "./ui.js";

const refusal = (what, error) => Object.assign(new Error(`The ${what} cannot be used (${error.name}).`), {
  remedy: "Allow it in the browser's address bar, or choose a file.", code: "device",
});

export async function open(what, wanted) {
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    throw refusal(what, error);
  }
}

export const stop = (stream) => stream.getTracks().forEach((track) => track.stop());

/** A dialog that shows the camera, until `act` is done with it or it is closed. */
export async function camera(title, action, sound, act) {
  const stream = await open("camera", { video: { width: { ideal: 1280 } }, audio: sound });
  const video = h("video", { autoplay: true, muted: true, playsinline: true, ".muted": true, ".srcObject": stream, "aria-label": "Camera" });
  const go = h("button.chief", { type: "button" }, action);
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = h("dialog", { "aria-label": title }, h("div.stack", {}, h("h2", {}, title), video, h("div.row", {}, go, close)));
  dialog.addEventListener("close", () => { stop(stream); dialog.remove(); });
  go.addEventListener("click", async () => { if (await act({ video, stream, go })) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}

/** Take a picture of what a video shows. */
export function still(video) {
  const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Record a stream; `finish` gives what was recorded. */
export function record(stream) {
  const pieces = [];
  const recorder = new MediaRecorder(stream);
  recorder.ondataavailable = (event) => pieces.push(event.data);
  const ended = new Promise((resolve) => { recorder.onstop = () => resolve(new Blob(pieces, { type: recorder.mimeType })); });
  recorder.start();
  return { finish: () => { recorder.stop(); return ended; } };
}
