"""The tab Animate in a real browser."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.bench import Bench
from tests.browser import PATIENCE
from tests.studio.conftest import Site
from tests.studio.looks import looks_right

from rhapsode.media.reader import probe

pytest.importorskip("starlette", reason="the extra studio is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, Request, expect

pytestmark = pytest.mark.slow

PIXELS = """video => { const c = document.createElement("canvas"); c.width = c.height = 64;
  const d = c.getContext("2d"); d.drawImage(video, 0, 0, 64, 64); return [...d.getImageData(0, 0, 64, 64).data]; }"""

#: Give a slider one value after another, as somebody does who drags it, and wait for a frame of what the last asks for.
FOLLOWS = """async ([label, values]) => {
  const slider = [...document.querySelectorAll("input[type=range]")].find(e => e.labels[0].textContent === label);
  const shown = () => document.querySelector("video[data-name=preview]");
  const busy = document.querySelector(".busy");
  const before = shown().src;
  let began;
  for (const value of values) {
    began = performance.now();
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise(requestAnimationFrame);
  }
  slider.dispatchEvent(new Event("change", { bubbles: true }));
  // A later preview may replace the one that is waited for, and its element with it.
  const stale = () => !busy.hidden || shown().src === before || shown().readyState < 2;
  while (stale()) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""


def open_face(page: Page, site: Site, name: str = "face.png") -> None:
    page.get_by_label("Choose a picture").set_input_files(site.folder / name)


def open_voice(page: Page, site: Site) -> None:
    page.get_by_label("Choose a recording").set_input_files(site.folder / "speech.wav")
    page.wait_for_selector("video[data-name=preview]")


def plays(page: Page, selector: str) -> bool:
    """Whether a video's time advances and its pixels change."""
    video = page.locator(selector)
    before = np.array(video.evaluate(PIXELS))
    began = video.evaluate("video => video.currentTime")
    for _ in range(PATIENCE // 50):
        page.wait_for_timeout(50)
        if video.evaluate("video => video.currentTime") != began and (np.array(video.evaluate(PIXELS)) != before).any():
            return True
    return False


def test_a_picture_and_a_voice_preview_at_once_and_follow_a_slider(page: Page, site: Site) -> None:
    open_face(page, site)
    expect(page.locator("svg circle")).to_have_count(68)  # what the tracker sees
    open_voice(page, site)
    assert plays(page, "video[data-name=preview]")
    before = page.locator("video[data-name=preview]").get_attribute("src")
    page.get_by_label("Mouth").press("End")
    expect(page.locator("video[data-name=preview]")).not_to_have_attribute("src", str(before))


def test_a_video_is_made_plays_downloads_and_its_command_makes_it_again(page: Page, site: Site, bench: Bench) -> None:
    open_face(page, site)
    open_voice(page, site)
    page.get_by_role("radio", name="happy").check()
    page.get_by_text("Expressions", exact=True).click()
    page.get_by_role("checkbox", name="smile").check()
    page.get_by_label("Shape", exact=True).select_option("9:16")
    page.get_by_role("button", name="Make the video").click()
    page.wait_for_selector("video[data-name=result]")
    assert plays(page, "video[data-name=result]")
    looks_right(page, "animate-made")
    made = page.locator("article.result").first
    with page.expect_download() as download:
        made.get_by_role("link", name="Download").click()
    path = Path(download.value.path())
    kept = path.rename(path.with_suffix(".mp4"))
    assert (probe(kept).width, probe(kept).height) == (144, 256)
    words = shlex.split(made.locator("pre").text_content() or "")
    assert words[:2] == ["rhapsode", "animate"]
    assert "happy*1+smile*0.6" in words
    words[words.index("--out") + 1] = str(bench.out)
    assert bench.run(*words[1:], "--quiet").code == 0
    assert probe(bench.out).seconds == probe(kept).seconds


def test_a_transparent_background_makes_a_webm_that_plays(page: Page, site: Site) -> None:
    open_face(page, site)
    open_voice(page, site)
    page.get_by_label("Background", exact=True).select_option("transparent")
    page.get_by_role("button", name="Make the video").click()
    page.wait_for_selector("video[data-name=result]")
    video = page.locator("video[data-name=result]")
    assert (video.get_attribute("src") or "").endswith("talk.webm")
    assert plays(page, "video[data-name=result]")
    alpha = np.array(video.evaluate(PIXELS)).reshape(64, 64, 4)[..., 3]
    assert alpha[32, 32] == 255
    assert alpha[2, 2] < 128


def test_making_is_cancelled_and_leaves_nothing(page: Page, site: Site, tmp_path: Path) -> None:
    open_face(page, site)
    open_voice(page, site)
    before = json.dumps(page.evaluate("fetch('api/history').then(r => r.json())"))
    page.get_by_label("Longest side").select_option("1080")
    page.get_by_role("button", name="Make the video").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Nothing half-made stays.")).to_be_visible()
    assert json.dumps(page.evaluate("fetch('api/history').then(r => r.json())")) == before


def test_the_face_that_is_clicked_speaks(page: Page, site: Site) -> None:
    open_face(page, site, "two_faces.png")
    boxes = page.locator("button.face-box")
    expect(boxes).to_have_count(2)
    expect(boxes.nth(0)).to_have_attribute("aria-pressed", "true")
    boxes.nth(1).click()
    expect(page.locator("button.face-box").nth(1)).to_have_attribute("aria-pressed", "true")


def test_five_clicks_place_a_face_where_none_is_found(page: Page, site: Site) -> None:
    open_face(page, site, "blank.png")
    expect(page.get_by_role("alert")).to_contain_text("no face found")
    layer = page.locator(".clicks")
    box = layer.bounding_box()
    assert box is not None
    for x, y in ((0.4, 0.4), (0.6, 0.4), (0.5, 0.52), (0.43, 0.65), (0.57, 0.65)):
        layer.click(position={"x": x * box["width"], "y": y * box["height"]})
    expect(page.locator("svg circle")).to_have_count(68)
    expect(page.locator(".note").first).to_contain_text("mean face")


def test_what_cannot_be_used_is_told_where_it_was_chosen(page: Page, site: Site, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    page.get_by_label("Choose a picture").set_input_files(tmp_path / "notes.txt")
    card = page.get_by_role("region", name="Portrait")
    expect(card.get_by_role("alert")).to_contain_text(re.compile("notes.txt: .*"))
    page.get_by_label("Choose a recording").set_input_files(tmp_path / "notes.txt")
    expect(page.get_by_role("region", name="Voice").get_by_role("alert")).to_be_visible()


def test_a_recording_of_the_microphone_and_a_picture_of_the_camera_open(page: Page) -> None:
    page.get_by_role("button", name="Microphone").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.locator("audio")).to_be_visible()
    page.get_by_role("button", name="Camera").click()
    page.locator("dialog video").evaluate(
        "video => new Promise(r => video.readyState > 1 ? r() : video.onloadeddata = r)"
    )
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_role("region", name="Portrait").get_by_role("alert")).to_contain_text(
        "no face"
    )  # of a test picture


def test_styles_show_moving_thumbnails(page: Page, site: Site) -> None:
    page.unroute_all()
    page.reload()
    page.wait_for_selector(".tile video")
    assert plays(page, ".tile video >> nth=0")


def test_the_preview_follows_a_slider_soon_and_drops_what_is_stale(page: Page, site: Site) -> None:
    open_face(page, site)
    open_voice(page, site)
    asked: list[str] = []
    finished: list[str] = []

    def note(urls: list[str]) -> Callable[[Request], None]:
        return lambda request: urls.append(request.url) if request.url.endswith("api/preview") else None

    page.on("request", note(asked))
    page.on("requestfinished", note(finished))
    for value in ("0.5", "1.5", "0.8"):
        assert page.evaluate(FOLLOWS, ["Mouth", [value]]) < 4000  # milliseconds; 500 on two idle cores
    assert len(asked) == 3
    page.evaluate(FOLLOWS, ["Head", [str(0.5 + number / 40) for number in range(20)]])
    # Of twenty values: the first, the last, and no more than was finished between.
    assert len(asked) <= len(finished) + 1 < 3 + 20
