"""Mixtures that the voice gate learns from."""

from functools import partial

import numpy as np
import pytest
from scipy.signal import find_peaks

from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import resample
from rhapsode.training.gate_scenes import draw_scene, mix, speak, through, where_spoken
from rhapsode.training.instruments import INSTRUMENTS, UNHEARD
from rhapsode.training.made_up_music import make_music
from rhapsode.training.made_up_noise import CHANNELS, NOISES, babble, make_noise
from rhapsode.training.revoice import sung, whispered

RATE = 16000


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    voice = resample(synthesise("We all know a yellow moon may roam over your home"), RATE).samples
    return np.asarray(voice * 0.1 / voice.std(), np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def periodicity(samples: np.ndarray) -> float:
    """Median over the loud frames of 40 ms: how alike the sound is to itself a period (70 to 400 Hz) later."""
    frames = samples[: len(samples) // 640 * 640].reshape(-1, 640)
    frames = frames[frames.std(1) > frames.std(1).mean()]
    alike = []
    for frame in frames:
        correlation = np.correlate(frame, frame, "full")[639:] / (frame @ frame)
        alike.append(correlation[40:230].max())
    return float(np.median(alike))


def test_the_voice_is_found_where_it_sounds(spoken: np.ndarray) -> None:
    silence = np.zeros(RATE, np.float32)
    found = np.flatnonzero(where_spoken(np.concatenate([silence, spoken, silence]))) / 50
    loud = np.flatnonzero(np.abs(spoken) > 0.02) / RATE
    assert found[0] == pytest.approx(1 + loud[0], abs=0.06)
    assert found[-1] == pytest.approx(1 + loud[-1], abs=0.12)
    assert not where_spoken(np.zeros(RATE, np.float32)).any()


def test_a_whisper_has_no_pitch_and_a_song_has(spoken: np.ndarray) -> None:
    assert periodicity(spoken) > 0.6
    whisper, song = whispered(spoken, rng()), sung(spoken, 1.5, rng())
    assert periodicity(whisper) < 0.4
    assert periodicity(song) > 0.6
    assert len(whisper) == len(spoken) and len(song) == round(1.5 * len(spoken))
    assert whisper.std() == pytest.approx(spoken.std(), rel=0.05)


def test_a_scene_tells_where_its_voice_is(spoken: np.ndarray) -> None:
    scene = speak([spoken], 6.0, "speech", rng())
    assert scene.samples.shape == (6 * RATE,) and scene.voice.shape == (300,)
    sounds = np.repeat(scene.voice, 320)
    assert scene.samples[sounds].std() > 8 * scene.samples[~sounds].std()


def test_a_background_is_as_far_below_the_voice_as_was_asked_for(spoken: np.ndarray) -> None:
    scene, rest = speak([spoken], 6.0, "speech", rng()), make_noise("white", 6.0, rng())
    mixed = mix(scene, rest, "white", 6.0)
    sounds = np.repeat(scene.voice, 320)
    ratio = scene.samples[sounds].std() / (mixed.samples - scene.samples).std()
    assert 20 * np.log10(ratio) == pytest.approx(6.0, abs=0.1)
    assert (mixed.kind, mixed.snr) == ("speech + white", 6.0)


@pytest.mark.parametrize("unheard", [False, True])
def test_a_piece_of_music_follows_from_its_seed_and_is_as_loud_as_any_other(unheard: bool) -> None:
    pieces = [make_music(2.0, rng(seed), unheard) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(pieces[0], pieces[1])
    assert not np.array_equal(pieces[0], pieces[2])
    for piece in pieces:
        assert piece.shape == (2 * RATE,) and np.sqrt(np.mean(piece**2)) == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize("name", [*INSTRUMENTS, *UNHEARD])
def test_an_instrument_plays_the_note_that_it_is_given(name: str) -> None:
    note = (dict(INSTRUMENTS) | dict(UNHEARD))[name](np.full(RATE // 2, 220.0), rng(3))
    assert len(note) == RATE // 2 and np.isfinite(note).all() and np.abs(note).max() > 0.05
    spectrum = np.abs(np.fft.rfft(note[1000:7400] * np.hanning(6400)))
    peaks = find_peaks(spectrum, height=spectrum.max() / 2)[0] * RATE / 6400
    if name != "bell":  # whose overtones are not multiples
        assert (np.abs(peaks / 220 - np.round(peaks / 220)) < 0.06).all()


@pytest.mark.parametrize("colour", NOISES)
def test_noise_is_as_loud_as_music(colour: str) -> None:
    noise = make_noise(colour, 1.0, rng())
    assert noise.dtype == np.float32 and np.sqrt(np.mean(noise**2)) == pytest.approx(0.1, rel=1e-3)


def test_every_channel_and_a_crowd_keep_the_length_and_stay_in_range(spoken: np.ndarray) -> None:
    scene = speak([spoken], 4.0, "speech", rng())
    for channel in CHANNELS:
        sent = through(scene, channel, rng())
        assert sent.samples.shape == scene.samples.shape and sent.samples.dtype == np.float32
        assert np.abs(sent.samples).max() <= 1
        np.testing.assert_array_equal(sent.voice, scene.voice)
    assert babble([spoken] * 6, 3.0, rng()).shape == (3 * RATE,)


def test_drawn_scenes_are_of_many_kinds_and_half_of_the_time_without_a_voice(spoken: np.ndarray) -> None:
    def somebody(_: np.random.Generator) -> list[np.ndarray]:
        return [spoken]

    scenes = [draw_scene([partial(somebody)] * 8, 3.0, rng(seed)) for seed in range(12)]
    assert len({scene.kind for scene in scenes}) > 6
    assert 0.15 < np.mean([scene.voice.mean() for scene in scenes]) < 0.7
    assert all(scene.samples.dtype == np.float32 and np.isfinite(scene.samples).all() for scene in scenes)
