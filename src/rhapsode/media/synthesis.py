"""Speech from text: a stand-in voice for trying the program without a recording.

The voice is espeak-ng's formant synthesis, clear but robotic. Results are only as human as the voice that drives
them: the program is made for a user's own recording. espeak-ng (GPL-3.0) comes with the extra `rhapsode[text]`.
"""

import logging
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from rhapsode.errors import AudioError
from rhapsode.media.espeak import Callback, load, lock, voice_names
from rhapsode.media.languages import language_code, near_names, script_warning
from rhapsode.media.waveform import Waveform

log = logging.getLogger(__name__)

WORDS_PER_MINUTE = 160
SLOWEST, FASTEST = 80, 450
"""Words per minute that espeak-ng can speak at."""
LONGEST = 30 * 60
"""Seconds that are spoken at most, since they are held in memory."""

# From espeak-ng's speak_lib.h.
_EVENT_LIST_TERMINATED, _EVENT_PHONEME = 0, 7
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_RATE = 1


@dataclass(frozen=True)
class Phone:
    """Say when a phone sounds.

    Attributes:
        symbol: IPA, with marks of stress and length, such as `m`, `tʃ`, `ˈiː`; empty for a pause.
        start: seconds. A voiced plosive starts with its closure, a voiceless one with its burst: the silence of its
            closure ends the phone before.
        end: seconds, the start of the next phone, or the end of the sound.
    """

    symbol: str
    start: float
    end: float


def synthesise(text: str, voice: str = "en", words_per_minute: int = WORDS_PER_MINUTE) -> Waveform:
    """Speak a text with espeak-ng: a stand-in for the user's own recording, robotic but offline and instant.

    The pace varies a little at random, so two runs differ by a few milliseconds.

    Args:
        text: what to say.
        voice: a language by code or name, such as "de", "zh", "pt-br" or "german" (`list_voices` names all), alone or
            with a variant, such as "en+f3".
        words_per_minute: pace, 80 to 450.

    Returns:
        The speech at the synthesiser's own rate (22 050 Hz); `resample` brings it to another.

    Raises:
        AudioError: no text, an unknown voice, a pace out of range, a text that makes no sound, or one that takes longer
            than half an hour.
        InstallationError: espeak-ng is not installed, or cannot be loaded.
    """
    return synthesise_timed(text, voice, words_per_minute)[0]


def synthesise_timed(
    text: str, voice: str = "en", words_per_minute: int = WORDS_PER_MINUTE
) -> tuple[Waveform, list[Phone]]:
    """Speak a text and tell when each phone sounds; arguments and errors as in `synthesise`.

    Returns:
        The speech, and its phones and pauses in order.
    """
    if not text.strip():
        raise AudioError("no text to speak", "pass at least one word", "no-text")
    if not SLOWEST <= words_per_minute <= FASTEST:
        raise AudioError(
            f"cannot speak at {words_per_minute} words per minute", f"choose a pace from {SLOWEST} to {FASTEST}"
        )
    library, rate = load()
    code, _, variant = voice.partition("+")
    names = voice_names()
    code = language_code(code, names) or code
    # A NUL byte would end the text early in the C library.
    encoded = text.replace("\0", " ").encode("utf-8", "replace")
    parts: list[np.ndarray] = []
    begun: list[tuple[str, int]] = []  # each phone and its first sample
    spoken = 0

    def collect(samples: Any, count: int, events: Any) -> int:
        nonlocal spoken
        if samples and count > 0:
            # The library reuses its buffer as soon as this returns.
            parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
            spoken += count
            if spoken > LONGEST * rate:
                return 1  # stops speaking
        for index in range(2**31):
            event = events[index]
            if event.type == _EVENT_LIST_TERMINATED:
                return 0
            if event.type == _EVENT_PHONEME:
                symbol = event.id.to_bytes(8, sys.byteorder).partition(b"\0")[0].decode("utf-8", "replace")
                begun.append((symbol, event.sample))
        return 0

    callback = Callback(collect)
    with lock:
        wanted = f"{code}+{variant}" if variant else code
        if "\0" in wanted or library.espeak_SetVoiceByName(wanted.encode("utf-8", "replace")) != 0:
            near = near_names(voice, names)
            remedy = f"did you mean {' or '.join(near)}?" if near else "choose one of media.synthesis.list_voices()"
            raise AudioError(f"unknown voice {voice!r}", remedy, "no-voice")
        library.espeak_SetParameter(_RATE, words_per_minute, 0)
        library.espeak_SetSynthCallback(callback)
        status = library.espeak_Synth(encoded, len(encoded) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        library.espeak_Synchronize()
    if spoken > LONGEST * rate:
        raise AudioError(
            f"the text takes longer than {LONGEST // 60} minutes to speak", "make a video of each part", "long-text"
        )
    if status != 0 or not parts or not any(part.any() for part in parts):
        raise AudioError(
            f"the text makes no sound with voice {voice!r}", "use words of that voice's language", "no-text"
        )
    if warning := script_warning(text, code):
        log.warning(warning)
    speech = Waveform(np.concatenate(parts).astype(np.float32) / np.float32(32768), rate)
    ends = [sample for _, sample in begun[1:]] + [len(speech.samples)]
    phones = [Phone(symbol, first / rate, end / rate) for (symbol, first), end in zip(begun, ends, strict=True)]
    return speech, phones


def list_voices() -> tuple[str, ...]:
    """List the voices that `synthesise` knows, by language code.

    Returns:
        Codes such as "de", "en-us" and "fr", sorted.

    Raises:
        InstallationError: espeak-ng is not installed, or cannot be loaded.
    """
    return tuple(voice_names())
