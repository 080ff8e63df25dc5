"""Draw the pictures of docs/studio.md: the studio in Chromium, on the project's own example picture.

    python tools/studio_pictures.py docs/images

It needs the extras studio, text and train, Playwright, and Debian's package chromium.
"""

import shutil
import sys
import tempfile
import threading
from pathlib import Path

import cv2
import uvicorn
from playwright.sync_api import Page, sync_playwright

from rhapsode.studio.app import build
from rhapsode.studio.workspace import Workspace
from rhapsode.tools.example import example_picture

_TEXT = "Good evening. This face is a single photograph, and a small synthesiser lends it a voice."
#: Width of the pictures, pixels, and their quality.
_WIDE, _QUALITY = 1200, 78


def main(folder: Path) -> None:
    """Write studio-animate.jpg, studio-styles.jpg and studio-phone.jpg to a folder."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        place = Path(scratch)
        cv2.imwrite(str(place / "astronaut.png"), cv2.cvtColor(example_picture(), cv2.COLOR_RGB2BGR))
        server = uvicorn.Server(uvicorn.Config(build(Workspace(place / "data", place / "styles")), port=0))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            thread.join(0.1)
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(120_000)
            page.goto(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/")
            _animate(page, place)
            _save(page, folder / "studio-animate.jpg", place)
            page.get_by_role("tab", name="Styles").click()
            page.get_by_role("radio", name="happy").check()
            page.get_by_role("button", name="Draw its motion").click()
            page.get_by_role("img", name="Nod, degrees").wait_for()
            page.evaluate("scrollTo(0, 0)")
            page.locator("#theme").click()
            _save(page, folder / "studio-styles.jpg", place)
            page.set_viewport_size({"width": 390, "height": 844})
            page.get_by_role("tab", name="Animate").click()
            page.get_by_role("heading", name="Manner").scroll_into_view_if_needed()
            _save(page, folder / "studio-phone.jpg", place)
            browser.close()
        finally:
            server.should_exit = True
            thread.join()


def _animate(page: Page, place: Path) -> None:
    page.get_by_role("checkbox", name="I have read").check()
    page.get_by_role("button", name="Open the studio").click()
    page.get_by_label("Choose a picture").set_input_files(place / "astronaut.png")
    page.locator("svg circle").first.wait_for()
    page.get_by_role("button", name="Text", exact=True).click()
    page.get_by_label("Text", exact=True).fill(_TEXT)
    page.get_by_role("button", name="Speak it").click()
    page.locator("video[data-name=preview]").wait_for()
    page.locator(".gallery .tile video").nth(6).wait_for()
    page.get_by_role("button", name="Tracker").click()


def _save(page: Page, path: Path, place: Path) -> None:
    page.wait_for_timeout(1000)
    page.screenshot(path=place / "page.png")
    picture = cv2.imread(str(place / "page.png"))
    scale = min(1.0, _WIDE / picture.shape[1])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
