"""Speech from text: a stand-in voice for trying the program without a recording.

The voice is espeak-ng's formant synthesis, clear but robotic. Results are only as human as the voice that drives
them: the program is made for a user's own recording. espeak-ng (GPL-3.0) comes with the extra `rhapsode[text]`.
"""

import ctypes
import locale
import sys
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rhapsode.errors import AudioError, InstallationError
from rhapsode.media.waveform import Waveform

WORDS_PER_MINUTE = 160
SLOWEST, FASTEST = 80, 450
"""Words per minute that espeak-ng can speak at."""

# From espeak-ng's speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_PHONEME_EVENTS, _INITIALIZE_PHONEME_IPA, _INITIALIZE_DONT_EXIT = 0x0001, 0x0002, 0x8000
_EVENT_LIST_TERMINATED, _EVENT_PHONEME = 0, 7
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_RATE = 1
_DATA_PATH_LIMIT = 160  # N_PATH_HOME: a longer path is cut without a word

# The library keeps one voice, one text and one callback for the whole process.
_lock = threading.Lock()


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


class _Voice(ctypes.Structure):
    """espeak_VOICE of speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),  # a priority byte, then the code, not plain text
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_uint64),  # a union, here always eight bytes of text
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def synthesise(text: str, voice: str = "en", words_per_minute: int = WORDS_PER_MINUTE) -> Waveform:
    """Speak a text with espeak-ng: a stand-in for the user's own recording, robotic but offline and instant.

    The pace varies a little at random, so two runs differ by a few milliseconds.

    Args:
        text: what to say.
        voice: one of `list_voices()`, or one with a variant, such as "en+f3".
        words_per_minute: pace, 80 to 450.

    Returns:
        The speech at the synthesiser's own rate (22 050 Hz); `resample` brings it to another.

    Raises:
        AudioError: no text, an unknown voice, a pace out of range, or a text that makes no sound.
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
    library, rate = _library()
    # A NUL byte would end the text early in the C library.
    encoded = text.replace("\0", " ").encode("utf-8", "replace")
    parts: list[np.ndarray] = []
    begun: list[tuple[str, int]] = []  # each phone and its first sample

    def collect(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            # The library reuses its buffer as soon as this returns.
            parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        for index in range(2**31):
            event = events[index]
            if event.type == _EVENT_LIST_TERMINATED:
                return 0
            if event.type == _EVENT_PHONEME:
                symbol = event.id.to_bytes(8, sys.byteorder).partition(b"\0")[0].decode("utf-8", "replace")
                begun.append((symbol, event.sample))
        return 0

    callback = _Callback(collect)
    with _lock:
        if "\0" in voice or library.espeak_SetVoiceByName(voice.encode("utf-8", "replace")) != 0:
            raise AudioError(f"unknown voice {voice!r}", "choose one of media.synthesis.list_voices()", "no-voice")
        library.espeak_SetParameter(_RATE, words_per_minute, 0)
        library.espeak_SetSynthCallback(callback)
        status = library.espeak_Synth(encoded, len(encoded) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        library.espeak_Synchronize()
    if status != 0 or not parts or not any(part.any() for part in parts):
        raise AudioError(
            f"the text makes no sound with voice {voice!r}", "use words of that voice's language", "no-text"
        )
    speech = Waveform(np.concatenate(parts).astype(np.float32) / np.float32(32768), rate)
    ends = [sample for _, sample in begun[1:]] + [len(speech.samples)]
    phones = [Phone(symbol, first / rate, end / rate) for (symbol, first), end in zip(begun, ends, strict=True)]
    return speech, phones


def list_voices() -> tuple[str, ...]:
    """List the voices that `synthesise` knows, by language code.

    Returns:
        Codes such as "de", "en-us", "fr", sorted.

    Raises:
        InstallationError: espeak-ng is not installed, or cannot be loaded.
    """
    library, _ = _library()
    with _lock:
        voices = library.espeak_ListVoices(None)
        codes = set()
        index = 0
        while voices[index]:
            languages = voices[index].contents.languages
            if languages:
                codes.add(ctypes.string_at(languages + 1).decode("utf-8"))
            index += 1
    return tuple(sorted(codes))


@lru_cache(maxsize=1)
def _library() -> tuple[ctypes.CDLL, int]:
    """Load espeak-ng once; gives the library and its rate in samples per second."""
    try:
        import espeakng_loader
    except ImportError:
        raise InstallationError(
            "speech from text: espeak-ng is not installed", "install the extra rhapsode[text]", "no-synthesiser"
        ) from None
    data = str(espeakng_loader.get_data_path())
    if len(data.encode()) >= _DATA_PATH_LIMIT:
        raise _broken("espeak-ng's data lie in too long a path", "install the program in a shorter one")
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise _broken(f"espeak-ng cannot be loaded ({error})") from error
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    library.espeak_SetSynthCallback.argtypes = [_Callback]
    library.espeak_SetSynthCallback.restype = None
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
        ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    options = _INITIALIZE_DONT_EXIT | _INITIALIZE_PHONEME_EVENTS | _INITIALIZE_PHONEME_IPA
    # espeak-ng sets the locale of the whole process, which it has no need of.
    characters = locale.setlocale(locale.LC_CTYPE)
    rate = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), options)
    locale.setlocale(locale.LC_CTYPE, characters)
    if rate <= 0:
        raise _broken("espeak-ng does not start")
    return library, int(rate)


def _broken(what: str, remedy: str = "reinstall espeakng-loader") -> InstallationError:
    return InstallationError(f"speech from text: {what}", remedy, "no-synthesiser")
