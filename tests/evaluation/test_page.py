import re

import pytest

from rhapsode.animator import Animator
from rhapsode.evaluation.clips import RealClip
from rhapsode.evaluation.motion_scores import result, score
from rhapsode.evaluation.report.columns import number
from rhapsode.evaluation.report.motion import render_page


@pytest.fixture(scope="module")
def page(clips: list[RealClip], animator: Animator) -> str:
    scores = {"<made>": [score(lambda sound: clips[1].real, clips[1])]}
    scores["v0"] = scores["<made>"]
    return render_page(scores, result(scores, ["test"]), animator, "A & B, <scored>")


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    assert not re.search(r"https?:|//|<link|<script|@import|url\(", page)


def test_names_cannot_break_the_page(page: str) -> None:
    assert "<td>&lt;made&gt;</td>" in page
    assert "<made>" not in page
    assert "A &amp; B, &lt;scored&gt;" in page


def test_it_follows_the_light_or_dark_of_its_reader(page: str) -> None:
    assert "prefers-color-scheme: dark" in page


def test_the_generator_stands_out_in_its_table(page: str) -> None:
    assert re.findall(r'<tr class="best"><td>([^<]*)</td>', page)[0] == "&lt;made&gt;"


def test_a_curve_runs_the_length_of_the_clip(page: str, clips: list[RealClip]) -> None:
    lines = re.findall(r'<polyline class="(\w+)" points="([^"]*)"', page)
    assert [name for name, _ in lines] == ["first", "generator"]
    points = lines[0][1].split()
    assert len(points) == len(clips[1].real)
    assert points[-1].startswith("640.0,")
    assert page.count('<polygon class="real"') == 1


def test_what_is_unknown_is_a_dash() -> None:
    assert number(None, 3) == "-"
    assert number(0.12345, 3) == "0.123"
