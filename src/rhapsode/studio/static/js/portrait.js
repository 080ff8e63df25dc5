// The card that opens a picture and chooses the face.
import { card, dropZone, h, notes } from "./ui.js";
import * as api from "./api.js";
import { camera, still } from "./devices.js";

export function portraitCard(onpicture) {
  const told = notes();
  const chosen = h("p.soft");
  let picture = null;
  const take = (found) => {
    picture = { ...found, version: (picture?.version || 0) + 1 };
    chosen.textContent = picture.seen
      ? `${picture.name}: ${picture.width} × ${picture.height} pixels, ${picture.seen.eye_distance} between the eyes.`
      : `${picture.name}: ${picture.width} × ${picture.height} pixels.`;
    if (picture.error) told.fail({ message: picture.error.message, remedy: "Set five points on the face: eyes, nose, corners of the mouth." });
    else told.warn(picture.warnings);
    onpicture(picture);
  };
  const open = async (file, name) => {
    told.say("Looks for faces…", "plain");
    try { take(await api.upload("api/pictures", file, name)); } catch (error) { told.fail(error); }
  };
  const choose = async (values) => {
    try { take(await api.send(`api/pictures/${picture.id}/face`, values)); } catch (error) { told.fail(error); onpicture(picture); }
  };
  const snap = h("button", { type: "button", onclick: () => camera("Take a picture", "Take it", false, async ({ video }) => {
    open(await still(video), "camera.png");
    return true;
  }).catch(told.fail) }, "Camera");
  const zone = dropZone({
    label: "Choose a picture", accept: "image/*,video/*,.heic", onfile: open, extra: [snap],
    hint: "Or drop it here. A face from the front, mouth closed, even light.",
  });
  return { element: card("1", "Portrait", zone, chosen, told.element), choose };
}
