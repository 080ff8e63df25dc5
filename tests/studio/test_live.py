"""The tab Live in a real browser, whose microphone hears a word again and again."""

import re
import sys
import threading
import time
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from tests.bench import hello, write_sound
from tests.studio.conftest import Site

pytest.importorskip("starlette", reason="the extra studio is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow
needs_webrtc = pytest.mark.skipif(find_spec("aiortc") is None, reason="the extra webrtc is not installed")

#: Looks at the mouth for some seconds, and 8 frames at least; gives pictures, speech, loudness.
WATCH = """async (video, seconds) => {
  const canvas = document.createElement("canvas"), size = 32;
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d", { willReadFrequently: true }), context = new AudioContext();
  const ear = new AnalyserNode(context, { fftSize: 2048 }), sound = new Float32Array(2048), seen = [];
  new MediaStreamAudioSourceNode(context, { mediaStream: video.srcObject }).connect(ear);
  const until = performance.now() + 1000 * seconds;
  while (performance.now() < until || seen.length < 8) {
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const { videoWidth: w, videoHeight: h } = video;
    pen.drawImage(video, w * 0.3, h * 0.45, w * 0.4, h * 0.3, 0, 0, size, size);
    ear.getFloatTimeDomainData(sound);
    seen.push({ pixels: [...pen.getImageData(0, 0, size, size).data], loud: Math.hypot(...sound) / Math.sqrt(2048),
                speaks: [...document.querySelectorAll("[role=status]")].some((one) => one.textContent === "Speaks") });
  }
  await context.close();
  return seen;
}"""


class Watched:
    """What a live portrait showed for a while: how far its mouth moved, and how loud its voice was."""

    def __init__(self, page: Page, seconds: float) -> None:
        seen: list[dict[str, Any]] = page.get_by_label("The live portrait").evaluate(WATCH, seconds)
        pixels = np.array([one["pixels"] for one in seen], float)
        self.moved = float(pixels.std(0).mean())
        self.loudest = max(one["loud"] for one in seen)
        self.spoke = any(one["speaks"] for one in seen)


def open_live(page: Page, site: Site) -> None:
    page.get_by_label("Choose a picture").set_input_files(site.folder / "face.png")
    write_sound(site.folder / "long.wav", np.tile(hello(), 80))
    page.get_by_label("Choose a recording").set_input_files(site.folder / "long.wav")
    page.wait_for_selector("video[data-name=preview]")
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("slider", name="Head").press("Home")  # what moves is the mouth


def latency(page: Page) -> float:
    shown = page.get_by_role("status", name="Latency")
    expect(shown).to_have_text(re.compile(r"\d+ ms"))
    return int(str(shown.text_content()).split()[0]) / 1000


def assert_speaks_and_is_interrupted(page: Page, over: str) -> None:
    page.get_by_role("button", name="Let it say the open voice").click()
    expect(page.get_by_label("Connection")).to_have_text(over)
    expect(page.get_by_text("Speaks", exact=True)).to_be_visible()
    speaking = Watched(page, 1.5)
    assert speaking.loudest > 0.02
    assert 0.1 < latency(page) < 5  # the ear hears 0.18 s ahead; the rest is the machine
    page.get_by_role("button", name="Interrupt").click()
    for _ in range(8):  # what was on its way is heard for a moment; the voice itself goes on for half a minute
        quiet = Watched(page, 1.0)
        if quiet.loudest < 0.005:
            break
    assert quiet.loudest < 0.005 and not quiet.spoke
    assert quiet.moved < 0.5 * speaking.moved
    page.get_by_role("button", name="End").click()
    expect(page.get_by_text("Ended.")).to_be_visible()


@needs_webrtc
def test_a_voice_moves_the_portrait_over_webrtc_until_it_is_interrupted(page: Page, site: Site) -> None:
    open_live(page, site)
    assert_speaks_and_is_interrupted(page, "Over WebRTC.")


@needs_webrtc
def test_the_microphone_moves_it_and_is_played_back_only_when_asked_for(page: Page, site: Site) -> None:
    open_live(page, site)
    page.get_by_role("button", name="Use the microphone").click()
    expect(page.get_by_text("Speaks", exact=True)).to_be_visible()
    heard = Watched(page, 2.5)
    assert heard.loudest > 0.02 and heard.moved > 1
    video = page.get_by_label("The live portrait")
    assert video.evaluate("video => video.muted")
    page.get_by_label("Play the voice").check()
    assert not video.evaluate("video => video.muted")
    page.goto("about:blank")  # the tab is closed
    until = time.monotonic() + 10
    while any(thread.name == "live session" for thread in threading.enumerate()):
        assert time.monotonic() < until, "a session outlives its page"
        time.sleep(0.05)


def test_without_webrtc_it_goes_over_the_websocket(page: Page, site: Site) -> None:
    page.evaluate("delete window.RTCPeerConnection")
    open_live(page, site)
    assert_speaks_and_is_interrupted(page, "Over WebSocket.")


def test_where_webrtc_is_not_installed_the_page_says_so_and_goes_on(
    page: Page, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiortc", None)
    monkeypatch.delitem(sys.modules, "rhapsode.media.peer", raising=False)
    open_live(page, site)
    page.get_by_role("button", name="Use the microphone").click()
    expect(page.get_by_label("Connection")).to_contain_text("Over WebSocket: WebRTC needs aiortc")
    assert Watched(page, 1.0).moved > 1


def test_without_a_portrait_it_says_what_is_missing(page: Page) -> None:
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("button", name="Use the microphone").click()
    expect(page.get_by_role("alert")).to_contain_text("No portrait is open.")
