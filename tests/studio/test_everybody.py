"""The studio by keyboard alone, at every width, in light and dark."""

from pathlib import Path

import pytest
from tests.studio.conftest import Site
from tests.studio.looks import FOCUSED, SIZES, looks_right

pytest.importorskip("starlette", reason="the extra studio is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Browser, Page, expect

from rhapsode.media.reader import probe

pytestmark = pytest.mark.slow


#: The last control of each tab, or nearly so.
LAST = {
    "Animate": "Make the video", "Styles": "Mix these two", "Live": "Only the face", "Evaluate": "Choose the clip"
}  # fmt: skip


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press a key until a control of that name has the focus; all that has it before is seen to have it."""
    for _ in range(120):
        page.keyboard.press(key)
        focused = page.evaluate(FOCUSED)
        if focused["tag"] != "BODY":
            assert focused["ringed"], f"nothing shows that {focused['name']} has the focus"
            assert focused["clear"], f"{focused['name']} has the focus, and is covered"
        if focused["name"] == name:
            return
    raise AssertionError(f"{key} does not lead to {name}")


def test_a_whole_video_is_made_played_and_downloaded_by_keyboard_alone(page: Page, site: Site, tmp_path: Path) -> None:
    press = page.keyboard.press
    page.on("filechooser", lambda _: None)  # from now on the browser opens no window of its own
    tab_to(page, "Choose a picture")
    with page.expect_file_chooser() as chooser:
        press("Enter")
    chooser.value.set_files(site.folder / "face.png")
    expect(page.locator("svg circle")).to_have_count(68)
    tab_to(page, "Text")
    press("Enter")
    tab_to(page, "Text")
    press("ControlOrMeta+a")
    page.keyboard.type("Hello.")
    tab_to(page, "Speak it")
    press("Enter")
    page.wait_for_selector("video[data-name=preview]")
    tab_to(page, "none")
    while page.evaluate(FOCUSED)["name"] != "happy":
        press("ArrowRight")
    tab_to(page, "Mouth")
    press("End")
    assert page.get_by_label("Mouth").input_value() == "2"
    tab_to(page, "Make the video")
    press("Enter")
    page.wait_for_selector("video[data-name=result]")
    assert page.evaluate(FOCUSED)["name"] == "Download it"
    with page.expect_download() as download:
        press("Enter")
    path = tmp_path / "talk.mp4"
    download.value.save_as(path)
    assert probe(path).width == 256
    tab_to(page, "Switch between light and dark", "Shift+Tab")  # and on to the video, whose own keys play it
    tab_to(page, "The video")
    video = page.locator("video[data-name=result]")
    video.evaluate("video => { video.loop = true; }")  # it may be over by now
    if video.evaluate("video => video.paused"):
        press("Space")
    expect(video).to_have_js_property("paused", False)
    press("Space")
    expect(video).to_have_js_property("paused", True)
    assert page.locator("article.result").first.locator("dd").filter(has_text="happy").count() == 1


def test_keys_alone_reach_every_control_of_every_tab_and_show_where_they_are(page: Page, site: Site) -> None:
    page.get_by_label("Choose a picture").set_input_files(site.folder / "face.png")
    page.get_by_label("Choose a recording").set_input_files(site.folder / "speech.wav")
    page.wait_for_selector("video[data-name=preview]")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("document.activeElement.blur()")
        tab_to(page, "Skip to the page")
        tab_to(page, "Animate")
        for then, last in (
            ("Animate", "Make the video"),
            ("Styles", "Mix these two"),
            ("Live", "Only the face"),
            ("Evaluate", "Choose the clip"),
        ):
            if then != "Animate":
                page.keyboard.press("ArrowRight")
            assert page.evaluate(FOCUSED)["name"] == then
            tab_to(page, last)
            tab_to(page, then, "Shift+Tab")
        page.keyboard.press("ArrowRight")  # from the last tab to the first


def test_every_tab_can_be_read_at_every_width_in_light_and_dark(page: Page, site: Site) -> None:
    for tab in ("Evaluate", "Live", "Styles", "Animate"):
        page.get_by_role("tab", name=tab).click()
        looks_right(page, f"{tab.lower()}-first")
    page.get_by_label("Choose a picture").set_input_files(site.folder / "face.png")
    expect(page.locator("svg circle")).to_have_count(68)
    looks_right(page, "animate-tracker")
    page.get_by_label("Choose a recording").set_input_files(site.folder / "speech.wav")
    page.wait_for_selector("video[data-name=preview]")
    page.get_by_role("radio", name="happy").check()
    page.get_by_text("Expressions", exact=True).click()
    looks_right(page, "animate")


def test_what_goes_wrong_can_be_read_at_every_width(page: Page, site: Site, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    page.get_by_label("Choose a picture").set_input_files(site.folder / "blank.png")
    page.get_by_label("Choose a recording").set_input_files(tmp_path / "notes.txt")
    expect(page.get_by_role("alert")).to_have_count(2)
    looks_right(page, "animate-refused")


def test_the_first_page_says_what_consent_means_and_lets_nobody_past_it_unread(site: Site, browser: Browser) -> None:
    read = site.work.data / "consent.txt"
    before = read.read_text() if read.is_file() else None
    read.unlink(missing_ok=True)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(site.address)
    dialog = page.get_by_role("dialog", name="Before you lend anyone a voice")
    expect(dialog).to_contain_text("have agreed to it")
    looks_right(page, "welcome", full=False)
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Open the studio")).to_be_disabled()
    tab_to(page, "I have read this, and have the consent that I need.")
    page.keyboard.press("Space")
    tab_to(page, "Open the studio")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    page.reload()
    page.wait_for_selector("[role=tabpanel]")
    expect(page.get_by_role("dialog")).to_have_count(0)
    context.close()
    if before:
        read.write_text(before)
