"""Videos that end where they began."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.errors import OptionsError
from rhapsode.media.waveform import Waveform
from rhapsode.motion.loop import looped
from rhapsode.motion.motion import Motion, joined
from rhapsode.motion.timeline import FrameMotion
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait

RATE = Fraction(25)


@pytest.fixture(scope="module")
def portrait(animator: Animator, astronaut: np.ndarray) -> Portrait:
    return animator.load_portrait(astronaut[:256, 96:352])


@pytest.fixture(scope="module")
def moving(animator: Animator, portrait: Portrait, sentence: Waveform) -> Callable[[float, int], list[FrameMotion]]:
    """Make the motion of a sentence that begins at once, cut or followed by silence, by its length and a seed."""

    def make(seconds: float, seed: int) -> list[FrameMotion]:
        samples = np.zeros(round(seconds * sentence.rate), np.float32)
        samples[: len(sentence.samples)] = sentence.samples[: len(samples)]
        sound = Waveform(samples, sentence.rate)
        return list(animator.animate(portrait, sound, AnimationOptions("happy", seed=seed)).motion())

    return make


def columns(frames: list[FrameMotion]) -> dict[str, np.ndarray]:
    return {name: values.reshape(len(frames), -1) for name, values in vars(motion_of(frames)).items()}


def motion_of(frames: list[FrameMotion]) -> Motion:
    return joined([frame.motion for frame in frames])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("seconds", [0.9, 2.4, 7.0])
def test_the_first_frame_follows_the_last_as_frames_follow_each_other(
    moving: Callable[[float, int], list[FrameMotion]], seconds: float, seed: int
) -> None:
    plain = moving(seconds, seed)
    for name, values in columns(list(looped(plain, RATE))).items():
        if name != "voice":
            usual = np.abs(np.diff(values, axis=0)).max() if len(plain) > 1 else 0
            assert np.abs(values[0] - values[-1]).max() <= usual, name
    before = len(plain) - min(50, len(plain) // 2)
    assert list(looped(plain, RATE))[:before] == plain[:before], "till then nothing is changed"


def test_no_blink_is_cut_off(moving: Callable[[float, int], list[FrameMotion]]) -> None:
    plain = moving(7.0, 0)
    shut = np.flatnonzero([frame.motion.lids.max() > 0.9 for frame in plain])
    middle = int(shut[shut > 60][0])
    lids = columns(list(looped(plain[: middle + 1], RATE)))["lids"].max(1)
    assert plain[middle].motion.lids.max() > 0.9 and not lids[-8:].any()


def test_eyes_keep_what_they_look_at_while_the_head_returns() -> None:
    turns = np.linspace(0, 0.1, 100, dtype=np.float32)
    one = {name: np.zeros((1, *shape), np.float32) for name, shape in _SHAPES.items()}
    frames = [
        FrameMotion(
            Fraction(n, 25),
            Motion(**(one | {"rotation": np.array([[0, turn, 0]], np.float32), "gaze": np.array([[turn, 0]])})),
        )
        for n, turn in enumerate(turns)
    ]
    back = columns(list(looped(frames, RATE)))
    assert np.allclose(back["gaze"][:, 0], back["rotation"][:, 1], atol=1e-6)
    assert back["rotation"][-1, 1] < 0.001


_SHAPES: dict[str, tuple[int, ...]] = {
    "expression": (68, 3),
    "lids": (2,),
    "rotation": (3,),
    "translation": (3,),
    "voice": (),
    "units": (51,),
    "gaze": (2,),
    "shoulders": (2,),
}


def test_a_silent_loop_is_seamless_and_is_not_told_that_it_is_silent(
    animator: Animator, portrait: Portrait, caplog: pytest.LogCaptureFixture
) -> None:
    silence = Waveform(np.zeros(16000 * 4, np.float32), 16000)
    frames = [frame.astype(int) for frame in animator.animate(portrait, silence, AnimationOptions(loop=True, fps=12))]
    steps = [np.abs(a - b).mean() for a, b in zip(frames[1:], frames[:-1], strict=True)]
    assert np.abs(frames[0] - frames[-1]).mean() <= max(steps)
    assert max(steps) > 0 and not caplog.records


def test_a_session_cannot_loop(animator: Animator, portrait: Portrait) -> None:
    with pytest.raises(OptionsError, match="loop=True"):
        animator.start_session(portrait, AnimationOptions(loop=True))
