"""The tab Evaluate in a real browser."""

from pathlib import Path

import pytest
from tests.studio.conftest import Site
from tests.studio.looks import looks_right

pytest.importorskip("starlette", reason="the extra studio is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


def test_a_video_is_compared_with_a_clip_in_figures_curves_and_pictures(
    page: Page, site: Site, talking_clip: Path
) -> None:
    page.get_by_role("tab", name="Evaluate").click()
    chosen = page.get_by_role("region", name="What is compared")
    chosen.get_by_label("Or choose a video").set_input_files(talking_clip)
    chosen.get_by_label("Choose the clip").set_input_files(talking_clip)
    chosen.get_by_role("button", name="Compare them").click()
    row = page.get_by_role("row", name="Mouth in step")
    expect(row.get_by_role("cell").first).to_have_text("1")  # a clip is as near to itself as can be
    expect(page.get_by_role("img", name="Mouth opening")).to_be_visible()
    for picture in page.locator(".strip img").all():
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert page.locator(".strip img").count() == 8
    looks_right(page, "evaluate")


def test_a_file_that_is_no_video_is_refused_in_words(page: Page, site: Site) -> None:
    page.get_by_role("tab", name="Evaluate").click()
    chosen = page.get_by_role("region", name="What is compared")
    for label in ("Or choose a video", "Choose the clip"):
        chosen.get_by_label(label).set_input_files(site.folder / "face.png")
    chosen.get_by_role("button", name="Compare them").click()
    expect(chosen.get_by_role("alert")).to_contain_text("face.png")
