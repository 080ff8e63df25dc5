"""One request: refused where a value is out of range, the same after a round trip through JSON."""

import json
from dataclasses import FrozenInstanceError
from fractions import Fraction
from typing import Any

import pytest

from rhapsode.errors import OptionsError
from rhapsode.options import AnimationOptions, exact_fps
from tests.made_up import made_up_generator, made_up_style


@pytest.mark.parametrize(
    ("given", "exact"),
    [
        (25, 25),
        (23.976, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_a_frame_rate_becomes_the_fraction_that_it_stands_for(given: float | str, exact: Fraction) -> None:
    assert exact_fps(given) == AnimationOptions(fps=given).frame_rate == exact


@pytest.mark.parametrize(
    "wrong",
    [
        {"fps": 0}, {"fps": 241}, {"fps": float("nan")}, {"fps": "fast"}, {"fps": True},
        {"mouth": -1.0}, {"mouth": 2.1}, {"head_motion": float("nan")}, {"blink": float("inf")}, {"blink": "1"},
        {"gaze": 2.5}, {"style_strength": 1.6}, {"style": 3}, {"teeth": 1}, {"seed": -1}, {"seed": 0.5},
        {"seed": True}, {"aspect": "wide"}, {"aspect": "5:1"}, {"aspect": "0:0"}, {"aspect": "9:-16"}, {"aspect": 1.5},
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_its_name(wrong: dict[str, Any]) -> None:
    name = next(iter(wrong))
    with pytest.raises(OptionsError, match=f"^{name}=") as refused:
        AnimationOptions(**wrong)
    assert refused.value.code == f"bad-{name.replace('_', '-')}" and refused.value.remedy
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize(
    ("aspect", "ratio"), [("keep", None), ("9:16", 9 / 16), ("1:1", 1), ("2.39:1", 2.39), ("1:4", 0.25), ("4:1", 4)]
)
def test_an_aspect_is_a_width_by_a_height(aspect: str, ratio: float | None) -> None:
    assert AnimationOptions(aspect=aspect).aspect_ratio == ratio


def test_options_cannot_be_changed_after_they_were_checked() -> None:
    with pytest.raises(FrozenInstanceError):
        AnimationOptions().seed = -1  # type: ignore[misc]


def test_json_gives_back_what_was_written_and_the_exact_rate() -> None:
    options = AnimationOptions("ballad*0.6+angry*0.4", 0.8, 29.97, 0.5, 1.5, 0.0, 0.5, False, 7)
    assert json.loads(options.to_json())["fps"] == "30000/1001"
    assert AnimationOptions.from_json(options.to_json()) == options
    assert AnimationOptions.from_json("{}") == AnimationOptions()
    assert AnimationOptions.from_json('{"fps": 29.97}').frame_rate == Fraction(30000, 1001)


@pytest.mark.parametrize("text", ["", "[]", "3", '{"moth": 1}', '{"mouth": 5}', '{"fps": null}', b"\xff"])
def test_json_that_is_no_request_is_refused(text: str | bytes) -> None:
    with pytest.raises(OptionsError):
        AnimationOptions.from_json(text)


def test_a_style_that_has_no_name_on_disk_cannot_be_written_as_json() -> None:
    style = made_up_style("mine", made_up_generator().to_numpy())
    with pytest.raises(OptionsError, match="mine"):
        AnimationOptions(style=style).to_json()
