"""Hooks of MkDocs (`mkdocs.yml`): what makes a site of pages that also read on a repository's own pages.

Pages that stand outside of docs/ join the site, a list may follow its paragraph without an empty line, and equations
become MathML, which browsers draw by themselves: no script, no font, and nothing asked of another host.
"""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parents[1]
#: Files outside of docs/, and where the site has them.
_OUTSIDE = {
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "research/README.md": "research.md",
    "src/rhapsode/studio/static/mark.svg": "mark.svg",
    "src/rhapsode/weights/README.md": "model-cards.md",
}
_FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)")
_LIST = re.compile(r"^((?!- |\* |\d+\. |[>|#\s]).+\n)(?=- |\d+\. )", re.MULTILINE)
_COMMANDS = re.compile(r'<div class="language-sh highlight">.*?</div>', re.DOTALL)
_CELL = re.compile(r"<td.*?</td>", re.DOTALL)
_EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[\[(](.*?)\\[\])]</\1>', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside of docs/."""
    for path, place in _OUTSIDE.items():
        files.append(File.generated(config, place, abs_src_path=str(_ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to where the site has their files, and part lists from paragraphs, outside of fenced code.

    The first page has no navigation beside it, since it is one.
    """
    place = page.file.src_uri
    if place == "index.md":
        page.meta["hide"] = ["navigation", "toc"]
    path = next((path for path, of in _OUTSIDE.items() if of == place), f"docs/{place}")

    def point(link: re.Match[str]) -> str:
        target = normpath(PurePosixPath(path).parent / link[0])
        return relpath(_OUTSIDE.get(target, target.removeprefix("docs/")), str(PurePosixPath(place).parent))

    parts = _FENCED.split(markdown)
    return "".join(part if _FENCED.fullmatch(part) else _LIST.sub(r"\1\n", _LINK.sub(point, part)) for part in parts)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write equations as MathML, options whole where a command is wrapped, and pipes in tables without backslash."""
    html = _COMMANDS.sub(
        lambda found: re.sub(r"(?<=[\s>])--[a-z-]+", r'<span class="option">\g<0></span>', found[0]), html
    )
    html = _CELL.sub(lambda cell: cell[0].replace(r"\|", "|"), html)
    return _EQUATION.sub(
        lambda found: convert(_plain(found[2]), display="block" if found[1] == "div" else "inline"), html
    )


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
