"""A browser for tests of pages: Chromium, driven by Playwright, where both are installed."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.bench import hello, write_sound

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Names that Chromium goes by.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

#: Milliseconds that a busy machine may take for what takes one second.
PATIENCE = 40_000


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Browser]":
    """A browser whose microphone hears a word, and then a second of silence, over and over."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
        write_sound(heard, np.concatenate([hello(), np.zeros(16_000)]))
        devices = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        devices += [f"--use-file-for-fake-audio-capture={heard}"]
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", *devices])
        yield browser
        browser.close()
