"""Several people of one picture speak, each to a sound of their own; who has none, or whose sound is over, listens."""

import json
import logging
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rhapsode.animator import Animator
from rhapsode.credentials.verifying import verify
from rhapsode.errors import OptionsError, PortraitError
from rhapsode.group import Group
from rhapsode.media.reader import probe
from rhapsode.media.waveform import Waveform, resample
from rhapsode.options import AnimationOptions
from tests.bench import Bench, hello, write_sound
from tests.pictures import two_people

SLOW = AnimationOptions(fps=10)


@pytest.fixture(scope="module")
def group(animator: Animator) -> Group:
    return animator.load_group(two_people(200))


@pytest.fixture(scope="module")
def speech(sentence: Waveform) -> Waveform:
    return resample(sentence, 16_000)


def part(sound: Waveform, seconds: float) -> Waveform:
    return Waveform(sound.samples[: round(seconds * sound.rate)], sound.rate)


def test_each_face_moves_as_it_does_alone_to_its_sound(animator: Animator, group: Group, speech: Waveform) -> None:
    video = animator.animate_group(group, {1: speech, 2: part(speech, 1.0)}, SLOW)
    for face, sound in ((0, speech), (1, part(speech, 1.0))):
        alone = animator.animate(group.portraits[face + 1], sound, SLOW)
        together = [frame.motion.expression for frame in video.motion(face)]
        assert len(together) == video.estimated_frames == round(speech.seconds * 10)
        for one, other in zip(list(alone.motion())[:8], together, strict=False):
            np.testing.assert_allclose(one.motion.expression, other, atol=1e-6)


def test_who_is_silent_listens_and_lives(animator: Animator, group: Group, speech: Waveform) -> None:
    video = animator.animate_group(group, {2: speech}, AnimationOptions(seed=3))
    listens, speaks = ([frame.motion for frame in video.motion(face)] for face in (0, 1))
    assert not any(np.abs(one.expression).max() > 1e-6 for one in listens)
    assert max(np.abs(one.expression).max() for one in speaks) > 0.05
    turns = np.array([[one.rotation[0] for one in some] for some in (listens, speaks)])
    assert (turns.std(1) > 0).all() and not np.allclose(turns[0], turns[1]), "heads move by themselves"
    assert max(np.abs(one.shoulders).max() for one in listens) > 0


def test_a_video_of_two_is_written_with_the_sum_of_their_sounds_and_tells_both(
    animator: Animator, group: Group, tmp_path: Path
) -> None:
    write_sound(tmp_path / "a.wav", hello())
    write_sound(tmp_path / "b.wav", np.concatenate([np.zeros(4000), hello()]))
    voices = {1: tmp_path / "a.wav", 2: tmp_path / "b.wav"}
    facts = animator.animate_group(group, voices, AnimationOptions(fps=8)).save(tmp_path / "talk.mp4")
    info = probe(tmp_path / "talk.mp4")
    assert info.has_audio and (info.width, info.height) == (group.width, group.height)
    assert facts.frames == 6 and facts.voice_seconds
    inputs = verify(tmp_path / "talk.mp4").inputs
    assert len({inputs["portrait"], inputs["voice 1"], inputs["voice 2"]}) == 3


def test_a_loop_of_two_ends_where_both_began(animator: Animator, group: Group) -> None:
    silence = Waveform(np.zeros(48_000, np.float32), 16_000)
    video = animator.animate_group(group, {1: silence}, AnimationOptions(fps=10, loop=True))
    for face in (0, 1):
        frames = [frame.motion.rotation[0] for frame in video.motion(face)]
        steps = np.abs(np.diff([*frames, frames[0]], axis=0)).max(1)
        assert steps[-1] <= 2 * steps.max() and np.abs(frames[-1] - frames[0]).max() < 0.02


def test_another_shape_shows_all_who_speak(animator: Animator, group: Group, speech: Waveform) -> None:
    both = animator.animate_group(group, {1: speech, 2: speech}, AnimationOptions(aspect="1:1"))
    one = animator.animate_group(group, {2: speech}, AnimationOptions(aspect="9:16"))
    assert both.width == both.height and one.width / one.height == pytest.approx(9 / 16, abs=0.01)
    assert next(iter(both)).shape == (both.height, both.width, 3)
    for number, portrait in group.framed(1.0, [1, 2]).portraits.items():
        assert portrait.measured.shown.holds(portrait.measured.face.box), number


def test_what_cannot_be_is_refused(animator: Animator, group: Group, speech: Waveform) -> None:
    with pytest.raises(PortraitError, match="no face 3") as refused:
        animator.animate_group(group, {1: speech, 3: speech})
    assert refused.value.code == "no-such-speaker"
    with pytest.raises(OptionsError, match="voices"):
        animator.animate_group(group, {})


def test_a_face_that_is_too_small_stays_as_it_is_and_may_not_speak(
    animator: Animator, speech: Waveform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.fromarray(two_people(200)).save(tmp_path / "two.png")
    with caplog.at_level(logging.WARNING, "rhapsode"):
        group = animator.load_group(tmp_path / "two.png", 285)
    assert list(group.portraits) == [1] and list(group.refused) == [2]
    assert any("face 2" in one.message and "stays as it is" in one.message for one in caplog.records)
    with pytest.raises(PortraitError, match="too small"):
        animator.animate_group(group, {2: speech})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["1:a.wav", "1:b.wav"], "face 1 two voices"),
        (["a.wav"], "no number of a face"),
        (["0:a.wav"], "no number of a face"),
        (["x:a.wav"], "no number of a face"),
        (["1:"], "no number of a face"),
        (["1:-", "2:-"], "standard input"),
    ],
)
def test_a_speaker_that_is_not_understood_is_refused_in_one_line(bench: Bench, words: list[str], said: str) -> None:
    options = [f"--speak={word}" for word in words]
    bench.refused(bench.run("animate", f"--portrait={bench.portrait}", f"--out={bench.out}", *options), said)


def test_options_for_one_face_do_not_go_with_speakers(bench: Bench) -> None:
    for name, value in (("face", "2"), ("landmarks", "x.json"), ("extra-photo", str(bench.portrait))):
        bench.refused(bench.animate(audio=None, speak=f"1:{bench.speech}", **{name: value}), f"--{name}")
    bench.refused(bench.animate(speak=f"1:{bench.speech}"), "either --audio")
    told = bench.animate(audio=None, speak=f"2:{bench.speech}").err.splitlines()[-1]
    assert "there is no face 2; the picture shows one: choose 1 with --speak" in told


def test_two_speak_on_the_command_line(bench: Bench) -> None:
    Image.fromarray(two_people(200)).save(bench.portrait)
    words = [f"--portrait={bench.portrait}", f"--out={bench.out}", "--fps=8", "--json", "--size=480"]
    made = bench.run("animate", *words, f"--speak=1:{bench.speech}", f"--speak=2:{bench.speech}")
    assert made.code == 0, made.err
    told = json.loads(made.out)
    assert told["speakers"] == [{"face": n, "track": 1, "channel": None} for n in (1, 2)]
    assert told["frames"] == round(Fraction(8) / 2) and probe(bench.out).has_audio
