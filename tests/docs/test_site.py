"""The site: it builds without a warning, its pages hang together, and it asks nothing of any other host."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Attributes by which a page makes a browser fetch something by itself.
_FETCHES = {
    "audio": "src", "embed": "src", "iframe": "src", "img": "src", "link": "href", "object": "data", "script": "src",
    "source": "src", "use": "href", "video": "src",
}  # fmt: skip


class _Page(HTMLParser):
    """Collect what a page fetches, and how many equations it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.equations = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if _FETCHES.get(tag) == name]
        self.equations += tag == "math"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does: a warning, such as of a link that leads nowhere, is an error."""
    pytest.importorskip("material", reason="needs the extra [docs]")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


def test_nothing_is_fetched_from_another_host(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 30
    for page in pages:
        elsewhere = [one for one in _Page(page.read_text(encoding="utf-8")).fetched if re.match(r"\w+://|//", one)]
        assert elsewhere == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1440])
def test_a_reader_on_a_phone_or_a_desk_finds_a_page_by_search(site: Path, browser: "Browser", width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    asked, faults = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    with _served(site) as address:
        for name in ("index", "tutorial", "how-to/serve", "method", "api", "results", "compatibility"):
            page.goto(f"{address}/{name}.html")
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        page.keyboard.press("/")
        page.keyboard.type("speaker before another", delay=20)
        page.locator(".md-search-result__item a", has_text="another background").first.click()
        page.wait_for_url("**/how-to/background.html*")
    context.close()
    assert faults == []
    assert [url for url in asked if not url.startswith(address)] == []


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_equations_are_drawn_by_the_browser_itself(site: Path) -> None:
    text = (site / "method.html").read_text(encoding="utf-8")
    assert _Page(text).equations > 20
    assert "arithmatex" not in text and "$$" not in text


def test_the_reference_has_every_public_name(site: Path) -> None:
    import rhapsode

    text = (site / "api.html").read_text(encoding="utf-8")
    missing = [
        name for name in rhapsode.__all__ if name != "__version__" and not re.search(rf'id="[\w.]+\.{name}"', text)
    ]
    assert missing == []


def test_a_list_may_follow_its_paragraph_at_once(site: Path) -> None:
    text = (site / "still-wrong.html").read_text(encoding="utf-8")
    assert re.search(r"<p><strong>Mouth</strong></p>\s*<ul>", text)


def test_a_pipe_in_a_table_is_shown_as_it_is_typed(site: Path) -> None:
    text = (site / "command-line.html").read_text(encoding="utf-8")
    assert "--out - | ffplay -" in text


def test_the_tests_that_reliability_names_exist() -> None:
    named = re.findall(r"`((?:tests|benchmarks)/[\w/.]+)", (ROOT / "docs/reliability.md").read_text(encoding="utf-8"))
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []
