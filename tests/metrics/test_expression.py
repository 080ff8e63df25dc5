import math

import numpy as np
import pytest

from rhapsode.face.units import UNITS
from rhapsode.metrics.expression import COUNTED, REGIONS, agreement, confusion, nearest, units_of


def test_half_of_what_was_asked_is_a_slope_of_a_half() -> None:
    asked = np.random.default_rng(0).uniform(-1, 1, (3, 51))
    found = agreement(asked, 0.5 * asked)
    assert found.slope == pytest.approx(0.5) and found.correlation == pytest.approx(1)


def test_a_face_that_does_not_change_has_no_correlation_and_no_slope() -> None:
    found = agreement(np.ones(51), np.zeros(51))
    assert found.slope == 0 and math.isnan(found.correlation)
    assert math.isnan(agreement(np.zeros(51), np.ones(51)).slope)


def test_every_unit_but_gaze_belongs_to_one_region() -> None:
    each = np.concatenate([units_of(region) for region in REGIONS])
    assert sorted(each) == sorted(COUNTED) and len(set(each)) == len(each)
    assert {UNITS[n] for n in range(51)} - {UNITS[n] for n in each} == {one for one in UNITS if "Look" in one}


def test_the_nearest_emotion_is_named_whatever_the_gaze() -> None:
    smile, frown = np.zeros(51), np.zeros(51)
    smile[[UNITS.index("mouthSmileLeft"), UNITS.index("mouthSmileRight")]] = 0.8
    frown[[UNITS.index("browDownLeft"), UNITS.index("browDownRight")]] = 0.8
    face = 0.7 * smile
    face[UNITS.index("eyeLookDownLeft")] = 5
    assert nearest({"happy": smile, "angry": frown}, face) == "happy"


def test_what_was_named_is_counted_by_what_was_asked() -> None:
    counted = confusion(["happy", "happy", "sad"], ["happy", "sad", "sad"])
    assert counted == {"happy": {"happy": 1, "sad": 1}, "sad": {"happy": 0, "sad": 1}}
