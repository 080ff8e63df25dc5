"""The tab Live in a real browser, whose microphone hears a word again and again."""

import re
import sys
import threading
import time
from importlib.util import find_spec
from typing import Any

import av
import numpy as np
import pytest
import requests
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


def shown_elsewhere(page: Page, site: Site) -> bool:
    """Whether a page of the face alone, as OBS Studio opens it, shows a face that moves."""
    other = page.context.new_page()
    other.goto(f"{site.address}static/face.html")
    look = """image => { const c = document.createElement("canvas"), d = c.getContext("2d");
      d.drawImage(image, 0, 0, 64, 64); return [...d.getImageData(0, 0, 64, 64).data]; }"""
    image = other.get_by_alt_text("The live portrait")
    seen = set()
    for _ in range(200):
        if image.evaluate("image => image.naturalWidth"):
            seen.add(tuple(image.evaluate(look)))
        if len(seen) >= 3:
            break
        other.wait_for_timeout(50)
    other.close()
    return len(seen) >= 3


def read_by_ffmpeg(site: Site) -> bool:
    """Whether FFmpeg reads the face from its address, as for a virtual camera."""
    with av.open(f"{site.address}api/live/face", format="mpjpeg", timeout=30) as stream:
        return [frame.width for frame, _ in zip(stream.decode(video=0), range(3), strict=False)] == [256] * 3


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
    # The voice is silent before the mouth has come to rest.
    assert Watched(page, 1.0).moved < 0.5 * speaking.moved
    page.get_by_role("button", name="End").click()
    expect(page.get_by_text("Ended.")).to_be_visible()


@needs_webrtc
def test_a_voice_moves_the_portrait_over_webrtc_until_it_is_interrupted(page: Page, site: Site) -> None:
    open_live(page, site)
    assert_speaks_and_is_interrupted(page, "Over WebRTC.")


def test_a_page_of_another_site_may_not_show_the_face(site: Site) -> None:
    with requests.get(f"{site.address}api/live/face", stream=True, timeout=30) as answer:
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@needs_webrtc
def test_the_microphone_moves_it_and_is_played_back_only_when_asked_for(page: Page, site: Site) -> None:
    open_live(page, site)
    page.get_by_role("button", name="Use the microphone").click()
    expect(page.get_by_text("Speaks", exact=True)).to_be_visible()
    heard = Watched(page, 2.5)
    assert heard.loudest > 0.02 and heard.moved > 1
    video = page.get_by_label("The live portrait")
    assert video.evaluate("video => video.muted")
    assert shown_elsewhere(page, site) and read_by_ffmpeg(site)
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
