"""Where a voice sounds, with espeak-ng's voice and made-up music."""

import numpy as np
import pytest

from rhapsode.audio.mel import motion_frames
from rhapsode.audio.voice_activity import voice_activity, voice_segments
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import resample

RATE = 16000


def chords(seconds: float) -> np.ndarray:
    """A soft organ: three notes with overtones, changing twice a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    for half, root in enumerate([220.0, 174.6, 196.0, 261.6]):
        inside = (time >= half / 2) & (time < (half + 1) / 2)
        for note in (1, 1.25, 1.5):
            for overtone in (1, 2, 3):
                sound += inside * np.sin(2 * np.pi * root * note * overtone * time) / overtone
    return (0.05 * sound).astype(np.float32)


def speech(text: str = "Good morning, this is the evening news from the city.") -> np.ndarray:
    return resample(synthesise(text), RATE).samples


def test_only_the_voice_opens_the_envelope() -> None:
    before = np.concatenate([np.zeros(RATE, np.float32), chords(1.0)])
    voice = speech()
    sound = np.concatenate([before, voice, np.zeros(RATE, np.float32)])
    envelope = voice_activity(sound)
    assert envelope.shape == (motion_frames(len(sound)),)
    assert envelope.dtype == np.float32
    assert envelope.min() >= 0
    assert envelope.max() == 1
    assert not envelope[: int(60 * 1.85)].any()
    spoken = slice(int(60 * 2.25), int(60 * (2 + len(voice) / RATE - 0.6)))
    assert envelope[spoken].mean() > 0.9
    assert not envelope[-15:].any()


def test_silence_and_music_alone_are_nothing() -> None:
    assert not voice_activity(np.zeros(RATE, np.float32)).any()
    assert not voice_activity(chords(2.0)).any()


def test_the_envelope_is_open_when_the_voice_begins_and_never_jumps() -> None:
    sound = np.concatenate([np.zeros(RATE, np.float32), speech(), np.zeros(RATE, np.float32)])
    envelope = voice_activity(sound)
    first_sound = np.flatnonzero(np.abs(sound) > 0.02)[0] / RATE
    opened = np.flatnonzero(envelope == 1)[0] / 60
    started = np.flatnonzero(envelope)[0] / 60
    assert opened == pytest.approx(first_sound, abs=0.08)
    assert 0.08 <= opened - started <= 0.13
    assert np.abs(np.diff(envelope)).max() < 0.25


def test_short_pauses_are_bridged_and_short_bursts_dropped() -> None:
    chunk = 0.032
    probability = np.array([0] * 5 + [0.9] * 10 + [0.1] * 4 + [0.9] * 10 + [0] * 20 + [0.9] * 2 + [0] * 10)
    np.testing.assert_allclose(voice_segments(probability), [(5 * chunk, 29 * chunk)])


def test_long_pauses_divide() -> None:
    probability = np.array([0.9] * 10 + [0] * 10 + [0.9] * 10)
    assert len(voice_segments(probability)) == 2


def test_a_burst_near_speech_is_not_bridged_into_it() -> None:
    probability = np.array([0.9] * 1 + [0] * 5 + [0.9] * 10)
    np.testing.assert_allclose(voice_segments(probability), [(6 * 0.032, 16 * 0.032)])


def test_doubt_neither_starts_a_voice_nor_ends_it() -> None:
    assert voice_segments(np.full(20, 0.45)) == []
    assert len(voice_segments(np.array([0.9] * 3 + [0.45] * 20 + [0] * 5))) == 1


def test_no_sound_at_all_gives_one_closed_frame() -> None:
    np.testing.assert_array_equal(voice_activity(np.zeros(0, np.float32)), [0])
