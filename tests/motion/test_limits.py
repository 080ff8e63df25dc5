import numpy as np

from rhapsode.face.landmarks import BROWS, MOUTH
from rhapsode.motion.limits import BROW, CORNERS, MOUTH_AND_JAW, soft_limit


def _face(**parts: float) -> np.ndarray:
    offsets = np.zeros((1, 68, 3), np.float32)
    offsets[0, 66, 1] = parts.get("lip", 0)
    offsets[0, 54, 0] = parts.get("corner", 0)
    offsets[0, BROWS, 1] = -parts.get("brow", 0)
    return offsets


def test_what_speech_does_stays_exactly_as_it_is() -> None:
    speech = _face(lip=0.25, corner=0.04, brow=0.06)
    np.testing.assert_array_equal(soft_limit(speech), speech)


def test_nothing_goes_further_than_a_face_can() -> None:
    wild = soft_limit(_face(lip=2.0, corner=-1.0, brow=0.8))
    assert np.linalg.norm(wild[0, MOUTH], axis=-1).max() <= MOUTH_AND_JAW[1] + 1e-6
    assert abs(wild[0, 54, 0]) <= CORNERS[1] + 1e-6
    assert abs(wild[0, BROWS, 1]).max() <= BROW[1] + 1e-6


def test_more_is_never_less_and_there_is_no_jump() -> None:
    lips = np.concatenate([_face(lip=reach) for reach in np.linspace(0, 0.6, 200)])
    steps = np.diff(soft_limit(lips)[:, 66, 1])
    assert (steps >= 0).all()
    assert steps.max() <= 0.6 / 199 + 1e-6


def test_the_form_of_a_part_stays() -> None:
    lifted = _face(brow=0.3)
    lifted[0, 17, 1] = -0.15
    bent = soft_limit(lifted)
    np.testing.assert_allclose(bent[0, 17, 1] / bent[0, 20, 1], 0.5, rtol=1e-5)
