import re

import pytest

from rhapsode.evaluation.clips import RealClip
from rhapsode.evaluation.motion import score, summary
from rhapsode.evaluation.report import page


@pytest.fixture
def whole(clips: list[RealClip]) -> str:
    scored = score(lambda sound: clips[1].real, clips[1])
    sections = [
        ("Together", page.summary_table("method", {"<made>": summary([scored])}, {"<made>"}) + page.meanings()),
        ("Mouths", page.curves_key(True) + page.curves(scored, scored)),
    ]
    return page.page("A & B", "what was <scored>", sections)


def test_the_page_needs_nothing_from_elsewhere(whole: str) -> None:
    assert not re.search(r"https?:|//|<link|<script|@import|url\(", whole)


def test_names_cannot_break_the_page(whole: str) -> None:
    assert "&lt;made&gt;" in whole
    assert "<made>" not in whole
    assert "<title>A &amp; B</title>" in whole


def test_it_follows_the_light_or_dark_of_its_reader(whole: str) -> None:
    assert "prefers-color-scheme: dark" in whole


def test_a_curve_runs_the_length_of_the_clip(whole: str, clips: list[RealClip]) -> None:
    lines = re.findall(r'<polyline class="(\w+)" points="([^"]*)"', whole)
    assert [name for name, _ in lines] == ["generator", "first"]
    points = lines[0][1].split()
    assert len(points) == len(clips[1].real)
    assert points[-1].startswith("640.0,")


def test_what_is_unknown_is_a_dash() -> None:
    assert page.number(None, 3) == "-"
    assert page.number(0.12345, 3) == "0.123"
