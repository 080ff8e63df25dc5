"""Speech from text, by espeak-ng."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rhapsode.errors import AudioError
from rhapsode.media.synthesis import list_voices, synthesise


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
    with pytest.raises(AudioError, match=r"unknown voice 'klingonese'.*list_voices"):
        synthesise("Hello", "klingonese")
    assert synthesise("Hello").seconds > 0.2


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
