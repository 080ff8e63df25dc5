"""The tab Live in a real browser, whose microphone beeps once a second."""

import re

import pytest
from tests.studio.conftest import Site

pytest.importorskip("starlette", reason="the extra studio is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


def shown(page: Page) -> int:
    return int(page.get_by_label("The live portrait").get_attribute("data-frames") or 0)


def shows_more(page: Page, frames: int = 8) -> bool:
    """Whether so many frames more are shown."""
    before = shown(page)
    for _ in range(400):
        if shown(page) >= before + frames:
            return True
        page.wait_for_timeout(50)
    return False


def test_sound_moves_the_portrait_while_it_sounds_and_is_interrupted(page: Page, site: Site) -> None:
    page.get_by_label("Choose a picture").set_input_files(site.folder / "face.png")
    page.get_by_label("Choose a recording").set_input_files(site.folder / "speech.wav")
    page.wait_for_selector("video[data-name=preview]")
    page.get_by_role("tab", name="Live").click()
    for button in ("Use the microphone", "Let it say the open voice"):
        page.get_by_role("button", name=button).click()
        assert shows_more(page)
        expect(page.get_by_role("status", name="Latency")).to_have_text(re.compile(r"\d+ ms"))
        page.get_by_role("button", name="Interrupt").click()
        assert shows_more(page)  # it goes on, at rest
        page.get_by_role("button", name="End").click()
        expect(page.get_by_text("Ended.")).to_be_visible()


def test_without_a_portrait_it_says_what_is_missing(page: Page) -> None:
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("button", name="Use the microphone").click()
    expect(page.get_by_role("alert")).to_contain_text("No portrait is open.")
