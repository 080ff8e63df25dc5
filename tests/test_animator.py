import itertools
import logging
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import skimage.data

import rhapsode
from rhapsode.animator import Animator, exact_rate
from rhapsode.errors import PortraitError
from rhapsode.face.expression import disentangle
from rhapsode.face.mouth import lip_opening
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.reader import probe, read_frames
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import Waveform, resample
from rhapsode.metrics.mouth import opening_correlation
from rhapsode.motion.motion import Motion
from rhapsode.motion.stream import Gains, MotionStream
from rhapsode.render.portrait import Portrait


def test_the_package_offers_the_animator() -> None:
    assert rhapsode.Animator is Animator


def test_a_video_lasts_as_long_as_its_sound_and_its_lips_are_in_step(talking_clip: Path, sentence: Waveform) -> None:
    info = probe(talking_clip)
    assert abs(info.seconds - sentence.seconds) <= 1 / 25 + 1e-3
    assert info.has_audio and info.fps == 25
    sound = load_waveform(talking_clip)
    assert abs(sound.seconds - sentence.seconds) <= 1 / 25 + 0.03


def moved_by(animator: Animator, sound: Waveform, portrait: Portrait) -> Motion:
    return MotionStream(animator.manner(), portrait.rest, Gains(), 0).of(sound)


def test_a_file_has_as_many_moments_as_frames(animator: Animator, astronaut: np.ndarray, sentence: Waveform) -> None:
    for fps in (23.976, 25, 60):
        video = animator.animate(astronaut[:256, 96:352], sentence, fps=fps)
        assert [moment.time * video.fps for moment in video.moments()] == list(range(len(video)))


def test_the_lips_of_the_finished_video_say_what_the_generator_said(
    talking_clip: Path, animator: Animator, astronaut: np.ndarray, sentence: Waveform
) -> None:
    times, frames = zip(*read_frames(talking_clip), strict=True)
    with FaceTracker() as tracker:
        faces = [face for face in tracker.track(frames) if face is not None]
    assert len(faces) == len(frames)
    offsets, rest, _ = disentangle(np.stack([face.landmarks for face in faces]))
    portrait = animator.prepare(astronaut[:256, 96:352])
    heard = resample(sentence, 16000)
    motion = moved_by(animator, heard, portrait)
    spoken = np.concatenate([motion.at(Fraction(time)).expression for time in times]) + portrait.rest
    assert opening_correlation(spoken, offsets + rest) > 0.85


def test_the_same_seed_gives_the_same_frames_and_another_seed_others(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform
) -> None:
    picture = astronaut[:256, 96:352]
    a, b, c = (list(itertools.islice(animator.animate(picture, sentence, seed=s), 20)) for s in (1, 1, 2))
    assert all((x == y).all() for x, y in zip(a, b, strict=True))
    assert any((x != y).any() for x, y in zip(a, c, strict=True))


def test_in_silence_the_mouth_rests_and_with_all_gains_at_zero_nothing_moves(
    animator: Animator, astronaut: np.ndarray
) -> None:
    silence = Waveform(np.zeros(48000, np.float32), 16000)
    portrait = animator.prepare(astronaut)
    assert np.abs(moved_by(animator, silence, portrait).expression).max() == 0
    still = animator.animate(astronaut, silence, head_motion=0, blink=0)
    for frame in itertools.islice(still, 0, 60, 20):
        assert np.abs(frame.astype(int) - astronaut).max() <= 2


def test_music_before_the_voice_leaves_the_mouth_at_rest(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform
) -> None:
    voice = resample(sentence, 16000).samples
    time = np.arange(32000) / 16000
    chord = sum(0.1 * np.sin(2 * np.pi * f * time) for f in (220, 277.2, 329.6)).astype(np.float32)
    sound = Waveform(np.concatenate([chord, voice]), 16000)
    moved = moved_by(animator, sound, animator.prepare(astronaut)).expression
    assert np.abs(moved[:102]).max() == 0, "the first 1.7 of 2 seconds of music"
    assert np.abs(moved[120:]).max() > 0.05


def test_a_smile_closes_its_lips_in_speech_and_keeps_its_teeth_in_silence(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform
) -> None:
    portrait = animator.prepare(astronaut)
    assert lip_opening(portrait.rest) > 0.08, "the astronaut smiles with her teeth"
    spoken = resample(sentence, 16000).samples
    sound = Waveform(np.concatenate([np.zeros(16000, np.float32), spoken]), 16000)
    motion = moved_by(animator, sound, portrait)
    gap = lip_opening(portrait.rest + motion.expression)
    # The synthesiser's closures stay a hair ajar; the smile is off them all the same.
    assert gap[60:].min() < 0.02 and gap[60:].max() > 0.06
    assert (motion.expression[:45] == 0).all()


@pytest.mark.parametrize(("fps", "exact"), [(25, 25), (23.976, Fraction(24000, 1001)), (29.97, Fraction(30000, 1001))])
def test_frame_rates_are_taken_for_the_fractions_they_stand_for(fps: float, exact: Fraction) -> None:
    assert exact_rate(fps) == exact
    with pytest.raises(ValueError, match="frames a second"):
        exact_rate(0)


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), 50, 60])
def test_the_number_of_frames_is_that_of_the_sound_at_any_rate(
    animator: Animator, astronaut: np.ndarray, fps: Fraction
) -> None:
    ten_minutes = Waveform(np.zeros(16000 * 600, np.float32), 16000)
    video = animator.animate(astronaut[:256, 96:352], ten_minutes, fps=fps)
    assert abs(len(video) / Fraction(fps) - 600) <= 1 / (2 * Fraction(fps))


def test_of_several_faces_the_largest_speaks_with_a_word_saying_so(
    animator: Animator, astronaut: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    two = np.full((512, 700, 3), 128, np.uint8)
    two[:, :512] = astronaut
    two[100:300, 500:700] = astronaut[20:220, 120:320]
    with caplog.at_level(logging.WARNING):
        largest = animator.prepare(two)
    assert "2 faces" in caplog.text and "--face" in caplog.text
    second = animator.prepare(two, face=2)
    assert not np.allclose(largest.face.landmarks, second.face.landmarks)
    with pytest.raises(PortraitError, match="no face 3"):
        animator.prepare(two, face=3)


def test_a_picture_without_a_face_is_refused(animator: Animator) -> None:
    with pytest.raises(PortraitError, match="no face"):
        animator.prepare(np.asarray(skimage.data.chelsea()))


@pytest.mark.parametrize(
    "portrait", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 4), np.uint8), np.ones((64, 64, 3))]
)
def test_an_array_that_is_no_rgb_picture_is_refused(animator: Animator, portrait: np.ndarray) -> None:
    with pytest.raises(PortraitError, match="uint8 RGB"):
        animator.prepare(portrait)


@pytest.mark.parametrize("gains", [{"mouth": -1.0}, {"head_motion": float("nan")}, {"blink": float("inf")}])
def test_a_gain_out_of_range_is_refused(gains: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(gains))):
        Gains(**gains)
