"""A studio that serves, and its page in a browser."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.bench import hello, write_sound
from tests.browser import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from rhapsode.studio.workspace import Workspace


class Site:
    """Hold a studio that is being served.

    Attributes:
        address: of the page.
        work: what it holds.
        folder: with input: face.png, two_faces.png, blank.png, speech.wav.
    """

    def __init__(self, address: str, work: "Workspace", folder: Path) -> None:
        self.address, self.work, self.folder = address, work, folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Iterator[Site]:
    import uvicorn

    from rhapsode.studio.app import build
    from rhapsode.studio.workspace import Workspace

    folder, data = tmp_path_factory.mktemp("good"), tmp_path_factory.mktemp("data")
    face = Image.fromarray(astronaut[:256, 96:352])
    face.save(folder / "face.png")
    both = Image.new("RGB", (512, 256))
    both.paste(face, (0, 0))
    both.paste(face.resize((230, 230)), (270, 10))
    both.save(folder / "two_faces.png")
    Image.new("RGB", (256, 256), (200, 190, 180)).save(folder / "blank.png")
    write_sound(folder / "speech.wav", np.tile(hello(), 4))
    work = Workspace(data, tmp_path_factory.mktemp("library"))
    work.cache = tmp_path_factory.mktemp("thumbnails")
    server = uvicorn.Server(
        uvicorn.Config(build(work), port=0, log_level="warning", lifespan="on", ws="websockets-sansio")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive()
    yield Site(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/", work, folder)
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def page(site: Site, browser: "Browser") -> "Iterator[Page]":
    """The studio's page, whose first words were read; nothing went wrong in it, and nothing came from elsewhere."""
    from playwright.sync_api import expect

    context = browser.new_context(viewport={"width": 1440, "height": 900}, permissions=["camera", "microphone"])
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.route("**/api/thumbnails/**", lambda route: route.abort())  # each takes half a second
    asked, faults = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(site.address)
    consent = page.get_by_role("checkbox", name="I have read")
    page.wait_for_selector("[role=tabpanel]")
    if consent.count():
        consent.check()
        page.get_by_role("button", name="Open the studio").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
    yield page
    context.close()
    assert not faults
    assert [url for url in asked if not url.startswith((site.address, f"blob:{site.address}"))] == []
