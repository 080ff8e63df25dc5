"""How long after a slider moves a viewer sees the studio's preview follow, in Chromium: two seconds at 256 pixels.

    python benchmarks/preview.py --append benchmarks/preview.jsonl

A portrait and a voice are open, as they are when somebody tries sliders. The clock runs in the page, from the slider's
`input` event to the first new frame on the screen. It needs the extras studio and text, Playwright, and Chromium.
"""

import json
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import tyro
import uvicorn
from playwright.sync_api import Page, expect, sync_playwright

from rhapsode.studio.app import build
from rhapsode.studio.workspace import Workspace
from rhapsode.tools.example import example_picture

_TEXT = "Good evening. This face is a single photograph, and a small synthesiser lends it a voice."
#: Sliders of the page, and how far up each is moved.
_SLIDERS = {"Head": (0.2, 1.8), "Mouth": (0.5, 1.5), "Blinks": (0.2, 1.8), "Gaze": (0.2, 1.8)}
#: Move a slider, and wait for a frame of the preview that it asks for.
_MOVE = """async ([label, value]) => {
  const slider = [...document.querySelectorAll("input[type=range]")].find((one) => one.labels[0].textContent === label);
  const shown = () => document.querySelector("video[data-name=preview]");
  const before = shown().src;
  const began = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  slider.dispatchEvent(new Event("change", { bubbles: true }));
  while (shown().src === before) await new Promise(requestAnimationFrame);
  await new Promise((seen) => shown().requestVideoFrameCallback(seen));
  return performance.now() - began;
}"""


@dataclass(frozen=True)
class Preview:
    """Measure how fast the preview follows.

    Attributes:
        moves: number of moves of each kind.
        append: file to which one line of JSON is added.
    """

    moves: int = 10
    append: Path | None = None

    def run(self) -> dict[str, Any]:
        """Open the studio and move its sliders; gives medians and worst, milliseconds, and processor time."""
        with _open_page() as page:
            figures = {"no style": self._moved(page, _SLIDERS)}
            page.get_by_role("radio", name="happy", exact=True).check()
            page.wait_for_timeout(4000)
            figures["a style"] = self._moved(page, _SLIDERS)
            figures["its strength"] = self._moved(page, {"Strength": (0.3, 1.4)})
        return {"date": f"{datetime.now(timezone.utc):%Y-%m-%d}", "cores": os.cpu_count(), **figures}

    def _moved(self, page: Page, sliders: dict[str, tuple[float, float]]) -> dict[str, float]:
        taken, names, before = [], list(sliders), time.process_time()
        for number in range(self.moves):
            name = names[number % len(names)]
            low, high = sliders[name]
            value = low + (high - low) * (number + 1) / (self.moves + 1)
            taken.append(page.evaluate(_MOVE, [name, value]))
            page.wait_for_timeout(300)
        used = (time.process_time() - before) / self.moves
        return {
            "median_ms": round(statistics.median(taken)),
            "worst_ms": round(max(taken)),
            "processor_s": round(used, 2),
        }


@contextmanager
def _open_page() -> Iterator[Page]:
    """Serve a studio in this process, and open it in a browser with a portrait and a voice."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        place = Path(scratch)
        cv2.imwrite(str(place / "astronaut.png"), cv2.cvtColor(example_picture(), cv2.COLOR_RGB2BGR))
        work = Workspace(place / "data", place / "styles")
        server = uvicorn.Server(uvicorn.Config(build(work), port=0, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            thread.join(0.05)
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(120_000)
            page.goto(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/")
            page.get_by_role("checkbox", name="I have read").check()
            page.get_by_role("button", name="Open the studio").click()
            page.get_by_label("Choose a picture").set_input_files(place / "astronaut.png")
            page.locator("svg circle").first.wait_for()
            page.get_by_role("button", name="Text", exact=True).click()
            page.get_by_label("Text", exact=True).fill(_TEXT)
            page.get_by_role("button", name="Speak it").click()
            page.locator("video[data-name=preview]").wait_for()
            # Thumbnails are made in the same process: none is left to be made.
            expect(page.locator(".gallery .tile b")).to_have_count(1, timeout=120_000)
            yield page
            browser.close()
        finally:
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    benchmark = tyro.cli(Preview)
    figures = benchmark.run()
    print(json.dumps(figures, indent=1))
    if benchmark.append:
        with benchmark.append.open("a") as file:
            file.write(json.dumps(figures) + "\n")
