"""Videos: rendered as they are asked for, from sound that is read along with them."""

import itertools
import wave
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rhapsode import video as video_module
from rhapsode.animator import Animator
from rhapsode.errors import AudioError, Cancelled
from rhapsode.media.reader import probe
from rhapsode.media.sound import mono_blocks
from rhapsode.media.waveform import Waveform
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait


@pytest.fixture(scope="module")
def portrait(animator: Animator, astronaut: np.ndarray) -> Portrait:
    return animator.load_portrait(astronaut[:256, 96:352])


@pytest.fixture(scope="module")
def file(sentence: Waveform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sentence, in stereo, at the synthesiser's rate."""
    path = tmp_path_factory.mktemp("sound") / "sentence.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, sentence.rate, 0, "NONE", ""))
        out.writeframes(np.repeat(np.rint(32767 * sentence.samples).astype("<i2")[:, None], 2, 1).tobytes())
    return path


def test_sound_is_read_as_frames_are_asked_for(
    animator: Animator, portrait: Portrait, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0

    def blocks(*_given: object) -> Iterator[np.ndarray]:
        nonlocal read
        for _ in range(3600):
            read += 1600
            yield np.zeros(1600, np.float32)

    monkeypatch.setattr(video_module, "mono_blocks", blocks)
    made = animator.animate(portrait, Waveform(np.zeros(16000, np.float32), 16000))
    assert sum(1 for _ in itertools.islice(made.motion(), 50)) == 50
    assert read <= 4 * 16000, "no more than some seconds ahead"


def test_a_file_moves_a_face_as_its_samples_do(animator: Animator, portrait: Portrait, file: Path) -> None:
    samples = np.concatenate(list(mono_blocks(file)))
    from_file, from_memory = (
        [frame.motion.expression for frame in animator.animate(portrait, sound).motion()]
        for sound in (file, Waveform(samples, 16000))
    )
    np.testing.assert_array_equal(from_file, from_memory)


@pytest.mark.parametrize("fps", [2, Fraction(24000, 1001), 25, 60])
def test_a_video_has_as_many_frames_as_its_sound_is_long(
    animator: Animator, portrait: Portrait, file: Path, sentence: Waveform, fps: Fraction | int
) -> None:
    made = animator.animate(portrait, file, AnimationOptions(fps=fps))
    times = [frame.time for frame in made.motion()]
    assert times == [n / Fraction(fps) for n in range(len(times))]
    assert len(times) == round(sentence.seconds * fps) == made.estimated_frames


def test_progress_is_told_of_every_frame(
    animator: Animator, portrait: Portrait, file: Path, sentence: Waveform, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    made = animator.animate(portrait, file, AnimationOptions(fps=5))
    facts = made.save(tmp_path / "talk.mp4", lambda *one: told.append(one))
    assert list(dict.fromkeys(told)) == [("frames", n, facts.frames) for n in range(facts.frames + 1)]
    assert abs(probe(tmp_path / "talk.mp4").seconds - sentence.seconds) <= 1 / 5


def test_who_watches_the_progress_can_cancel_and_nothing_is_left(
    animator: Animator, portrait: Portrait, file: Path, tmp_path: Path
) -> None:
    def cancel(_stage: str, done: int, _total: int) -> None:
        if done == 3:
            raise Cancelled("cancelled")

    with pytest.raises(Cancelled):
        animator.animate(portrait, file).save(tmp_path / "talk.mp4", cancel)
    assert not list(tmp_path.iterdir())


def test_a_file_without_sound_is_refused_before_the_portrait_is_loaded(animator: Animator, tmp_path: Path) -> None:
    (tmp_path / "void.wav").write_bytes(b"")
    with pytest.raises(AudioError, match=r"void\.wav"):
        animator.animate(tmp_path / "no-portrait.jpg", tmp_path / "void.wav")


def test_a_portrait_keeps_its_renderer_for_all_that_share_a_style(animator: Animator, portrait: Portrait) -> None:
    happy = animator.find_style("happy")
    assert portrait.renderer() is portrait.renderer()
    assert portrait.renderer(happy) is portrait.renderer(happy) is not portrait.renderer()
    assert portrait.renderer(happy, teeth=False) is not portrait.renderer(happy)
    assert portrait.painter(happy) is portrait.painter(happy) is not portrait.painter()


def test_a_portrait_keeps_no_more_than_some_styles(animator: Animator, portrait: Portrait) -> None:
    first = portrait.painter()
    happy = animator.find_style("happy")
    for strength in range(1, 10):
        portrait.painter(replace(happy, references=np.float32(strength / 20) * happy.references))
    assert portrait.painter() is not first
