"""Head, eyes and shoulders that go back and then on."""

import numpy as np
import pytest

from rhapsode.bundle import Bundle
from rhapsode.motion.head import HeadModel
from rhapsode.motion.idle import IdleMotion, IdleStreams


def idle(history: int) -> IdleMotion:
    head = HeadModel.load(Bundle.load().path("head_motion.safetensors"))
    return IdleMotion(IdleStreams.seeded(head, seed=0, head=1.0, blink=1.0, gaze=1.0), history)


def rows(one: IdleMotion, voices: list[float]) -> np.ndarray:
    return np.stack([np.concatenate(one.next(voice), axis=1)[0] for voice in voices])


@pytest.mark.parametrize("back", [1, 5, 6, 7, 100, 120])
def test_with_the_same_voice_it_moves_again_as_it_did(back: int) -> None:
    voices = np.random.default_rng(2).random(300).tolist()
    one = idle(120)
    whole = rows(one, voices)
    one.rewind(300 - back)
    assert np.array_equal(rows(one, voices[300 - back :]), whole[300 - back :].reshape(-1, 12))


def test_it_goes_back_again_and_again() -> None:
    voices = [1.0] * 400
    once, one = rows(idle(0), voices), idle(60)
    rows(one, voices[:100])
    for frame in (90, 70, 80, 75, 60):
        one.rewind(frame)
        assert np.array_equal(rows(one, voices[frame : frame + 40]), once[frame : frame + 40])


def test_with_another_voice_it_goes_on_without_a_jump() -> None:
    one = idle(120)
    before = rows(one, [1.0] * 200)
    one.rewind(150)
    after = rows(one, [0.0] * 100)
    steps = np.abs(np.diff(before[:, 2:], axis=0)).max(0)
    assert (np.abs(after[0] - before[149])[2:] <= 1.5 * steps).all()


def test_further_back_than_its_history_it_does_not_go() -> None:
    one = idle(60)
    rows(one, [1.0] * 300)
    with pytest.raises(ValueError, match="cannot go"):
        one.rewind(100)
