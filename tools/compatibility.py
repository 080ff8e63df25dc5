"""Write docs/compatibility.md: every kind of input and place, and what happens, as the tests in tests/inputs show it.

    python tools/compatibility.py docs/compatibility.md

A row is a mark on a test, `@pytest.mark.case(section, case, made=..., happens=...)`; pytest collects them. Needs
`rhapsode[dev]`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: What needs a package registry, and is therefore measured by hand, by the tool of the same name.
MEASURED = ("wheels.md", "fresh_installs.md")
SECTIONS = ("Pictures", "Sounds", "Text", "Places", "Outputs", "Credentials", "Systems")
_HEAD = """# What goes in, and where it runs

Each row is checked by a test in `tests/inputs/`, which makes the input as the row says. "Refused" is one line that
says what is wrong and how to fix it, exit code 2, and no file, whole or half. `make compatibility` writes this page.
"""


@dataclass(frozen=True)
class Case:
    """A row of the page.

    Attributes:
        section: one of `SECTIONS`.
        case: what goes in, or where it runs.
        made: command or code that makes it.
        happens: what the program does.
    """

    section: str
    case: str
    made: str
    happens: str

    def __post_init__(self) -> None:
        if self.section not in SECTIONS:
            raise ValueError(f"{self.case}: no section {self.section!r}; choose among {', '.join(SECTIONS)}")


class Cases:
    """A plugin of pytest that gathers the marks of what was collected."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Case] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read the marks of every test; the same case on several parameters is one row."""
        for item in session.items:
            for mark in reversed(list(item.iter_markers("case"))):
                case = Case(*mark.args, **mark.kwargs)
                known = self.found.setdefault((case.section, case.case), case)
                if known != case:
                    raise ValueError(f"{item.nodeid}: {case.case!r} is told in two ways")


def cases(folder: Path = ROOT / "tests/inputs") -> list[Case]:
    """Collect the cases of the tests in a folder, in their order.

    Raises:
        RuntimeError: a test cannot be collected, or a mark is wrong; pytest has said which.
    """
    gathered = Cases()
    if pytest.main([str(folder), "--collect-only", "-qq", "-p", "no:cacheprovider"], plugins=[gathered]):
        raise RuntimeError("the tests cannot be collected")
    return list(gathered.found.values())


def page(rows: list[Case]) -> str:
    """Write the page: a table a section that has cases, and under the last one what was measured by hand."""
    text = _HEAD
    for section in SECTIONS:
        table = [row for row in rows if row.section == section]
        if table:
            text += f"\n## {section}\n\n| case | made by | what happens |\n|---|---|---|\n"
            text += "".join(f"| {_cell(row.case)} | `{_cell(row.made)}` | {_cell(row.happens)} |\n" for row in table)
    return "\n".join([text, *((ROOT / "tools" / name).read_text(encoding="utf-8") for name in MEASURED)])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(cases()), encoding="utf-8")
