import numpy as np

from rhapsode.face.mouth import lip_opening
from rhapsode.style.references import key_motions, reference_frames
from rhapsode.style.style import KEY_MOTIONS


def width(face: np.ndarray) -> float:
    return float(face[54, 0] - face[48, 0])


def test_the_key_motions_are_the_mouth_shapes_that_they_are_named_after() -> None:
    _, pressed, spread, rounded = key_motions()
    assert lip_opening(pressed) < 0.02
    assert lip_opening(spread) > 0.05 < lip_opening(rounded)
    assert width(spread) > 0 > width(rounded)


def test_each_key_motion_finds_the_frame_that_is_like_it_whoever_opens_less() -> None:
    templates = key_motions()
    order = [2, 0, 3, 1]
    clip = np.repeat(0.6 * templates[order], 5, axis=0)
    clip += np.random.default_rng(0).normal(0, 1e-4, clip.shape)
    frames = reference_frames(clip, templates)
    assert [order[frame // 5] for frame in frames] == [0, 1, 2, 3]
    assert len(KEY_MOTIONS) == 4
