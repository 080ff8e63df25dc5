import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.errors import AudioError
from rhapsode.face.geometry import mean_face
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, resample
from rhapsode.motion.motion import joined
from rhapsode.motion.stream import MotionStream, StyledMotionModel
from rhapsode.options import AnimationOptions


@pytest.fixture(scope="module")
def voice(sentence: Waveform) -> np.ndarray:
    spoken = resample(sentence, SAMPLE_RATE).samples
    return np.concatenate([np.zeros(4000, np.float32), spoken, np.zeros(8000, np.float32)])


@pytest.fixture(scope="module")
def picture(astronaut: np.ndarray) -> np.ndarray:
    return astronaut[:256, 96:352]


def cut(samples: np.ndarray, *lengths: int) -> Iterator[np.ndarray]:
    first = 0
    for length in itertools.cycle(lengths):
        if first >= len(samples):
            return
        yield samples[first : first + length]
        first += length


def stream_of(animator: Animator) -> MotionStream:
    return MotionStream(StyledMotionModel(animator.generator, animator.head), mean_face())


@pytest.mark.parametrize("lengths", [(640,), (1, 333, 5000)])
def test_a_session_shows_what_a_file_of_the_sound_would(
    animator: Animator, picture: np.ndarray, voice: np.ndarray, lengths: tuple[int, ...]
) -> None:
    video = list(animator.animate(picture, Waveform(voice, SAMPLE_RATE)))
    with animator.start_session(picture) as session:
        frames = [frame for chunk in cut(voice, *lengths) for frame in session.feed(chunk)]
        frames += session.finish()
    assert len(frames) == len(video)
    assert all((one.image == other).all() for one, other in zip(frames, video, strict=True))
    assert all(frame.time * 25 == n for n, frame in enumerate(frames))


def test_a_frame_comes_within_200_ms_of_its_sound(animator: Animator, picture: np.ndarray, voice: np.ndarray) -> None:
    session, fed = animator.start_session(picture), 0
    late = []
    for chunk in cut(voice[:24000], 16):
        fed += len(chunk)
        late += [fed / SAMPLE_RATE - float(frame.time) for frame in session.feed(chunk)]
    assert max(late) <= 0.2


def test_an_interrupted_voice_comes_to_rest_within_half_a_second_without_a_jump(
    animator: Animator, voice: np.ndarray
) -> None:
    stream = stream_of(animator)
    before = stream.push(voice[:22000])
    stream.interrupt()
    after = stream.push(np.zeros(16000, np.float32))
    moved = joined([*before, *after]).expression
    assert np.abs(moved[len(before) - 10 : len(before)]).max() > 0.02, "it was speaking"
    assert np.abs(moved[len(before) + 30 :]).max() == 0
    steps = np.abs(np.diff(moved, axis=0)).max((1, 2))
    assert steps[len(before) - 1 :].max() <= 1.2 * steps[: len(before) - 1].max()


def test_in_silence_the_head_idles_the_eyes_blink_and_the_mouth_rests(animator: Animator) -> None:
    moved = joined(stream_of(animator).push(np.zeros(20 * SAMPLE_RATE, np.float32)))
    assert np.abs(moved.expression).max() == 0
    assert moved.lids.max() == 1
    assert moved.rotation.std(0).min() > 1e-3


def test_a_voice_moves_the_mouth_as_far_however_loud_it_is(animator: Animator, voice: np.ndarray) -> None:
    voices = [joined(stream_of(animator).push(voice * np.float32(10 ** (db / 20)))).expression for db in (-40, -6)]
    quiet, loud = (float(np.sqrt(np.square(one).mean())) for one in voices)
    assert abs(quiet / loud - 1) < 0.15


def test_the_level_does_not_depend_on_the_chunks(voice: np.ndarray) -> None:
    one, other = AutomaticGainControl(), AutomaticGainControl()
    pieces = np.concatenate([other.push(chunk) for chunk in cut(voice, 1, 700, 160)])
    np.testing.assert_array_equal(one.push(voice), pieces)


def test_what_is_kept_does_not_grow(animator: Animator, picture: np.ndarray, voice: np.ndarray) -> None:
    session = animator.start_session(picture)
    for _ in range(20):
        session.feed(voice)  # its frames are not asked for, and not kept
    moments = session._moments
    assert len(moments._known) < 10
    assert len(moments._stream._voice._speaks) < 20
    assert len(moments._stream._expression._mel._stretch) < 1000


def test_two_sessions_at_once_know_nothing_of_each_other(
    animator: Animator, picture: np.ndarray, voice: np.ndarray
) -> None:
    alone = [frame.image for frame in animator.start_session(picture).feed(voice[:16000])]
    one, other = animator.start_session(picture), animator.start_session(picture, AnimationOptions(seed=1))
    both = []
    for chunk in cut(voice[:16000], 1600):
        both += [frame.image for frame in one.feed(chunk)]
        list(other.feed(chunk[::-1].copy()))
    assert all((a == b).all() for a, b in zip(alone, both, strict=True))


def test_what_is_no_sound_is_refused_in_one_line(animator: Animator, picture: np.ndarray) -> None:
    session = animator.start_session(picture)
    for wrong in (np.zeros(160, np.int16), np.zeros((160, 2), np.float32), np.full(5, np.nan, np.float32)):
        with pytest.raises(AudioError, match="a session needs"):
            session.feed(wrong)
    session.close()
    with pytest.raises(AudioError, match="over"):
        session.feed(np.zeros(160, np.float32))
