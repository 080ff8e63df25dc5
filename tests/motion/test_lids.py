"""Lids of a frame: what the expression makes of the eyes, and blinks over it."""

import numpy as np
import pytest

from rhapsode.face.units import UNITS
from rhapsode.motion.lids import moved_lids

OPEN, SHUT = np.zeros((1, 2)), np.ones((1, 2))


def expressed(**amounts: float) -> np.ndarray:
    return np.array([[amounts.get(unit, 0.0) for unit in UNITS]])


def test_without_expression_a_blink_is_mostly_the_upper_lid() -> None:
    assert moved_lids(OPEN) == pytest.approx(np.zeros((1, 2, 2)))
    assert moved_lids(SHUT)[0] == pytest.approx(np.array([[0.85, 0.15]] * 2))
    assert moved_lids(np.array([[0.0, 0.5]]))[0] == pytest.approx(np.array([[0, 0], [0.425, 0.075]]))


@pytest.mark.parametrize(
    "amounts", [{}, {"eyeWideLeft": 1.0}, {"eyeSquintLeft": 2.0, "cheekSquintLeft": 3.0}, {"eyeBlinkLeft": 0.4}]
)
def test_a_blink_shuts_an_eye_from_wherever_its_lids_are(amounts: dict[str, float]) -> None:
    lids = moved_lids(SHUT, expressed(**amounts))
    assert lids.sum(-1) == pytest.approx(np.ones((1, 2)))
    half = moved_lids(0.5 * SHUT, expressed(**amounts))
    assert (half.sum(-1) < 1).all()


def test_wide_eyes_lift_the_upper_lid_and_squints_bring_both_together() -> None:
    wide, squint = (moved_lids(OPEN, expressed(**{unit: 1.0}))[0] for unit in ("eyeWideRight", "eyeSquintRight"))
    assert -0.5 <= wide[0, 0] < -0.2
    assert 0.15 < squint[0, 1] < 0.4
    assert 0.2 < squint[0, 0] < 0.4
    for lids in (wide, squint):
        assert lids[1] == pytest.approx(np.zeros(2), abs=0.02)


def test_a_lasting_closing_stays_and_looks_do_not_count() -> None:
    assert moved_lids(OPEN, expressed(eyeBlinkLeft=0.3))[0, 1].sum() == pytest.approx(0.3)
    assert moved_lids(OPEN, expressed(eyeLookDownLeft=1.0)) == pytest.approx(np.zeros((1, 2, 2)))


def test_an_exaggerated_expression_leaves_eyes_open() -> None:
    strong = dict.fromkeys(("eyeSquintLeft", "cheekSquintLeft", "noseSneerLeft", "mouthSmileLeft"), 3.0)
    assert moved_lids(OPEN, expressed(**strong))[0, 1].sum() < 0.76
