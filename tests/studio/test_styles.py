"""The tab Styles in a real browser."""

import shutil
from pathlib import Path

import pytest
from tests.studio.conftest import Site
from tests.studio.looks import looks_right

pytest.importorskip("starlette", reason="the extra studio is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


def test_a_style_is_learnt_with_a_live_curve_then_shown_renamed_exported_and_deleted(
    page: Page, site: Site, talking_clip: Path
) -> None:
    page.get_by_role("tab", name="Styles").click()
    learning = page.get_by_role("region", name="Learn a style")
    learning.get_by_label("Choose a clip").set_input_files(talking_clip)
    learning.get_by_text("More", exact=True).click()
    learning.get_by_label("Steps at most").fill("2")
    learning.get_by_label("Keep four small pictures").check()
    learning.get_by_label("Name").fill("mine")
    learning.get_by_role("button", name="Learn it").click()
    expect(learning.locator(".chart path").first).to_be_visible(timeout=90_000)
    expect(learning.get_by_text("Learnt: mine is among your styles.")).to_be_visible(timeout=90_000)
    shown = page.get_by_role("region", name="mine")
    expect(shown.get_by_alt_text("The person at M")).to_be_visible()
    expect(shown.get_by_label("Face that lasts")).to_be_visible()
    looks_right(page, "styles-learnt")
    shown.get_by_text("Rename", exact=True).click()
    shown.get_by_label("New name").fill("yours")
    shown.get_by_role("button", name="Rename it").click()
    shown = page.get_by_role("region", name="yours")
    with page.expect_download() as download:
        shown.get_by_role("link", name="Export").click()
    file = site.folder / "copy.safetensors"
    shutil.copyfile(download.value.path(), file)
    page.on("dialog", lambda dialog: dialog.accept())
    shown.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("radio", name="yours")).to_have_count(0)
    page.get_by_label("Import a style file").set_input_files(file)
    expect(page.get_by_role("radio", name="yours")).to_be_attached()


def test_two_styles_are_compared_on_the_open_portrait_drawn_and_mixed(page: Page, site: Site) -> None:
    page.get_by_label("Choose a picture").set_input_files(site.folder / "face.png")
    page.get_by_label("Choose a recording").set_input_files(site.folder / "speech.wav")
    page.wait_for_selector("video[data-name=preview]")
    page.get_by_role("tab", name="Styles").click()
    both = page.get_by_role("region", name="Compare and mix")
    both.get_by_label("First").select_option("angry")
    both.get_by_label("Second", exact=True).select_option("happy")
    both.get_by_role("button", name="Compare on").click()
    expect(both.locator("video")).to_have_count(2, timeout=20_000)
    both.get_by_text("Mix these two").click()
    both.get_by_label("Name of the mixture").fill("both")
    both.get_by_role("button", name="Keep it").click()
    shown = page.get_by_role("region", name="both", exact=True)
    expect(shown.get_by_text("angry * 0.5, happy * 0.5")).to_be_visible()
    shown.get_by_role("button", name="Draw its motion").click()
    expect(shown.get_by_role("img", name="Nod, degrees")).to_be_visible()
    looks_right(page, "styles-compared")


def test_a_name_that_is_not_allowed_is_refused_in_words(page: Page) -> None:
    page.get_by_role("tab", name="Styles").click()
    both = page.get_by_role("region", name="Compare and mix")
    both.get_by_text("Mix these two").click()
    both.get_by_label("Name of the mixture").fill("a b/c")
    both.get_by_role("button", name="Keep it").click()
    expect(both.get_by_role("alert")).to_contain_text("use letters and digits")
