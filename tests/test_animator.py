import itertools
import logging
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import skimage.data

import rhapsode
from rhapsode.animator import Animator
from rhapsode.errors import AudioError, PortraitError
from rhapsode.face.expression import disentangle
from rhapsode.face.mouth import lip_opening
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.reader import probe, read_frames
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import Waveform, resample
from rhapsode.metrics.mouth import opening_correlation
from rhapsode.motion.motion import Motion
from rhapsode.motion.stream import MotionStream
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.style.motion_model import styled_motion_model


def test_the_package_offers_the_animator() -> None:
    assert rhapsode.Animator is Animator


def test_a_video_lasts_as_long_as_its_sound(talking_clip: Path, sentence: Waveform) -> None:
    info = probe(talking_clip)
    assert abs(info.seconds - sentence.seconds) <= 1 / 25 + 1e-3
    assert info.has_audio and info.fps == 25
    sound = load_waveform(talking_clip)
    assert abs(sound.seconds - sentence.seconds) <= 1 / 25 + 0.03


def moved_by(animator: Animator, sound: Waveform, portrait: Portrait) -> Motion:
    return MotionStream(styled_motion_model(animator.speech, animator.head), portrait.rest).of(sound)


def test_motion_is_told_for_every_frame(animator: Animator, astronaut: np.ndarray, sentence: Waveform) -> None:
    portrait = animator.load_portrait(astronaut[:256, 96:352])
    for fps in (23.976, 25, 60):
        video = animator.animate(portrait, sentence, AnimationOptions(fps=fps))
        assert [frame.time * video.fps for frame in video.motion()] == list(range(video.estimated_frames))


def test_the_lips_of_the_finished_video_say_what_the_generator_said(
    talking_clip: Path, animator: Animator, astronaut: np.ndarray, sentence: Waveform
) -> None:
    times, frames = zip(*read_frames(talking_clip), strict=True)
    with FaceTracker() as tracker:
        faces = [face for face in tracker.track(frames) if face is not None]
    assert len(faces) == len(frames)
    offsets, rest, _ = disentangle(np.stack([face.landmarks for face in faces]))
    portrait = animator.load_portrait(astronaut[:256, 96:352])
    motion = moved_by(animator, resample(sentence, 16000), portrait)
    generated = np.concatenate([motion.at(Fraction(time)).expression for time in times]) + portrait.rest
    assert opening_correlation(generated, offsets + rest) > 0.85


def test_the_same_seed_gives_the_same_frames_and_another_seed_others(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform
) -> None:
    picture = astronaut[:256, 96:352]
    a, b, c = (
        list(itertools.islice(animator.animate(picture, sentence, AnimationOptions(seed=s)), 20)) for s in (1, 1, 2)
    )
    assert all((x == y).all() for x, y in zip(a, b, strict=True))
    assert any((x != y).any() for x, y in zip(a, c, strict=True))


def test_in_silence_the_mouth_rests_and_with_all_gains_at_zero_nothing_moves(
    animator: Animator, astronaut: np.ndarray
) -> None:
    silence = Waveform(np.zeros(48000, np.float32), 16000)
    portrait = animator.load_portrait(astronaut)
    assert np.abs(moved_by(animator, silence, portrait).expression).max() == 0
    still = animator.animate(astronaut, silence, AnimationOptions(head_motion=0, blink=0, gaze=0))
    for frame in itertools.islice(still, 0, 60, 20):
        assert np.abs(frame.astype(int) - astronaut).max() <= 2


def test_music_before_the_voice_leaves_the_mouth_at_rest(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform
) -> None:
    voice = resample(sentence, 16000).samples
    time = np.arange(32000) / 16000
    chord = np.sum([0.1 * np.sin(2 * np.pi * f * time) for f in (220, 277.2, 329.6)], axis=0).astype(np.float32)
    sound = Waveform(np.concatenate([chord, voice]), 16000)
    moved = moved_by(animator, sound, animator.load_portrait(astronaut)).expression
    assert np.abs(moved[:102]).max() == 0, "the first 1.7 of 2 seconds of music"
    assert np.abs(moved[120:]).max() > 0.05


def test_a_smile_closes_its_lips_in_speech_and_keeps_its_teeth_in_silence(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform
) -> None:
    portrait = animator.load_portrait(astronaut)
    assert lip_opening(portrait.rest) > 0.08, "the astronaut smiles with her teeth"
    spoken = resample(sentence, 16000).samples
    sound = Waveform(np.concatenate([np.zeros(16000, np.float32), spoken]), 16000)
    motion = moved_by(animator, sound, portrait)
    gap = lip_opening(portrait.rest + motion.expression)
    # The synthesiser's closures stay a hair ajar; the smile is off them all the same.
    assert gap[60:].min() < 0.02 and gap[60:].max() > 0.06
    assert (motion.expression[:45] == 0).all()


def test_of_several_faces_the_largest_speaks_with_a_word_saying_so(
    animator: Animator, astronaut: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    two = np.full((512, 700, 3), 128, np.uint8)
    two[:, :512] = astronaut
    two[100:300, 500:700] = astronaut[20:220, 120:320]
    with caplog.at_level(logging.WARNING):
        largest = animator.load_portrait(two)
    assert "2 faces" in caplog.text
    second = animator.load_portrait(two, face=2)
    assert not np.allclose(largest.measured.face.landmarks, second.measured.face.landmarks)
    with pytest.raises(PortraitError, match="no face 3"):
        animator.load_portrait(two, face=3)


def test_a_picture_without_a_face_is_refused(animator: Animator) -> None:
    with pytest.raises(PortraitError, match="no face"):
        animator.load_portrait(np.asarray(skimage.data.chelsea()))


@pytest.mark.parametrize(
    "portrait", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 4), np.uint8), np.ones((64, 64, 3))]
)
def test_an_array_that_is_no_rgb_picture_is_refused(animator: Animator, portrait: np.ndarray) -> None:
    with pytest.raises(PortraitError, match="uint8 RGB"):
        animator.load_portrait(portrait)


def test_samples_that_are_not_finite_floats_are_refused() -> None:
    with pytest.raises(AudioError, match="int16"):
        Waveform(np.zeros(10, np.int16), 16000)
    with pytest.raises(AudioError, match="NaN"):
        Waveform(np.full(10, np.nan, np.float32), 16000)
