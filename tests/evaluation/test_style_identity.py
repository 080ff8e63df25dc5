import math
from collections.abc import Sequence

import numpy as np
import pytest

from rhapsode.evaluation.style_identity import WINDOW, identify
from rhapsode.face.landmarks import BROWS, EYES, MOUTH

#: Two expressions, an open mouth and raised brows, neither of length 1 and not at right angles.
_FACES = np.zeros((2, 68, 3))
_FACES[0, MOUTH, 1] = 0.1
_FACES[1, BROWS, 1] = -0.05
_FACES[1, MOUTH[:2], 1] = 0.02
BASIS = _FACES.reshape(2, 204)


def _motion(frames: int, seed: int, raised: float = 0.0, wide: float = 1.0, tempo: float = 2.0) -> np.ndarray:
    """A mouth that goes up and down under brows that are held somewhere."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / 60
    mouth = wide * (1 + np.sin(2 * np.pi * tempo * times + rng.uniform(0, 6)))
    brows = np.full(frames, raised)
    weights = np.stack([mouth, brows], axis=1) + 0.05 * rng.standard_normal((frames, 2))
    return (weights @ BASIS).reshape(frames, 68, 3)


STYLES = {"calm": {}, "raised": {"raised": 1.0}, "wide": {"wide": 2.0}, "quick": {"tempo": 5.0}}


def _clips(lengths: Sequence[int], seed: int = 0) -> dict[str, list[np.ndarray]]:
    return {
        style: [_motion(length, seed + number, **how) for number, length in enumerate(lengths)]
        for style, how in STYLES.items()
    }


@pytest.mark.parametrize("lengths", [[200], [120, 150, 90]], ids=["one clip each", "several clips each"])
def test_places_spreads_and_tempi_are_told_apart(lengths: list[int]) -> None:
    found = identify(_clips(lengths), _clips([120, 300], seed=9), BASIS)
    assert found.real > 0.95
    assert found.generated > 0.95
    assert found.chance == 0.25
    assert found.window == WINDOW


def test_what_all_styles_make_alike_is_told_by_chance() -> None:
    same = [_motion(240, 5)]
    found = identify(_clips([200]), dict.fromkeys(STYLES, same), BASIS)
    assert found.generated == pytest.approx(0.25)


def test_styles_that_are_the_same_are_not_told_apart() -> None:
    """Were windows of a left-out stretch learnt from, each clip would be known by its own noise."""
    real = {str(seed): [_motion(200, seed)] for seed in range(8)}
    assert identify(real, {}, BASIS).real < 0.6


def test_each_style_counts_alike_however_much_there_is_of_it() -> None:
    real = _clips([200])
    generated = {style: [_motion(60, 7, **STYLES["calm"])] for style in STYLES}
    generated["calm"] = [_motion(3000, 8)]
    assert identify(real, generated, BASIS).generated == pytest.approx(0.25)


def test_short_clips_are_told_by_shorter_windows() -> None:
    found = identify(_clips([112]), _clips([30]), BASIS)
    assert found.window == 37
    assert found.real > 0.5
    assert math.isnan(found.generated)


def test_a_style_without_a_clip_and_a_made_one_that_is_unknown_are_refused() -> None:
    with pytest.raises(ValueError, match="needs a real clip"):
        identify({"calm": []}, {}, BASIS)
    with pytest.raises(ValueError, match="must be one of them"):
        identify(_clips([200]), {"proud": [_motion(60, 0)]}, BASIS)


def test_how_the_basis_is_turned_and_scaled_does_not_matter_nor_what_lies_outside_it() -> None:
    real, generated = _clips([200]), _clips([120], seed=9)
    turned = np.array([[3.0, 1.0], [0.5, -2.0]]) @ BASIS
    assert identify(real, generated, turned).generated > 0.95
    blinking = {style: [motion.copy() for motion in motions] for style, motions in generated.items()}
    for motions in blinking.values():
        motions[0][:, EYES] += 1.0
    assert identify(real, blinking, BASIS) == identify(real, generated, BASIS)
