"""The site: it builds without a warning, its pages hang together, and it asks nothing of any other host."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.docs.pages import ROOT

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


@pytest.fixture(scope="module")
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


def test_the_tests_that_reliability_names_exist() -> None:
    named = re.findall(r"`((?:tests|benchmarks)/[\w/.]+)", (ROOT / "docs/reliability.md").read_text(encoding="utf-8"))
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []
