"""How expressions go with speech is learnt from a clip."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.data.store import PreparedClip
from rhapsode.face.units import UNITS
from rhapsode.learning.liveliness import liveliness
from rhapsode.learning.read_clip import read_style_clip
from rhapsode.motion.emphasis import emphasis

BROW, SMILE, JAW = (UNITS.index(unit) for unit in ("browInnerUp", "mouthSmileLeft", "jawOpen"))


@pytest.fixture(scope="module")
def clip(talking_clip: Path) -> PreparedClip:
    return read_style_clip(talking_clip).clip


def expressive(clip: PreparedClip, noise: float) -> PreparedClip:
    """The clip, by somebody whose brows and jaw rise with stress and who smiles in pauses, read with noise."""
    drives = emphasis(clip.samples)
    moments = np.arange(len(drives)) / MOTION_RATE
    stress, pause = (np.interp(clip.times, moments, drive) for drive in drives.T)
    units = 0.3 + noise * np.random.default_rng(0).standard_normal((len(clip.times), 51))
    units[:, BROW] += 0.4 * stress
    units[:, JAW] += 0.4 * stress
    units[:, SMILE] += 0.3 * pause
    return replace(clip, units=units.astype(np.float32))


def test_brows_that_rise_with_stress_and_a_smile_in_pauses_are_learnt(clip: PreparedClip) -> None:
    learnt = liveliness(expressive(clip, 0.005))
    assert learnt[0, BROW] == pytest.approx(0.4, abs=0.05)
    assert 0.1 < learnt[1, SMILE] < 0.35  # one side alone counts less
    assert abs(learnt[1, BROW]) < 0.05


def test_what_makes_the_words_themselves_is_left_out(clip: PreparedClip) -> None:
    assert not liveliness(expressive(clip, 0.005))[:, JAW].any()


def test_chance_is_not_taken_for_a_habit(clip: PreparedClip) -> None:
    rng = np.random.default_rng(1)
    wild = np.clip(0.4 + 0.2 * rng.standard_normal((len(clip.times), 51)), 0, 1).astype(np.float32)
    assert np.abs(liveliness(replace(clip, units=wild))).max() < 0.06
