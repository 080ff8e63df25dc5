"""The library espeak-ng (GPL-3.0), which comes with the extra `rhapsode[text]`: loaded, and its voices by name."""

import ctypes
import locale
import threading
from functools import lru_cache
from pathlib import Path

from rhapsode.errors import InstallationError

# From espeak-ng's speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_PHONEME_EVENTS, _INITIALIZE_PHONEME_IPA, _INITIALIZE_DONT_EXIT = 0x0001, 0x0002, 0x8000
_DATA_PATH_LIMIT = 160  # N_PATH_HOME: a longer path is cut without a word

#: To be held while the library is used: it keeps one voice, one text and one callback for the whole process.
lock = threading.Lock()


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


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
"""Takes samples, their number and the events that belong to them; gives 1 to stop speaking."""


@lru_cache(maxsize=1)
def voice_names() -> dict[str, str]:
    """Name the voices by their language.

    Returns:
        English names, such as "German" or "English (Scotland)", by code, sorted.

    Raises:
        InstallationError: espeak-ng is not installed, or cannot be loaded.
    """
    library, _ = load()
    import espeakng_loader

    data = Path(espeakng_loader.get_data_path())
    names: dict[str, str] = {}
    with lock:
        voices = library.espeak_ListVoices(None)
        index = 0
        while voices[index]:
            voice = voices[index].contents
            # The code by which the library finds a voice is the name of its file, whatever it lists it under.
            file = voice.identifier.decode("utf-8")
            if _has_words(data, file):
                names[file.rpartition("/")[2].casefold()] = voice.name.decode("utf-8").strip()
            index += 1
    return dict(sorted(names.items()))


def _has_words(data: Path, file: str) -> bool:
    """Tell whether a voice comes with its dictionary; some do not."""
    language = file.rpartition("/")[2].partition("-")[0]
    for line in (data / "lang" / file).read_text("utf-8", "replace").splitlines():
        if line.startswith("dictionary"):
            language = line.split()[1]
    return (data / f"{language}_dict").is_file()


@lru_cache(maxsize=1)
def load() -> tuple[ctypes.CDLL, int]:
    """Load espeak-ng once; gives the library and its rate in samples per second.

    Raises:
        InstallationError: it is not installed, or cannot be loaded.
    """
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
    library.espeak_SetSynthCallback.argtypes = [Callback]
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
