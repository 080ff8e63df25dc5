"""Speech from text, by espeak-ng."""

# ruff: noqa: RUF001 (phones are written in IPA)

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rhapsode.errors import AudioError
from rhapsode.media.synthesis import Phone, list_voices, synthesise, synthesise_timed
from rhapsode.media.waveform import Waveform


def test_a_sentence_is_spoken_at_a_human_pace() -> None:
    speech = synthesise("The quick brown fox jumps over the lazy dog.")
    assert speech.samples.dtype == np.float32
    assert 1.5 < speech.seconds < 5
    assert 0.1 < np.abs(speech.samples).max() <= 1


def test_a_higher_pace_is_shorter() -> None:
    text = "One two three four five six seven."
    assert synthesise(text, words_per_minute=300).seconds < 0.7 * synthesise(text, words_per_minute=120).seconds


def test_another_language_sounds_different() -> None:
    text = "Information"
    english, german = synthesise(text, "en"), synthesise(text, "de")
    assert len(english.samples) != len(german.samples)


def test_longer_text_than_one_buffer_is_whole() -> None:
    once, thrice = synthesise("This is a sentence."), synthesise("This is a sentence. " * 12)
    assert thrice.seconds > 9 * once.seconds


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_no_text_says_so(text: str) -> None:
    with pytest.raises(AudioError, match="no text to speak"):
        synthesise(text)


def test_an_unknown_voice_says_where_the_voices_are_listed_and_does_no_harm() -> None:
    with pytest.raises(AudioError, match=r"unknown voice 'qqq'.*list_voices"):
        synthesise("Hello", "qqq")
    with pytest.raises(AudioError, match=r"unknown voice 'greman'.*did you mean german"):
        synthesise("Hello", "greman")
    assert synthesise("Hello").seconds > 0.2


def test_where_espeak_ng_is_missing_it_says_what_to_install() -> None:
    program = """
import sys
sys.modules["espeakng_loader"] = None
from rhapsode.errors import InstallationError
from rhapsode.media.synthesis import list_voices, synthesise
for call in (lambda: synthesise("Hello"), list_voices):
    try:
        call()
    except InstallationError as error:
        print(error.code, "|", error.remedy)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["no-synthesiser | install the extra rhapsode[text]"] * 2


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")
def test_speaking_leaves_the_process_as_it_was() -> None:
    program = """
import locale, os, signal
from rhapsode.media.synthesis import synthesise
locale.setlocale(locale.LC_ALL, "C")
def state():
    return {
        "locale": locale.setlocale(locale.LC_ALL),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "signals": [signal.getsignal(number) for number in signal.valid_signals()],
    }
before = state()
first = synthesise("Über die Brücke, ça été.", "de").seconds
after = state()
assert after == before, [name for name in before if before[name] != after[name]]
assert abs(synthesise("Über die Brücke, ça été.", "de").seconds - first) < 0.05 * first
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def plain(phones: list[Phone]) -> list[str]:
    """Symbols without marks of stress and length; pauses left out."""
    return [phone.symbol.strip("ˈˌː") for phone in phones if phone.symbol]


def test_each_phone_is_told_in_order_up_to_the_end() -> None:
    speech, phones = synthesise_timed("Maybe my mother bought a big apple pie.", "en-us")
    assert plain(phones)[:8] == ["m", "eɪ", "b", "i", "m", "aɪ", "m", "ʌ"]
    assert phones[0].start == 0 and phones[-1].end == speech.seconds
    for one, following in itertools.pairwise(phones):
        assert one.start <= one.end == following.start


def loudness(speech: Waveform, start: float, end: float) -> float:
    return float(np.sqrt(np.mean(speech.samples[round(start * speech.rate) : round(end * speech.rate)] ** 2)))


@pytest.mark.parametrize("voice", ["en-us", "de", "fr", "it"])
def test_phones_sound_when_they_are_said_to(voice: str) -> None:
    speech, phones = synthesise_timed("Papa, papa. Papa!", voice)
    bursts = [phone.start for phone in phones if phone.symbol == "p"]
    vowels = [phone for phone in phones if phone.symbol.strip("ˈˌː") in ("a", "ɑ", "ɐ", "ə", "æ")]
    assert len(bursts) == 6 and len(vowels) == 6
    for burst in bursts[1:]:
        assert loudness(speech, burst - 0.03, burst) < 1e-4, "the closure before the burst"
    for vowel in vowels:
        assert loudness(speech, vowel.start, vowel.end) > 0.05


def test_a_pause_is_told_with_an_empty_symbol() -> None:
    speech, phones = synthesise_timed("Hello. Hello.")
    pauses = [phone for phone in phones if not phone.symbol and phone.end - phone.start > 0.1]
    assert len(pauses) >= 1
    assert loudness(speech, pauses[0].start + 0.02, pauses[0].end - 0.02) < 0.01


def test_a_pace_out_of_range_says_the_range() -> None:
    with pytest.raises(AudioError, match="80 to 450"):
        synthesise("Hello", words_per_minute=1000)


def test_voices_are_listed_by_language() -> None:
    voices = list_voices()
    assert {"de", "en-us", "it"} <= set(voices)
    assert list(voices) == sorted(voices)


def test_threads_do_not_mix_their_texts() -> None:
    texts = ["Hello there", "A much longer sentence about the weather today"] * 4
    alone = [len(synthesise(text).samples) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = [len(speech.samples) for speech in pool.map(synthesise, texts)]
    # espeak-ng varies its pace a little by chance, so lengths agree to a few per cent only.
    assert together == pytest.approx(alone, rel=0.05)
