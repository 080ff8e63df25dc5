// What the page asks of the studio behind it. A refusal becomes an Error with `remedy` and `code`.

export class Refused extends Error {
  constructor({ message, remedy, code }) {
    super(message);
    Object.assign(this, { remedy, code });
  }
}

async function checked(response) {
  if (response.ok) return response;
  let told;
  try { told = (await response.json()).error; } catch { /* no words */ }
  throw new Refused(told?.message ? told : { message: `The studio answered ${response.status}.`, remedy: "Reload the page.", code: "http" });
}

async function reach(path, options) {
  try {
    return await checked(await fetch(path, options));
  } catch (error) {
    if (error instanceof TypeError) {
      throw new Refused({ message: "The studio does not answer.", remedy: "Start it again with rhapsode studio.", code: "gone" });
    }
    throw error;
  }
}

export const get = async (path) => (await reach(path)).json();
export const send = async (path, values = {}, method = "POST") =>
  (await reach(path, { method, body: JSON.stringify(values), headers: { "content-type": "application/json" } })).json();
export const remove = async (path) => (await reach(path, { method: "DELETE" })).json();
export const upload = async (path, file, name = file.name) =>
  (await reach(`${path}?name=${encodeURIComponent(name || "recording.webm")}`, { method: "POST", body: file })).json();
export const blob = async (path, values, signal) => (await reach(path, { method: "POST", body: JSON.stringify(values), signal })).blob();

/** Follow a job until it ends; resolves with its last state. */
export function follow(job, told) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`api/jobs/${job.id}/events`);
    events.onmessage = (event) => {
      const state = JSON.parse(event.data);
      told(state);
      if (!["done", "failed", "cancelled"].includes(state.state)) return;
      events.close();
      if (state.state === "failed") reject(new Refused(state.error));
      else resolve(state);
    };
    events.onerror = () => {
      if (events.readyState === EventSource.CLOSED) reject(new Refused({ message: "The studio does not answer.", remedy: "Start it again.", code: "gone" }));
    };
  });
}

/** Progress, time left and a button to cancel, for one job after another. */
export async function runJob(place, job, { h, clock }, stages = {}, onrow = () => {}) {
  const bar = h("progress", { max: 1, "aria-label": "Progress" });
  const words = h("span.soft", { role: "status" });
  const cancel = h("button.small", { type: "button", onclick: () => remove(`api/jobs/${job.id}`) }, "Cancel");
  place.replaceChildren(h("div.stack", {}, bar, h("div.row.spread", {}, words, cancel)));
  try {
    return await follow(job, (state) => {
      onrow(state.rows);
      if (state.total) bar.value = Math.min(1, state.done / state.total);
      else bar.removeAttribute("value");
      const stage = stages[state.stage] ?? state.stage;
      const left = state.seconds_left === null ? "" : `, ${clock(state.seconds_left)} left`;
      words.textContent = state.state === "waiting" ? "Waits for what was asked for before…"
        : state.total > 1 ? `${stage}: ${state.done} of ${state.total}${left}` : `${stage || "Begins"}…`;
    });
  } finally {
    place.replaceChildren();
  }
}
