"""What an expression goes with: stress and pauses."""

import numpy as np
import pytest

from rhapsode.audio.mel import motion_frames
from rhapsode.bundle import Bundle
from rhapsode.face.geometry import mean_face
from rhapsode.face.units import AT_REST, UNITS
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import Waveform, resample
from rhapsode.motion.emphasis import EmphasisStream, emphasis
from rhapsode.motion.head import HeadModel
from rhapsode.motion.model import SpeechModel
from rhapsode.motion.motion import Motion, joined
from rhapsode.motion.stream import MotionStream, StyledMotionModel
from rhapsode.style.motion_model import styled_motion_model

BROW, SMILE = UNITS.index("browInnerUp"), UNITS.index("mouthSmileLeft")


@pytest.fixture(scope="module")
def sentence() -> Waveform:
    """A sentence between two pauses of 0.8 s."""
    spoken = resample(synthesise("Maybe my mother bought a big apple pie."), 16000)
    return Waveform(np.pad(spoken.samples, (12800, 12800)), 16000)


@pytest.fixture(scope="module")
def model() -> StyledMotionModel:
    bundle = Bundle.load()
    return styled_motion_model(SpeechModel.load(bundle), HeadModel.load(bundle.path("head_motion.safetensors")))


@pytest.fixture
def response() -> np.ndarray:
    """Brows rise with stress, and a smile deepens in pauses."""
    changes = np.zeros((2, 51), np.float32)
    changes[0, BROW], changes[1, SMILE] = 0.5, 0.4
    return changes


def test_a_voice_is_stressed_where_it_is_loud_and_pauses_where_there_is_none(sentence: Waveform) -> None:
    drives = emphasis(sentence.samples)
    assert drives.shape == (motion_frames(len(sentence.samples)), 2)
    assert drives[40:].max(0)[0] > 0.2 and drives[:, 0].min() < 0
    spoken = slice(80, len(drives) - 70)
    assert np.median(drives[spoken, 1]) < 0 < drives[20, 1]
    assert drives[-5, 1] > 0.3


def test_stress_is_the_same_of_a_loud_and_a_soft_speaker(sentence: Waveform) -> None:
    soft = emphasis(0.3 * sentence.samples)
    assert np.abs(soft - emphasis(sentence.samples))[90:].mean() < 0.1


def test_drives_do_not_depend_on_the_pieces_in_which_a_sound_comes(sentence: Waveform) -> None:
    def driven(size: int) -> np.ndarray:
        stream = EmphasisStream()
        told: list[np.ndarray] = []
        for first in range(0, 16000, size):
            stream.push(sentence.samples[first : first + size])
            ready = max(min(first + size, 16000) - 200, 0) * 60 // 16000
            told += [stream.next(0.5) for _ in range(ready - len(told))]
        return np.array(told)

    np.testing.assert_array_equal(driven(777), driven(16000))


def test_a_face_follows_stress_and_pauses_while_a_sound_arrives(
    model: StyledMotionModel, response: np.ndarray, sentence: Waveform
) -> None:
    def moved(size: int) -> Motion:
        stream = MotionStream(model, mean_face(), AT_REST, response, head_motion=0.0)
        pieces = range(0, len(sentence.samples), size)
        return joined([one for first in pieces for one in stream.push(sentence.samples[first : first + size])])

    live, whole = moved(777), moved(len(sentence.samples))
    np.testing.assert_array_equal(live.units, whole.units)
    np.testing.assert_array_equal(live.expression, whole.expression)
    drives = emphasis(sentence.samples)
    frames = slice(30, len(whole) - 5)
    assert np.corrcoef(whole.units[frames, BROW], drives[frames, 0])[0, 1] > 0.9
    assert np.corrcoef(whole.units[frames, SMILE], drives[frames, 1])[0, 1] > 0.9
    raised = whole.expression[:, 17:27, 1].mean(1) - moved_without(model, sentence)[:, 17:27, 1].mean(1)
    assert np.corrcoef(raised[frames], whole.units[frames, BROW])[0, 1] < -0.9


def moved_without(model: StyledMotionModel, sound: Waveform) -> np.ndarray:
    stream = MotionStream(model, mean_face(), head_motion=0.0)
    return joined(stream.push(sound.samples)).expression
